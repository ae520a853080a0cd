/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The items that run together, and what becomes of them when the run did not answer
 * them: halves are run again until a bad item stands alone. Pure.
 */
#ifndef BATCHER_BATCH_H
#define BATCHER_BATCH_H

#include "batcher/former.h"
#include "batcher/item.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct batch {
    struct batch *next;
    struct item *first;
    size_t count;
    uint32_t rows;
    bool suspect; /* one of it may kill the runner: nothing else runs beside it */
    bool lost;    /* the device was lost under it once: the next loss is its fault */
    int64_t staging_ns;   /* from when it was due until it was gathered */
    int64_t submitted_ns; /* handed to the runner; 0 = not now */
};

/** How a run ended that did not answer its items. */
enum batch_end {
    BATCH_NOT_STARTED,   /* its turn did not come before the runner went */
    BATCH_NOT_ALONE,     /* the runner died while this and others ran */
    BATCH_DEVICE_LOST,   /* once: perhaps not its fault; twice: as BATCH_DIED */
    BATCH_FAILED,        /* the model failed on it */
    BATCH_OUT_OF_MEMORY, /* too many rows for the device */
    BATCH_DIED,          /* the runner died, or overran its time, while it ran */
};

enum batch_verdict {
    BATCH_RUN_AGAIN, /* as it is */
    BATCH_SPLIT,     /* its halves */
    BATCH_GIVE_UP,   /* a single item: answer it FAILED */
};

/** Runner deaths on one item alone after which it is given up. */
enum { ITEM_DEATHS_MAX = 2 };

/** @return NULL without memory, then the list stays the caller's */
struct batch *batch_create(const struct former_list *list);
void batch_destroy(struct batch **batch);

/** Decides, and notes a death of a single item in it. */
enum batch_verdict batch_judge(struct batch *b, enum batch_end end);

/**
 * Leaves the first half of the items (rounded up) in b and gives the rest. Both are
 * as suspect as b is.
 *
 * @return NULL without memory, then b is whole
 */
struct batch *batch_split(struct batch *b);

bool batch_has(const struct batch *b, const struct item *it);
/** As item_is_above(), of any of its items. */
bool batch_has_above(const struct batch *b, int32_t partition, int64_t above);

/** Takes one item out; false if it is not in the batch. */
bool batch_remove(struct batch *b, const struct item *it);

/** Counts items and rows again after some were taken out of the list. */
void batch_recount(struct batch *b);

#endif
