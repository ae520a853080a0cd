/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One batch while it is filled from one group: what is past its due instant, then level
 * by level the tenants in turn, as long as rows, bytes and all deadlines in it hold.
 * Private to the former.
 */
#ifndef BATCHER_FORMER_BATCH_H
#define BATCHER_FORMER_BATCH_H

#include "batcher/former_store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct former_batch {
    struct former_store *store;
    const struct former_ask *ask;
    struct former_list *taken;
    struct former_list *shed;
    bool may_shed;                 /* more than what cannot make it anyway */
    int64_t budget_ns;             /* that requests with a deadline usually bring */
    uint32_t rows_most;            /* at first those of the ask */
    size_t bytes;                  /* taken */
    int64_t deadline_ns;           /* the earliest taken; at first TIME_NEVER */
    struct former_entry *given_up; /* the last shed that could have run alone */
    struct former_queue *passed;   /* of the level that it takes from */
};

/**
 * Takes at least one entry, unless none that the group had can make its deadline. The
 * group is to be swept afterwards.
 */
void former_batch_fill(struct former_batch *b, const struct former_group *g);

#endif
