/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One partition of a model's requests: which of its records are open, how far it may be
 * committed, and whether it should be paused. Pure but for memory; the intake tells the
 * consumer. A partition that is read by more than one assignment, or whose log was made
 * anew, has another epoch each time, so that a late answer is known.
 */
#ifndef BATCHER_INTAKE_PARTITION_H
#define BATCHER_INTAKE_PARTITION_H

#include "base/status.h"
#include "batcher/watermark.h"
#include "bus/consumer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What one partition may have in hand, so that none fills the former alone. */
struct intake_share {
    size_t requests; /* 0 and 0: no bound of its own */
    size_t bytes;
};

struct intake_partition {
    struct watermark watermark;
    uint32_t epoch;
    uint32_t assigned; /* the epoch it came with */
    size_t in_hand;    /* records taken and neither answered nor given back */
    size_t in_hand_bytes;
    int64_t committed; /* next offset last committed, -1 = none */
    int64_t highest;   /* offset started, -1 = none */
    uint32_t staged;   /* last transaction with an answer from here, 0 = none */
    bool owned;
    bool paused;        /* as the consumer was told */
    bool window_paused; /* its window is long */
    bool share_paused;  /* more than its share is in hand */
    bool frozen;        /* no memory for its window: nothing behind it is taken */
    bool topic_gone;    /* its offsets mean nothing until a record comes again */
};

/** The partitions of a topic by their numbers, as far as they were ever assigned. */
struct intake_set {
    struct intake_partition *items;
    int32_t count;
};

/** Makes room for one. @return false if there are too many, or no memory */
bool intake_set_grow(struct intake_set *s, int32_t partition);
void intake_set_fini(struct intake_set *s);

/** NULL unless it is owned. */
struct intake_partition *intake_set_find(const struct intake_set *s, int32_t partition);

size_t intake_set_owned(const struct intake_set *s);

/** Records of the owned ones that are in hand. */
size_t intake_set_in_hand(const struct intake_set *s);

/** What their offsets mean is not known any more. */
void intake_set_lose_topic(struct intake_set *s);

/** They are others' from now on. */
void intake_set_disown(struct intake_set *s);

/** What was committed last is to be committed again. */
void intake_set_uncommit(struct intake_set *s);

/** It came with this epoch. */
void intake_partition_assign(struct intake_partition *p, uint32_t epoch);

/** Its log begins anew with this epoch: what is in hand belongs to the former one. */
void intake_partition_restart(struct intake_partition *p, uint32_t epoch);

/**
 * A record was taken.
 *
 * @return STATUS_OK; STATUS_INVALID: it was taken before; otherwise there is no room
 *         and the partition is frozen
 */
MUST_CHECK enum status
intake_partition_begin(struct intake_partition *p, int64_t offset, size_t bytes);

/** Its answer is acknowledged. */
void intake_partition_end(struct intake_partition *p, int64_t offset, size_t bytes);

/** It is nobody's here any more and stays open: it will be read again. */
void intake_partition_give_back(struct intake_partition *p, size_t bytes);

/** Settles whether it should be paused for reasons of its own. */
void
intake_partition_bound(struct intake_partition *p, const struct intake_share *share);

/** Whether it is to be paused, for its own reasons. */
bool intake_partition_wants_pause(const struct intake_partition *p);

/** Next offset to be read by whoever comes after us; -1 if it must not be committed. */
int64_t intake_partition_committable(const struct intake_partition *p);

/** The answer lies in that transaction. */
void
intake_partition_stage(struct intake_partition *p, int64_t offset, uint32_t number);

/**
 * What is committable once transaction `number` is committed, of the partitions that it
 * has an answer from.
 *
 * @param[out] parts room for all of the set
 * @return how many
 */
size_t intake_set_staged(const struct intake_set *s,
                         uint32_t number,
                         const char *topic,
                         struct partition *parts);

#endif
