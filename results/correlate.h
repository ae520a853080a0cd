/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits for which id. Several may wait for one id. Every wait ends exactly once: it
 * is answered, falls due, is ended with the rest, or is forgotten. A wait is out of all
 * structures before its callback runs, so a callback may wait and forget freely. Pure:
 * time comes as an argument.
 */
#ifndef RESULTS_CORRELATE_H
#define RESULTS_CORRELATE_H

#include "base/heap.h"
#include "base/map.h"
#include "base/status.h"
#include "base/uuid.h"
#include "results/results.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A deadline that has always passed: the wait comes out of the next correlate_due(). */
#define CORRELATE_AT_ONCE INT64_MIN

struct wait_block;

struct correlate {
    struct map by_id;      /* id -> first wait for it */
    struct heap deadlines; /* every wait */
    struct results_wait *unused;
    struct wait_block *blocks; /* memory of all waits */
};

/** What somebody waited for, taken out by correlate_due(). */
struct wanted {
    struct uuid id;
    int64_t deadline_ns;
    results_answer_fn fn;
    void *waiter;
};

void correlate_init(struct correlate *c, size_t limit, uint64_t seed);

/** Waits still inside are dropped without a call: end them first. */
void correlate_fini(struct correlate *c);

/** @return STATUS_OK; STATUS_FULL at the limit; STATUS_NO_MEMORY */
MUST_CHECK enum status correlate_expect(struct correlate *c,
                                        const struct wanted *wanted,
                                        struct results_wait **wait);

void correlate_forget(struct correlate *c, struct results_wait *wait);

/** Calls everybody who waits for reply->id with STATUS_OK. @return how many */
size_t correlate_answer(struct correlate *c, const struct reply *reply);

/** Whether anybody waits for an id. */
bool correlate_waits(const struct correlate *c, const struct uuid *id);

/** Takes out one wait whose deadline is not after now; false if there is none. */
bool correlate_due(struct correlate *c, int64_t now_ns, struct wanted *out);

/** The earliest deadline, TIME_NEVER if nobody waits. */
int64_t correlate_next(const struct correlate *c);

typedef bool (*correlate_match_fn)(void *arg, const struct uuid *id);

/** Calls the waits whose id matches (NULL: all) with a status. @return how many */
size_t correlate_end(struct correlate *c,
                     enum status status,
                     correlate_match_fn match,
                     void *arg);

static inline size_t
correlate_count(const struct correlate *c)
{
    return c->deadlines.count;
}

#endif
