/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forms batches out of the requests that wait for one model: just in time, earliest
 * deadline first (JIT-EDF). Pure: it is told the time, the state of the device and what
 * batches cost, so the simulator and the tests run the real one.
 *
 * Who goes first: the lower level (priority); within a level the tenants take turns row
 * by row (deficit round robin); within a tenant the earlier due instant; then the
 * earlier arrival. Due is the deadline, or for a request without one arrival +
 * patience; whatever is past its due instant goes before all levels, so nothing waits
 * for ever.
 *
 * When: an idle device is never held (unless max_delay_ns says so); behind a batch that
 * runs the next one is closed as late as it can be staged in time; two batches under
 * way are enough.
 *
 * What is given up: a request that cannot make its deadline even if it ran next, alone
 * (former_expire()), and, where shedding is on, those at the head that would force a
 * batch smaller than the efficient one (former_take(), `shed`).
 *
 * Only requests of one shape signature share a batch; of several groups the one with
 * the earliest latest start goes first.
 */
#ifndef BATCHER_FORMER_H
#define BATCHER_FORMER_H

#include "base/heap.h"
#include "base/status.h"
#include "batcher/cost.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct former;
struct former_queue; /* requests of one signature, level and tenant */

/** A waiting request as the former sees it; embedded in its owner. */
struct former_entry {
    struct heap_node node;         /* in its queue */
    struct heap_node timed;        /* among all that have a deadline */
    struct former_entry *previous; /* all entries in order of arrival */
    struct former_entry *next;     /* also the order inside what is taken */
    struct former_queue *queue;
    uint64_t arrival;    /* set by former_add() */
    int64_t due_ns;      /* set by former_add() */
    int64_t arrived_ns;  /* monotonic */
    int64_t deadline_ns; /* monotonic, for the end of the run; TIME_NEVER = none */
    uint64_t signature;  /* equal = may share a batch */
    uint64_t tenant;     /* equal = the same one */
    uint32_t level;      /* 1 = highest priority */
    uint32_t rows;       /* at least 1 */
    size_t bytes;        /* in the slab, inputs and outputs */
    int32_t partition;
    int64_t offset;
};

/** What was taken, in the order in which it is to run. */
struct former_list {
    struct former_entry *first;
    struct former_entry *last;
    size_t count;
    uint64_t rows;
};

/** entries_max and bytes_max: where former_is_full() begins; what is already on its way
 * then may go over it, up to twice the bound. */
struct former_config {
    size_t entries_max;
    size_t bytes_max;
    int64_t patience_ns;  /* due instant of a request without deadline; 0 = 30 s */
    int64_t max_delay_ns; /* an idle device may be held so long for a full batch; 0 */
    bool shed;            /* early drop */
};

enum { FORMER_DEPTH = 2 };

/** The device as it is now, and what this model costs on it. */
struct former_ask {
    int64_t now_ns;
    int64_t free_ns;    /* when the device is expected to be free; <= now: it is idle */
    unsigned under_way; /* batches running or staged on the device */
    uint32_t rows_max;  /* of a batch */
    size_t bytes_max;   /* of a batch */
    const struct cost *run;
    const struct cost *stage; /* P(n): from closing until the device could begin */
    int64_t reply_ns; /* from the end of a run until the caller has it; taken off every
                         deadline */
};

/** What former_plan() finds. */
struct former_plan {
    int64_t close_ns;        /* close the next batch then; <= now: now; TIME_NEVER: not
                                before something changes */
    int64_t latest_start_ns; /* when the most urgent batch must start to make its due
                                instants: whose turn it is among models of a device */
};

MUST_CHECK enum status
former_create(struct former **out, const struct former_config *config);

/** What still waits is forgotten, not freed. */
void former_destroy(struct former **former);

/**
 * @return STATUS_OK: the entry is the former's until taken, expired or removed;
 *         STATUS_FULL at twice a bound; STATUS_NO_MEMORY
 */
MUST_CHECK enum status former_add(struct former *f, struct former_entry *entry);

/** When to close the next batch. Changes nothing. */
void former_plan(const struct former *f,
                 const struct former_ask *ask,
                 struct former_plan *plan);

/**
 * Closes a batch now, whatever the plan said (at under_way >= FORMER_DEPTH: none).
 * Never over rows_max or bytes_max, except that a single entry over bytes_max stands
 * alone; no request in it would miss its deadline by the costs given.
 *
 * @param[out] shed what was given up for the sake of the others: to be answered EXPIRED
 */
void former_take(struct former *f,
                 const struct former_ask *ask,
                 struct former_list *batch,
                 struct former_list *shed);

/** Takes out what cannot make its deadline even alone and next. */
void former_expire(struct former *f,
                   const struct former_ask *ask,
                   struct former_list *expired);

/** When former_expire() will have something to do, TIME_NEVER if never. */
int64_t former_next_expiry(const struct former *f, const struct former_ask *ask);

/** Takes out what came from a partition with an offset above `above` (-1 = all). */
void former_remove(struct former *f,
                   int32_t partition,
                   int64_t above,
                   struct former_list *removed);

/** Takes one entry out, for a cancel; it must be the former's. */
void former_withdraw(struct former *f, struct former_entry *entry);

/** Takes out everything. */
void former_empty(struct former *f, struct former_list *removed);

size_t former_count(const struct former *f);
size_t former_bytes(const struct former *f);
uint64_t former_rows(const struct former *f);

/** Either bound is reached. */
bool former_is_full(const struct former *f);

/** Both bounds are at half or below: what was paused may go on. */
bool former_has_room(const struct former *f);

#endif
