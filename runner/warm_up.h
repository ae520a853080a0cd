/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The warm-up of a loaded model, before its slots are the parent's: every slot once
 * with the most rows, which also touches the pages it needs, then what batches of
 * several sizes cost, so that the parent can plan with its first request. A model's
 * warmup.runs says otherwise how often each size runs; what it is run with says
 * warm_up_input.h.
 */
#ifndef RUNNER_WARM_UP_H
#define RUNNER_WARM_UP_H

#include "runner/backend.h"
#include "runner/pipeline.h"
#include "runner/warm_up_input.h"

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
    size_t count;                                 /* 0: nothing was to be run */
    int64_t runs; /* of each size, however long they take; -1: as many as are useful */
    struct warm_up_inputs inputs; /* while it runs */
};

/**
 * Runs batches in the pipeline's slots. Unless the model says how many, the first and
 * the last size are always measured, those between while that took under 2 s and no
 * stop is asked for.
 *
 * @param[in,out] p      not yet started
 * @param[in]     source its properties and its folder
 * @return STATUS_OK; STATUS_TOO_LARGE if the inputs do not fit a slot;
 *         STATUS_MODEL_FAILED with the backend's reason; as warm_up_inputs_read()
 * @blocks for the batches it runs
 */
MUST_CHECK enum status warm_up_run(struct warm_up *w,
                                   struct pipeline *p,
                                   const struct model_source *source,
                                   struct fault *fault);

#endif
