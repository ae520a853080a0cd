/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a model's requests are batched: the keys of its model.properties that are the
 * former's (docs/models.md tells each).
 */
#ifndef BATCHER_BATCHING_H
#define BATCHER_BATCHING_H

#include "base/status.h"
#include "batcher/cost.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Levels of priority: 1 goes first. */
enum { LEVEL_HIGHEST = 1, LEVEL_LOWEST = 9, LEVEL_DEFAULT = 5 };

struct batching {
    int64_t deadline_default_ns;      /* deadline.default; 0 = none */
    int64_t max_delay_ns;             /* max.delay */
    int64_t level_default;            /* priority.default */
    bool shed;                        /* shed */
    uint32_t buckets[COST_KNOTS_MAX]; /* batch.buckets, ascending */
    size_t bucket_count;              /* 0 = batches are not padded */
};

/** What holds where model.properties says nothing. */
void batching_init(struct batching *b);

/**
 * Reads batch.buckets.
 *
 * @return STATUS_OK; STATUS_INVALID with what is wrong, and no buckets to be relied on
 */
MUST_CHECK enum status
batching_read_buckets(struct batching *b, const char *text, struct fault *fault);

/**
 * After the last key: the most rows of a batch are the last bucket, as for the runner.
 *
 * @param[in] max_batch_size of the model; 0 = does not batch
 * @return STATUS_OK; STATUS_INVALID for buckets that the model cannot have
 */
MUST_CHECK enum status
batching_close(struct batching *b, uint32_t max_batch_size, struct fault *fault);

#endif
