/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tensors between a slot and ONNX Runtime. Those of fixed-size elements are its values
 * over the slot's own memory; texts (BYTES) are its own strings, copied both ways.
 */
#ifndef RUNNER_ORT_TENSOR_H
#define RUNNER_ORT_TENSOR_H

#include "base/span.h"
#include "base/status.h"
#include "runner/batch.h"
#include "runner/ort_session.h"
#include "runner/ort_signature.h"
#include "runner/ort_texts.h"

#include <stddef.h>
#include <stdint.h>

struct OrtStatus;
struct OrtTypeInfo;
struct OrtValue;

/** Datatype, rank and shape of what the file declares, or why it cannot be served. */
MUST_CHECK enum status ort_tensor_declared(const struct OrtApi *api,
                                           const struct OrtTypeInfo *info,
                                           struct ort_declared *out,
                                           struct fault *fault);

/* A tensor of a run; the first dimension is the rows where the model batches. */
struct ort_shape {
    enum datatype datatype;
    uint32_t rank;
    int64_t dims[SLOT_RANK_MAX];
};

/**
 * A value over memory of ours, which has to outlive it.
 *
 * @param[in] data `size` bytes, as shape and datatype ask for; not BYTES
 * @owner the caller, by ReleaseValue()
 */
MUST_CHECK struct OrtStatus *ort_tensor_over(const struct ort_session *s,
                                             const struct ort_shape *shape,
                                             void *data,
                                             size_t size,
                                             struct OrtValue **out);

/** How many elements the shape has. @return false if that overflows */
bool ort_shape_elements(const struct ort_shape *shape, size_t *out);

/**
 * A value of strings.
 *
 * @param[in] texts as many as fit the slot
 * @param[in] shape may have more rows than there are texts for: they repeat the last
 * @owner the caller, by ReleaseValue()
 */
MUST_CHECK struct OrtStatus *ort_tensor_of_texts(const struct ort_session *s,
                                                 const struct ort_shape *shape,
                                                 const struct ort_texts *texts,
                                                 struct OrtValue **out);

/**
 * Copies the first `rows` rows (all that do not batch) of a value that ONNX Runtime
 * made into output `index` of the batch.
 *
 * @param[in] computed rows that were computed, padding included
 * @return SLOT_SUCCEEDED; SLOT_FAILED after batch_fail()
 */
enum slot_outcome ort_tensor_copy_out(const struct ort_session *s,
                                      struct OrtValue *value,
                                      struct batch *b,
                                      uint32_t index,
                                      uint32_t computed);

#endif
