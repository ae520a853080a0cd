/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be in flight: requests and their bytes, counted from the moment a request is
 * taken until it is given back. Over a limit a request is refused with the time after
 * which room is likely, estimated from how fast requests left lately. Pure.
 */
#ifndef INGEST_ADMISSION_H
#define INGEST_ADMISSION_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct admission {
    size_t requests_max;
    size_t bytes_max;
    size_t requests;
    size_t bytes;
    size_t left;       /* requests given back in the running second */
    int64_t second_ns; /* when the running second began */
    double rate_per_s; /* smoothed over the last seconds */
};

void admission_init(struct admission *a, size_t requests_max, size_t bytes_max);

/**
 * Counts a request in.
 *
 * @return STATUS_OK; STATUS_FULL: nothing was counted, say admission_retry_s();
 *         STATUS_TOO_LARGE: it alone is over the limit of bytes
 */
MUST_CHECK enum status admission_take(struct admission *a, size_t bytes);

/** Counts it out again. @param[in] bytes as they were taken */
void admission_give(struct admission *a, size_t bytes, int64_t now_ns);

/** Seconds until a tenth of the limit has drained, 1 to 60. */
int64_t admission_retry_s(const struct admission *a, int64_t now_ns);

#endif
