/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a webhook says, and whether its receiver wants to hear it. The body is made once
 * and kept, so that it is the same at every attempt. Pure.
 */
#ifndef RESULTS_DELIVERY_H
#define RESULTS_DELIVERY_H

#include "base/buf.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stdint.h>

enum { DELIVERY_INLINE_MAX = 20 * 1000 };

/** Whether the target wants to hear of this ending. */
bool delivery_is_wanted(const struct reply *reply);

/**
 * Appends {"type","timestamp","data"}: data is the job document, with the outputs where
 * the whole stays below 20 kB, else with "outputs_path" to fetch them from.
 */
void delivery_write_body(const struct reply *reply, int64_t wall_us, struct buf *b);

#endif
