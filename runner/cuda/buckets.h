/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The batch sizes for which a graph is kept: a batch runs in the smallest that holds
 * it. Those of the model, or steps of at most 3/2 beyond 8 rows, so that padding costs
 * at most a third of the work.
 */
#ifndef RUNNER_CUDA_BUCKETS_H
#define RUNNER_CUDA_BUCKETS_H

#include "runner/model.h"

#include <stdint.h>

enum { BUCKETS_MAX = MODEL_BUCKETS_MAX + 1 };

struct buckets {
    uint32_t count;
    uint32_t rows[BUCKETS_MAX]; /* ascending; the last is the most a batch may have */
};

void buckets_init(struct buckets *b, const struct model *model);

/** Index of the smallest bucket that holds so many rows. @param[in] rows ≤ the last */
uint32_t buckets_find(const struct buckets *b, uint32_t rows);

#endif
