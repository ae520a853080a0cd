/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a caller wants a request to be worked on, said in up to three ways: header
 * Request-Timeout (seconds), parameter `timeout` (microseconds, the V2 extension),
 * `deadline_ms` of a job. The shortest counts. Pure.
 */
#ifndef INGEST_TIMEOUT_H
#define INGEST_TIMEOUT_H

#include "base/span.h"
#include "base/status.h"
#include "schemas/oip.h"

#include <stdint.h>

/**
 * Reads Request-Timeout: a decimal number of seconds over 0.
 *
 * @param[in]  header      its value; data NULL: there is none
 * @param[out] timeout_ms  rounded up; 0 = none, or longer than a year
 * @return STATUS_OK; STATUS_INVALID with the reason
 */
MUST_CHECK enum status
timeout_read(struct span header, int64_t *timeout_ms, struct fault *fault);

/** The shortest of the three in milliseconds, rounded up; 0 = none of them. */
int64_t timeout_shortest_ms(int64_t header_ms, const struct oip_request *body);

#endif
