/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits in a former, in the order in which it is owed: a group per shape
 * signature, in it a level per priority, in it a queue per tenant. Only what has
 * something waiting stands here; emptied ones are kept for the next. Private to the
 * former.
 *
 * A queue is a heap by due instant. The queues of a level stand in two heaps: by their
 * heads, and by turn. Turns are those of deficit round robin with a quantum of one row,
 * without walking the rounds: a queue whose credits are spent up to round n has enough
 * for a head of r rows in round n + r, so the lowest such round is next.
 *
 * Everything with a deadline stands in one more heap, so that it is found in time
 * wherever it waits.
 */
#ifndef BATCHER_FORMER_STORE_H
#define BATCHER_FORMER_STORE_H

#include "base/heap.h"
#include "base/map.h"
#include "base/status.h"
#include "batcher/former.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct former_queue {
    struct heap_node first;    /* in its level, by head */
    struct heap_node turn;     /* in its level, by turn */
    struct former_queue *next; /* among the spare, or those passed over */
    struct former_level *level;
    uint64_t tenant;
    struct heap entries; /* never empty */
    uint64_t spent;      /* the round up to which its credits are spent */
    bool passed;         /* the batch has no room for its head: after all others */
};

struct former_level {
    struct former_level *next; /* of the group, ascending; among the spare */
    struct former_group *group;
    uint32_t number;
    struct heap firsts;
    struct heap turns;
    uint64_t round; /* of the last turn; who is new starts here */
    uint64_t rows;
};

struct former_group {
    struct former_group *previous;
    struct former_group *next;
    uint64_t signature;
    struct former_level *levels; /* highest priority first */
    size_t count;
    uint64_t rows;
    size_t bytes;
};

struct former_store {
    size_t entries_most;
    struct former_group *groups;
    struct map groups_by_signature;
    struct map queues_by_tenant; /* and level */
    struct heap timed;
    struct former_list waiting; /* in order of arrival */
    struct former_group *spare_groups;
    struct former_level *spare_levels;
    struct former_queue *spare_queues;
    uint64_t arrivals;
    size_t bytes;
};

void former_store_init(struct former_store *s, size_t entries_most);
void former_store_fini(struct former_store *s);

/** The entry's due instant is set. @return STATUS_OK; STATUS_NO_MEMORY */
MUST_CHECK enum status former_store_add(struct former_store *s, struct former_entry *e);

/**
 * Moves an entry to the end of a list. Its queue is gone with its last entry, while an
 * empty level or group stands until former_store_sweep().
 */
void former_store_take(struct former_store *s,
                       struct former_entry *e,
                       struct former_list *list);

void former_store_sweep(struct former_store *s, struct former_group *g);

/** The one with the earliest deadline of all, or NULL. */
struct former_entry *former_store_earliest(const struct former_store *s);

struct former_entry *former_queue_head(const struct former_queue *q);

/** The queue with the earliest due instant, or NULL. */
struct former_queue *former_level_first(const struct former_level *l);
struct former_queue *former_group_first(const struct former_group *g);

/** The queue whose turn is next, or NULL. */
struct former_queue *former_level_turn(const struct former_level *l);

/** What its turn depends on has changed. */
void former_queue_turn(struct former_queue *q);

#endif
