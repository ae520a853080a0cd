/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The partitions a consumer reads and how far it has come in each. Pure but for
 * memory; its size is what was assigned.
 */
#ifndef BUS_POSITIONS_H
#define BUS_POSITIONS_H

#include "base/status.h"
#include "bus/consumer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct position {
    char *topic;
    int32_t partition;
    int64_t next;   /* offset to be read next; a negative one is not known yet */
    int64_t gone;   /* what was to be read and is no longer there; -1 = none */
    bool resumed;   /* what comes below `next` was handed over before the pause */
    bool heard;     /* a record came, so the end that librdkafka knows is of now */
    bool caught_up; /* its end was reached and told */
};

struct positions {
    struct position *items;
    size_t count;
    size_t last;   /* where the last search ended: records come in runs */
    size_t behind; /* not caught up */
};

/** Replaces the set. @return STATUS_OK; STATUS_NO_MEMORY (then the set is empty) */
MUST_CHECK enum status
positions_set(struct positions *p, const struct partition *parts, size_t count);
void positions_clear(struct positions *p);

/** NULL if it is not in the set. */
struct position *
positions_find(struct positions *p, const char *topic, int32_t partition);

/**
 * Notes a record.
 *
 * @return false: it was handed over before, drop it
 */
bool positions_advance(struct position *at, int64_t offset);

/** Notes that the end was reached. @return true the first time */
bool positions_reach_end(struct positions *p, struct position *at);

/** `gone` is not there any more, or (negative) nothing was committed: reading starts
 * anew at the beginning.
 */
void positions_restart(struct positions *p, struct position *at, int64_t gone);

#endif
