/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last minute of traffic for the dashboard, one slot a second: how many were taken
 * and how they ended, the batches they ran in, their latencies. Pure.
 */
#ifndef INGEST_PULSE_H
#define INGEST_PULSE_H

#include "base/buf.h"
#include "base/status.h"

#include <stdint.h>

enum { PULSE_SECONDS = 60 };

struct pulse;

MUST_CHECK enum status pulse_create(struct pulse **out);
void pulse_destroy(struct pulse **pulse);

/** A request was taken. */
void pulse_taken(struct pulse *pulse, int64_t now_ns);

/** A held request was answered. @param[in] batch_size rows of its batch; 0 = unknown */
void pulse_answered(struct pulse *pulse,
                    int64_t now_ns,
                    int64_t latency_ns,
                    int32_t batch_size);

/**
 * Appends the members "seconds" (per second, oldest first) and "latency_ms" (of the
 * last ten seconds) of a JSON object, without the braces.
 */
void pulse_write(struct pulse *pulse, int64_t now_ns, struct buf *out);

#endif
