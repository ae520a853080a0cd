/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the steps behind the model make of its only output: softmax over the values of a
 * row, then the best of them by number, score and label. Letters: B rows of a batch, M
 * values of a row, K of them wanted.
 */
#ifndef RUNNER_STEPS_ANSWER_H
#define RUNNER_STEPS_ANSWER_H

#include "runner/backend.h"
#include "runner/labels.h"
#include "runner/steps.h"

struct steps_answer {
    bool softmax;
    uint32_t top;         /* K; 0 = all values in the model's shape */
    uint32_t width;       /* M */
    size_t value_bytes;   /* of the model's output */
    struct labels labels; /* M of them, or none */
    float *values;        /* [B max][M] */
    uint32_t *best;       /* [B max][K], of each row the best first */
};

/**
 * Fits the steps to the model and says what comes out: `label` BYTES, `score` FP32 and
 * `index` INT32, each [-1][K]; without topk the model's output as FP32.
 *
 * @param[in,out] model outputs are those of the platform, and are changed
 * @param[out]    a     released by steps_answer_fini(), also on error
 * @return STATUS_OK; STATUS_INVALID; STATUS_NOT_FOUND and others for the labels;
 *         STATUS_NO_MEMORY
 */
MUST_CHECK enum status steps_answer_fit(struct steps_answer *a,
                                        const struct steps *steps,
                                        const struct model_source *source,
                                        struct model *model,
                                        struct fault *fault);

/** Accepts a zeroed one. */
void steps_answer_fini(struct steps_answer *a);

/**
 * Writes the outputs.
 *
 * @param[in]     t the model's output in `from`, whose size is checked
 * @param[in,out] b rows are set; of the model that steps_answer_fit() made
 * @return SLOT_SUCCEEDED; SLOT_FAILED with its reason in b
 */
enum slot_outcome steps_answer_write(const struct steps_answer *a,
                                     struct slot_head *from,
                                     const struct slot_tensor *t,
                                     struct batch *b);

#endif
