/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why rows of a batch failed by themselves, as the runner tells it in a slot that is
 * done. Believes nothing of it: what lies outside the slot is no text. Pure but for the
 * slot it reads.
 */
#ifndef BATCHER_ROW_FAILURE_H
#define BATCHER_ROW_FAILURE_H

#include "base/status.h"
#include "runner/protocol.h"

#include <stdbool.h>
#include <stdint.h>

struct row_failure {
    enum status status; /* STATUS_INVALID: the input is at fault; _MODEL_FAILED */
    char message[SLOT_ROW_ERROR_BYTES + 32];
};

/**
 * The first of an item's rows that failed by itself, and why. The rows of an item of
 * several are told by their number within it, from 0.
 *
 * @param[in]  first the item's first row in the slot
 * @param[in]  count its rows
 * @param[out] out   set only if it returns true; the message is a text, "" if there
 *                   is none for the row
 */
bool row_failure_find(struct slot_head *slot,
                      uint64_t slot_bytes,
                      uint32_t first,
                      uint32_t count,
                      struct row_failure *out);

#endif
