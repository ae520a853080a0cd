/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tensors a model from a file serves: those the file declares, where
 * model.properties are silent; else those written there, held against the file's. Also
 * how batches fit it: an input's first dimension takes any number of rows, or always
 * the same. Pure.
 */
#ifndef RUNNER_ORT_SIGNATURE_H
#define RUNNER_ORT_SIGNATURE_H

#include "base/status.h"
#include "runner/model.h"

#include <stdbool.h>
#include <stdint.h>

/* A tensor as the file declares it, the batch dimension (if any) included. */
struct ort_declared {
    struct model_tensor tensor; /* rank 0: one value, or the file does not say */
    char unusable[80];          /* why it cannot be served; "" if it can */
};

struct ort_side {
    uint32_t count;
    bool shapes_may_be_unsaid; /* where the file leaves them to the run: outputs */
    struct ort_declared tensors[SLOT_TENSORS_MAX];
    uint32_t served[SLOT_TENSORS_MAX]; /* which of them the model's tensors are */
};

struct ort_signature {
    struct ort_side inputs;
    struct ort_side outputs;
    uint32_t fixed_rows; /* of every batch; 0: any number; by ort_signature_settle() */
};

/**
 * Completes the model's tensors. What is written may be narrower than the file's -1.
 * All inputs of the file have to be served, outputs may be left out by writing the
 * others.
 *
 * @param[in,out] signature its fixed_rows and what is served are set
 * @param[in,out] model     max_batch_size is set, its tensors are those written
 * @return STATUS_OK; STATUS_INVALID, saying both sides; STATUS_UNSUPPORTED
 */
MUST_CHECK enum status ort_signature_settle(struct ort_signature *signature,
                                            struct model *model,
                                            struct fault *fault);

#endif
