/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ids of a batch's lines are not drawn but derived: the batch's first ten bytes,
 * the line number, and two bytes chosen so that the id hashes to the batch's own reply
 * partition. So the owner of the batch reads every answer of it, in one order, and
 * finds the answer of a line by its number; and a line that is sent twice is one job.
 * Pure.
 */
#ifndef RESULTS_BATCH_LINE_H
#define RESULTS_BATCH_LINE_H

#include "base/span.h"
#include "base/status.h"
#include "base/uuid.h"

#include <stdint.h>

/**
 * @param[in] line            from 1
 * @param[in] partition_count of the replies topic, at least 1
 * @return STATUS_OK; STATUS_UNAVAILABLE: none of the 65,536 candidates hashes there
 */
MUST_CHECK enum status batch_line_id(const struct uuid *batch,
                                     uint32_t line,
                                     int32_t partition_count,
                                     struct uuid *id);

/** Number of the line that has this id, 0 if it is not of the batch. */
uint32_t batch_line_number(const struct uuid *batch, const struct uuid *id);

/**
 * The id in front of a record's batch_id, behind which the caller's own id of the line
 * may stand after a colon.
 *
 * @param[out] own_id size 0: none
 * @return STATUS_OK; STATUS_INVALID: not such a text
 */
MUST_CHECK enum status
batch_id_parse(struct span text, struct uuid *batch, struct span *own_id);

#endif
