/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a loaded model takes and gives, as its runner said in `loaded`: the truth that
 * requests are checked against and slabs are laid out by. Pure.
 */
#ifndef BATCHER_MODEL_SPEC_H
#define BATCHER_MODEL_SPEC_H

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"
#include "runner/protocol.h"
#include "schemas/message.h"
#include "schemas/tensor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model_spec {
    struct span model;
    struct span version;
    struct span platform;
    struct tensor_spec inputs[SLOT_TENSORS_MAX];
    struct tensor_spec outputs[SLOT_TENSORS_MAX];
    uint32_t input_count;
    uint32_t output_count;
    uint32_t max_batch_size; /* rows; 0 = the model does not batch */
};

/**
 * Reads the tensors of a `loaded` message into the spec.
 *
 * @param[in] arena keeps the names
 * @return STATUS_OK; STATUS_INVALID with the line; STATUS_TOO_LARGE; STATUS_NO_MEMORY
 */
MUST_CHECK enum status model_spec_read(struct model_spec *spec,
                                       struct span message,
                                       struct arena *arena,
                                       struct fault *fault);

/** What the runner measured for a batch of so many rows. */
struct model_cost {
    uint32_t rows;
    int64_t prepare_ns;
    int64_t run_ns;
};

/** Reads the next `cost=` line that is understood and takes what is before it off the
 * message; false at its end. */
bool model_spec_next_cost(struct span *message, struct model_cost *out);

/** Bytes of its device that an instance holds, by its `loaded`; 0: it tells none. */
int64_t model_spec_memory(struct span message);

/** Value of a `key=` line of a control message; size 0 and NULL if absent. */
struct span control_value(struct span message, const char *key);

/** Bytes that the outputs of known size take per row, 0 for those of variable size. */
size_t model_spec_output_bytes(const struct model_spec *spec);

/** Bytes of a slot that the rows of a batch may take. */
size_t model_spec_batch_bytes(const struct model_spec *spec, uint64_t slot_bytes);

/** Rows of a batch at most; 1 for a model that does not batch. */
uint32_t model_spec_rows_max(const struct model_spec *spec);

/** Whether a request that was held against `from` may be given to `to` as it is: the
 * tensors are the same and a batch takes as many rows. */
bool model_spec_covers(const struct model_spec *to, const struct model_spec *from);

/** The spec as it is announced; spans point into the spec. */
struct model_info model_spec_info(const struct model_spec *spec);

#endif
