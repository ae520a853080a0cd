/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The servers that webhooks go to, told apart by scheme, host and port, each with the
 * line of those that wait for one of its places. Pure.
 */
#ifndef RESULTS_ENDPOINT_H
#define RESULTS_ENDPOINT_H

#include "base/map.h"
#include "base/span.h"

#include <stddef.h>

struct endpoint_waiting {
    struct endpoint_waiting *next;
};

/* Lives while it has users. */
struct endpoint {
    struct uuid key;
    size_t users;
    unsigned calls; /* under way */
    struct endpoint_waiting *first;
    struct endpoint_waiting *last;
};

/** The endpoint of a URL, made if new; NULL without memory. */
struct endpoint *endpoint_borrow(struct map *endpoints, struct span url);
void endpoint_return(struct map *endpoints, struct endpoint *e);

void endpoint_queue(struct endpoint *e, struct endpoint_waiting *waiting);

/** First of the line, NULL if nobody waits. */
struct endpoint_waiting *endpoint_next(struct endpoint *e);

#endif
