/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The servers that webhooks go to, told apart by scheme, host and port. Each has a line
 * of deliveries that wait for one of its places, as many places as it deserves (four;
 * after trouble one, and one more with every success), and a breaker: after ten
 * failures in a row it is left alone, then tried with a single call, at ever longer
 * intervals. So one that is dead costs the others nothing. Pure.
 */
#ifndef RESULTS_ENDPOINT_H
#define RESULTS_ENDPOINT_H

#include "base/heap.h"
#include "base/map.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ENDPOINT_PLACES = 4, ENDPOINT_FAILURES_MAX = 10 };

struct endpoint_waiting {
    struct endpoint_waiting *next;
    struct endpoint_waiting *previous;
    bool queued;
};

/* Lives while it has users. */
struct endpoint {
    struct heap_node wake; /* first; by wake_ns, then turn: see delivery_line.c */
    int64_t wake_ns;
    uint64_t turn;
    struct uuid key;
    size_t users;
    unsigned calls;    /* under way */
    unsigned places;   /* 1 … ENDPOINT_PLACES */
    unsigned failures; /* in a row */
    int64_t paused_until_ns;
    int64_t pause_ns; /* of the breaker, last; 0: closed */
    struct endpoint_waiting *first;
    struct endpoint_waiting *last;
};

/** What a call said about the endpoint, whatever it meant for the delivery. */
enum endpoint_verdict {
    ENDPOINT_FINE,
    ENDPOINT_SLOW_DOWN, /* 429: alive, wants less */
    ENDPOINT_FAILED
};

/** The endpoint of a URL, made if new; NULL without memory. */
struct endpoint *endpoint_borrow(struct map *endpoints, struct span url);

/** Nobody of this user waits or calls any more. */
void endpoint_return(struct map *endpoints, struct endpoint *e);

void endpoint_queue(struct endpoint *e, struct endpoint_waiting *waiting);

/** First of the line, NULL if nobody waits; stays there. */
struct endpoint_waiting *endpoint_first(const struct endpoint *e);

/** Takes one out of the line; one that does not wait is left alone. */
void endpoint_leave(struct endpoint *e, struct endpoint_waiting *waiting);

/** Whether its breaker is open: what waits, waits for a probe. */
bool endpoint_is_open(const struct endpoint *e);

/** Whether another call may begin. */
bool endpoint_has_place(const struct endpoint *e, int64_t now_ns);

/**
 * After a call.
 *
 * @param[in] pause_ns  first pause of the breaker; each further one is twice as long,
 *                      at most ENDPOINT_PAUSES_MAX times this; a fifth of it is the
 *                      pause of one who wants less
 */
void endpoint_note(struct endpoint *e,
                   enum endpoint_verdict verdict,
                   int64_t now_ns,
                   int64_t pause_ns);

enum { ENDPOINT_PAUSES_MAX = 60 };

#endif
