/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delivery as it is kept in the store: how it stands, where to, what. The body is
 * made once, so that it is the same at every attempt. Pure.
 */
#ifndef RESULTS_DELIVERY_H
#define RESULTS_DELIVERY_H

#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"
#include "results/results.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stdint.h>

enum { DELIVERY_BODY_MAX = 256 * 1024, DELIVERY_INLINE_MAX = 20 * 1000 };

struct delivery_record {
    struct webhook_view view;
    struct span url;
    struct span body;
};

/** Appends the bytes for the store. A settled one keeps neither URL nor body. */
void delivery_write(const struct delivery_record *d, struct buf *b);

/** @param[in] bytes borrowed by `d` @return STATUS_OK; STATUS_INVALID */
MUST_CHECK enum status delivery_read(struct span bytes, struct delivery_record *d);

/** Whether the target wants to hear of this ending. */
bool delivery_is_wanted(const struct reply *reply);

/**
 * Appends {"type","timestamp","data"}: data is the job document, with the outputs where
 * the whole stays below 20 kB, else with "outputs_path" to fetch them from.
 */
void delivery_write_body(const struct reply *reply, int64_t wall_us, struct buf *b);

#endif
