/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One slot as a backend sees it: the tensors checked against the model and put in the
 * model's order, and a place for the outputs. What the slot says is copied before it is
 * checked, so nothing the parent writes later can move a pointer out of the slot.
 */
#ifndef RUNNER_BATCH_H
#define RUNNER_BATCH_H

#include "base/span.h"
#include "base/status.h"
#include "runner/model.h"
#include "runner/protocol.h"

#include <stdbool.h>
#include <stdint.h>

struct batch_input {
    uint32_t rank;
    int64_t shape[SLOT_RANK_MAX]; /* [rows][...] where the model batches */
    struct span data;             /* inside the slot, SLOT_ALIGN aligned */
};

/* Used by one thread of its instance at a time: first its preparer, if there is one. */
struct batch {
    struct slot_head *slot;
    const struct model *model;
    uint64_t slot_bytes;
    uint64_t outputs_at;       /* first byte still free */
    uint32_t rows;             /* 1..max_batch_size; 1 where the model does not batch */
    bool warm_up;              /* of our own making, before `loaded` */
    enum slot_outcome outcome; /* so far */
    char *row_errors; /* [rows][SLOT_ROW_ERROR_BYTES] in the slot; NULL: none failed */
    struct batch_input inputs[SLOT_TENSORS_MAX]; /* as model->inputs */
};

/**
 * Checks the slot and clears what the child answers in it.
 *
 * @param[in] model borrowed while the batch lives
 * @return STATUS_OK; STATUS_INVALID after batch_fail() has said what is wrong
 */
MUST_CHECK enum status batch_open(struct batch *b,
                                  struct slot_head *slot,
                                  uint64_t slot_bytes,
                                  const struct model *model);

/**
 * Makes room for an output: name and datatype of model->outputs[index]. Each once, in
 * any order; after a run that succeeds all have to be there.
 *
 * @param[in] shape as many dimensions as that output has; all ≥ 0
 * @param[in] size bytes of the data
 * @return where the caller is to write the data, SLOT_ALIGN aligned; NULL after
 *         batch_fail() when the slot has no room
 */
void *batch_output(struct batch *b, uint32_t index, const int64_t *shape, size_t size);

/** Writes the reason into the slot. @return SLOT_FAILED, for `return batch_fail(...)`
 */
enum slot_outcome
batch_fail(struct batch *b, const char *format, ...) PRINTF_LIKE(2, 3);

/**
 * Marks a row as failed by itself and writes the reason where the parent finds it; the
 * other rows go on. Of a row's reasons the first is kept, and if the slot has no room
 * for the rows' texts the reason of the last row that failed stands for all.
 *
 * @param[in] row 0..rows-1
 * @param[in] how SLOT_ROW_FAILED or SLOT_ROW_REFUSED
 */
void batch_fail_row(struct batch *b,
                    uint32_t row,
                    enum slot_row how,
                    const char *format,
                    ...) PRINTF_LIKE(4, 5);

#endif
