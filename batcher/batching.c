/* SPDX-License-Identifier: Apache-2.0 */
/* A table of keys, read as options are; only the list of buckets is read here. */
#include "batcher/batching.h"

#include "base/clock.h"
#include "base/option_value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct batching, field)

static const struct option keys[] = {
    {.name = "deadline.default",
     .kind = OPTION_DURATION,
     .offset = AT(deadline_default_ns),
     .least = NS_PER_MS,
     .most = INT64_C(7) * 86400 * NS_PER_S},
    {.name = "max.delay",
     .kind = OPTION_DURATION,
     .offset = AT(max_delay_ns),
     .most = 60 * NS_PER_S},
    {.name = "priority.default",
     .kind = OPTION_INT,
     .offset = AT(level_default),
     .least = LEVEL_HIGHEST,
     .most = LEVEL_LOWEST},
    {.name = "shed", .kind = OPTION_BOOL, .offset = AT(shed)},
};

void
batching_init(struct batching *b)
{
    *b = (struct batching){.level_default = LEVEL_DEFAULT, .shed = true};
}

static enum status
buckets_read(struct batching *b, const char *text, struct fault *fault)
{
    const char *at = text;
    b->bucket_count = 0;
    for (bool more = true; more; more = *at == ',', at += more ? 1 : 0) {
        char *end = NULL;
        unsigned long rows = isdigit((unsigned char)*at) ? strtoul(at, &end, 10) : 0;
        uint32_t below = b->bucket_count > 0 ? b->buckets[b->bucket_count - 1] : 0;
        if (rows <= below || rows > UINT32_MAX || b->bucket_count == COST_KNOTS_MAX) {
            return fault_set(fault, STATUS_INVALID,
                             "batch.buckets=%s: at most %d ascending numbers of rows, "
                             "such as 1,2,4,8, are wanted",
                             text, (int)COST_KNOTS_MAX);
        }
        b->buckets[b->bucket_count++] = (uint32_t)rows;
        at = end;
    }
    if (*at != '\0') {
        return fault_set(fault, STATUS_INVALID,
                         "batch.buckets=%s: numbers of rows, such as 1,2,4,8, are "
                         "wanted",
                         text);
    }
    return STATUS_OK;
}

enum status
batching_set(struct batching *b,
             const char *key,
             const char *value,
             struct fault *fault)
{
    if (strcmp(key, "batch.buckets") == 0) {
        return buckets_read(b, value, fault);
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strcmp(key, keys[i].name) == 0) {
            return option_value_read(&keys[i], value, (char *)b + keys[i].offset,
                                     fault);
        }
    }
    return STATUS_NOT_FOUND;
}

enum status
batching_close(struct batching *b, uint32_t max_batch_size, struct fault *fault)
{
    if (b->bucket_count == 0) {
        return STATUS_OK;
    }
    uint32_t most = b->buckets[b->bucket_count - 1];
    if (most > max_batch_size) {
        return fault_set(fault, STATUS_INVALID,
                         "batch.buckets: %u rows are more than max.batch.size=%u", most,
                         max_batch_size);
    }
    if (most < max_batch_size && b->bucket_count == COST_KNOTS_MAX) {
        return fault_set(fault, STATUS_INVALID,
                         "batch.buckets: the last of %d has to be max.batch.size=%u",
                         (int)COST_KNOTS_MAX, max_batch_size);
    }
    if (most < max_batch_size) {
        b->buckets[b->bucket_count++] = max_batch_size;
    }
    return STATUS_OK;
}
