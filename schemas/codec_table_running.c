/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of running.avsc, as codec_table.c has those of the other records. */
#include "schemas/codec_record.h"
#include "schemas/message.h"

static const struct codec_field running_fields[] = {
    {.name = "model",
     .type = &codec_text,
     .offset = offsetof(struct running, model),
     .min = 1,
     .max = NAME_MAX_BYTES},
    {.name = "instance",
     .type = &codec_text,
     .offset = offsetof(struct running, instance),
     .max = NAME_MAX_BYTES},
    {.name = "published_at",
     .type = &codec_long,
     .offset = offsetof(struct running, published_us),
     .min = INT64_MIN,
     .max = INT64_MAX},
    {.name = "ids",
     .type = &codec_ids,
     .offset = offsetof(struct running, ids),
     .count_offset = offsetof(struct running, id_count),
     .max = RUNNING_IDS_MAX},
};

const struct codec_record codec_running = {
    .fields = running_fields,
    .field_count = sizeof(running_fields) / sizeof(running_fields[0]),
    .size = sizeof(struct running),
    .fingerprint = 0x7ac36ae3c445ad55U,
};
