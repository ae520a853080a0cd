/* SPDX-License-Identifier: Apache-2.0 */
/* See batching.h. */
#include "batcher/batching.h"

#include "runner/protocol.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

void
batching_init(struct batching *b)
{
    *b = (struct batching){.level_default = LEVEL_DEFAULT, .shed = true};
}

enum status
batching_read_buckets(struct batching *b, const char *text, struct fault *fault)
{
    const char *at = text;
    b->bucket_count = 0;
    for (bool more = true; more; more = *at == ',', at += more ? 1 : 0) {
        char *end = NULL;
        unsigned long rows = isdigit((unsigned char)*at) ? strtoul(at, &end, 10) : 0;
        uint32_t below = b->bucket_count > 0 ? b->buckets[b->bucket_count - 1] : 0;
        if (rows == 0 || (*end != ',' && *end != '\0')) {
            return fault_set(fault, STATUS_INVALID,
                             "'%.60s' is no list of numbers of rows, such as 1,2,4,8",
                             text);
        }
        if (rows <= below) {
            return fault_set(fault, STATUS_INVALID,
                             "'%.60s' is not ascending: %lu comes after %" PRIu32, text,
                             rows, below);
        }
        if (rows > SLOT_ROWS_MAX) {
            return fault_set(fault, STATUS_INVALID,
                             "'%.60s': a batch has at most %d rows", text,
                             (int)SLOT_ROWS_MAX);
        }
        if (b->bucket_count == COST_KNOTS_MAX) {
            return fault_set(fault, STATUS_INVALID, "there are more than %d numbers",
                             (int)COST_KNOTS_MAX);
        }
        b->buckets[b->bucket_count++] = (uint32_t)rows;
        at = end;
    }
    return STATUS_OK;
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
                         "%u rows are more than max.batch.size=%u", most,
                         max_batch_size);
    }
    if (most < max_batch_size && b->bucket_count == COST_KNOTS_MAX) {
        return fault_set(fault, STATUS_INVALID,
                         "the last of %d has to be max.batch.size=%u",
                         (int)COST_KNOTS_MAX, max_batch_size);
    }
    if (most < max_batch_size) {
        b->buckets[b->bucket_count++] = max_batch_size;
    }
    return STATUS_OK;
}
