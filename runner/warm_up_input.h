/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the batches of a warm-up hold: zeros, random values, or a row of a user's own
 * from a file of the version's folder (`warmup.input.N` of model.properties). Rows of a
 * file are all alike; of random values each is another one, the same in every load.
 */
#ifndef RUNNER_WARM_UP_INPUT_H
#define RUNNER_WARM_UP_INPUT_H

#include "base/status.h"
#include "runner/model.h"
#include "runner/properties.h"
#include "runner/protocol.h"

#include <stddef.h>
#include <stdint.h>

enum warm_up_kind { WARM_UP_ZEROS, WARM_UP_RANDOM, WARM_UP_FILE };

struct warm_up_input {
    enum warm_up_kind kind;
    int64_t shape[SLOT_RANK_MAX]; /* variable dimensions decided; where the model
                                     batches the first is not looked at */
    uint8_t *row;                 /* of a file, as a slot has it; owned */
    uint64_t row_bytes;
};

struct warm_up_inputs {
    struct warm_up_input items[SLOT_TENSORS_MAX]; /* as model->inputs */
    size_t count;
    uint64_t state; /* of the random values */
};

/**
 * Reads the keys and the files that they name. A variable dimension is 1, or what a
 * file makes it where the input has one such dimension.
 *
 * @param[in]  model as the outside sees it, loaded
 * @param[out] out   released by warm_up_inputs_fini(), also on error
 * @return STATUS_OK; STATUS_INVALID, STATUS_NOT_FOUND, STATUS_IO, STATUS_TOO_LARGE or
 *         STATUS_NO_MEMORY with the key and what was expected
 * @blocks for the disk
 */
MUST_CHECK enum status warm_up_inputs_read(struct warm_up_inputs *out,
                                           const struct model *model,
                                           const struct properties *properties,
                                           const char *directory,
                                           struct fault *fault);
void warm_up_inputs_fini(struct warm_up_inputs *inputs);

/**
 * Makes a batch in a slot, as the parent would.
 *
 * @param[in] rows 1..max_batch_size; 1 where the model does not batch
 * @return STATUS_OK; STATUS_TOO_LARGE if the inputs do not fit the slot
 */
MUST_CHECK enum status warm_up_inputs_fill(struct warm_up_inputs *inputs,
                                           const struct model *model,
                                           struct slot_head *slot,
                                           uint64_t slot_bytes,
                                           uint32_t rows,
                                           struct fault *fault);

#endif
