/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long an answer takes from the producer to Kafka's acknowledgement, learned as TCP
 * learns its round trip (RFC 6298: mean and mean deviation). So much is taken off every
 * deadline: an answer is to arrive by then, not to leave. Pure.
 */
#ifndef BATCHER_REPLY_TIME_H
#define BATCHER_REPLY_TIME_H

#include <stdbool.h>
#include <stdint.h>

struct reply_time {
    bool known;
    double mean_ns;
    double deviation_ns;
    int64_t window_end_ns; /* answers until then are one observation */
    int64_t slowest_ns;    /* of them so far */
};

/** An answer took so long; acknowledged now. */
void reply_time_observe(struct reply_time *t, int64_t took_ns, int64_t now_ns);

/** What an answer hardly exceeds, at most 20 ms; 0 before the first. */
int64_t reply_time_allowance(const struct reply_time *t);

/** The part of it that a request with so much time left is charged: at most a quarter.
 */
int64_t reply_time_charge(int64_t allowance_ns, int64_t left_ns);

#endif
