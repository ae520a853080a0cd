/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The warm-up of a loaded model, before its slots are the parent's: every slot once
 * with the most rows, which also touches the pages it needs, then what batches of
 * several sizes cost, so that the parent can plan with its first request.
 */
#ifndef RUNNER_WARM_UP_H
#define RUNNER_WARM_UP_H

#include "runner/pipeline.h"

#include <stddef.h>
#include <stdint.h>

/* Each bucket and B; without buckets 1, 2, 4, ..., SLOT_ROWS_MAX are fewer. */
enum { WARM_UP_COSTS_MAX = MODEL_BUCKETS_MAX + 1 };

struct warm_up_cost {
    uint32_t rows;
    int64_t prepare_ns;
    int64_t run_ns; /* 0: not measured */
};

struct warm_up {
    struct warm_up_cost costs[WARM_UP_COSTS_MAX]; /* ascending rows */
    size_t count;
};

/**
 * Runs batches of zeros in the pipeline's slots. The first and the last size are always
 * measured, those between while that took under 2 s and no stop is asked for.
 *
 * @param[in,out] p not yet started
 * @return STATUS_OK; STATUS_TOO_LARGE if the inputs do not fit a slot;
 *         STATUS_MODEL_FAILED with the backend's reason
 * @blocks for the batches it runs
 */
MUST_CHECK enum status
warm_up_run(struct warm_up *w, struct pipeline *p, struct fault *fault);

#endif
