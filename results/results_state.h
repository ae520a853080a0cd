/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the room, shared by results.c (its parts, and what is asked), arrival.c
 * (what comes in) and mending.c (a store that failed). Nobody else includes it.
 */
#ifndef RESULTS_RESULTS_STATE_H
#define RESULTS_RESULTS_STATE_H

#include "base/arena.h"
#include "bus/config.h"
#include "results/batches.h"
#include "results/correlate.h"
#include "results/inbox.h"
#include "results/metrics.h"
#include "results/owner.h"
#include "results/peers.h"
#include "results/push.h"
#include "results/results.h"
#include "results/store.h"

/* A reply that is being told and stands in the store right after: by then it is known
 * whether its connection took it. */
struct arrival {
    struct uuid id;
    struct stored stored;
};

struct results {
    struct loop *loop;
    struct bus_config bus;
    struct store *store;
    struct inbox *inbox;
    struct push *push;
    struct batches *batches;
    struct peers *peers; /* NULL: nobody knows of nobody */
    struct owner owner;
    struct correlate correlate;
    struct arena arena; /* of a stored reply on its way to a waiter */
    char topic[TOPIC_NAME_MAX + 1];
    char group[TOPIC_NAME_MAX + 1];
    int64_t ttl_us;
    bool was_ready;
    int64_t mend_ns;      /* when to try; 0: the store was whole */
    int64_t mend_wait_ns; /* before the next try */
    int64_t tried_ns;
    const struct arrival *arriving; /* NULL unless on_reply() is at work */
    bool delivered;                 /* what is arriving, to its held connection */
};

static inline void
results_note_ended(enum results_row row, size_t count)
{
    metric_add(results_metric(row), (int64_t)count);
}

/** What is known of an id, the reply that is just being told included; as store_get().
 */
MUST_CHECK enum status
results_look_up(struct results *r, const struct uuid *id, struct stored *stored);

/** A reply came. As inbox_events.reply; arg is the results. */
void results_on_reply(void *arg,
                      const struct reply *reply,
                      struct span bytes,
                      int64_t arrived_us);

/**
 * Has a store that could not be written try again, and brings back what it lost.
 *
 * @return monotonic time of the next call
 */
int64_t results_mend(struct results *r, int64_t now_ns);

#endif
