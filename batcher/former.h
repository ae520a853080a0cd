/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forms batches out of the requests that wait for one model: earliest deadline first,
 * first come first served among equals, no deadline last. Only requests of one shape
 * signature share a batch. Pure: it is told the time and the state of the device, so
 * the simulator and the tests run the real one.
 *
 * The policy of former_take() (to be replaced by JIT-EDF behind the same call):
 * - an idle device is never held: whatever is there runs at once;
 * - while one batch runs, the next one is closed ahead only if it is full, otherwise it
 *   keeps growing until the device is idle;
 * - two batches under way are enough.
 */
#ifndef BATCHER_FORMER_H
#define BATCHER_FORMER_H

#include "base/heap.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct former;
struct former_group;

/** A waiting request as the former sees it; embedded in its owner. */
struct former_entry {
    struct heap_node node;
    struct former_entry *previous; /* all entries in order of arrival */
    struct former_entry *next;     /* also the order inside what is taken */
    struct former_group *group;
    uint64_t arrival;    /* set by former_add() */
    int64_t deadline_ns; /* monotonic, TIME_NEVER = none */
    uint64_t signature;  /* equal = may share a batch */
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

/** Where former_is_full() begins; what is already on its way then may go over it, up to
 * twice the bound. */
struct former_config {
    size_t entries_max;
    size_t bytes_max;
};

/** The device as it is now. */
struct former_ask {
    unsigned under_way; /* batches running or prepared on the instance */
    uint32_t rows_max;  /* of a batch */
    size_t bytes_max;   /* of a batch */
};

enum { FORMER_DEPTH = 2 };

MUST_CHECK enum status
former_create(struct former **out, const struct former_config *config);

/** What still waits is forgotten, not freed. */
void former_destroy(struct former **former);

/**
 * @return STATUS_OK: the entry is the former's until taken, expired or removed;
 *         STATUS_FULL at twice a bound; STATUS_NO_MEMORY
 */
MUST_CHECK enum status former_add(struct former *f, struct former_entry *entry);

/**
 * Closes a batch, or leaves the list empty: better to wait. Never over rows_max or
 * bytes_max, except that a single entry over bytes_max stands alone.
 */
void
former_take(struct former *f, const struct former_ask *ask, struct former_list *batch);

/** Takes out what has no time left. */
void former_expire(struct former *f, int64_t now_ns, struct former_list *expired);

/** Earliest deadline that waits, TIME_NEVER if none does. */
int64_t former_next_deadline(const struct former *f);

/** Takes out what came from a partition with an offset above `above` (-1 = all). */
void former_remove(struct former *f,
                   int32_t partition,
                   int64_t above,
                   struct former_list *removed);

size_t former_count(const struct former *f);
size_t former_bytes(const struct former *f);

/** Either bound is reached. */
bool former_is_full(const struct former *f);

/** Both bounds are at half or below: what was paused may go on. */
bool former_has_room(const struct former *f);

#endif
