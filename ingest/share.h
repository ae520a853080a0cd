/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody, a tenant or all together, has of the server: requests and bytes in
 * flight, and a token bucket that fills at a rate up to its burst, of which each
 * submission takes a token. Who does not fit is given an instant of his own at which
 * there is room: one behind the other as fast as room appears, so that all who were
 * refused do not come back at once and are refused again. Pure.
 */
#ifndef INGEST_SHARE_H
#define INGEST_SHARE_H

#include "base/status.h"
#include "ingest/tenant.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** All zero has nothing in flight and a full bucket. */
struct share {
    size_t requests;
    size_t bytes;
    size_t left;          /* requests given back in the running second */
    int64_t second_ns;    /* when the running second began */
    double left_per_s;    /* smoothed over the last seconds */
    double spent;         /* tokens missing in the bucket */
    int64_t filled_ns;    /* when `spent` was brought up to date */
    int64_t room_slot_ns; /* the next instant to promise room for */
    int64_t token_slot_ns;
};

/** Seconds until an instant, rounded up, 1 to 3600: a Retry-After. */
int64_t share_retry_s(int64_t due_ns, int64_t now_ns);

/**
 * The next of a row of instants.
 *
 * @param[in,out] slot_ns where the row stands
 * @param[in] earliest_ns when there is room for the first
 * @param[in] rate_per_s above 0
 */
int64_t share_slot(int64_t *slot_ns, int64_t earliest_ns, double rate_per_s);

/**
 * Whether one more fits. Counts nothing; a refusal uses up the instant it names.
 *
 * @param[in]  bytes  of its record
 * @param[out] due_ns on STATUS_FULL when to come back
 * @return STATUS_OK; STATUS_FULL; STATUS_TOO_LARGE: it alone is over the limit
 */
MUST_CHECK enum status share_check(struct share *s,
                                   const struct tenant_limits *limits,
                                   size_t bytes,
                                   int64_t now_ns,
                                   int64_t *due_ns);

/** Counts it in, and takes a token if there is a rate. After share_check(). */
void share_take(struct share *s, const struct tenant_limits *limits, size_t bytes);

/** Counts it out again. @param[in] bytes as they were taken */
void share_give(struct share *s, size_t bytes, int64_t now_ns);

/** What the token bucket says to a caller: the RateLimit headers. */
struct share_tokens {
    int64_t quota;    /* when it is full */
    int64_t window_s; /* from empty to full */
    int64_t left;
    int64_t full_in_s;
};

/** @return false: there is no rate */
bool share_tokens(const struct share *s,
                  const struct tenant_limits *limits,
                  struct share_tokens *tokens);

#endif
