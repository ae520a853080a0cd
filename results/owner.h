/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which reply partitions this instance reads, and ids that hash to them. Ids are minted
 * for those that are open: read up to their end. In a rebalance all partitions go and
 * most come back, so an open one stays open until it is settled who has what; should it
 * have gone, whoever waits is told so (results_answer_fn). Minting stays
 * on one partition for a quantum (the cost of a record on Kafka is the cost of its
 * produce batch); the next one is taken in bit-reversed order, so that neighbours in
 * time fall to distant partitions. Pure but for the random bits.
 */
#ifndef RESULTS_OWNER_H
#define RESULTS_OWNER_H

#include "base/status.h"
#include "base/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OWNER_NOBODY = -1, OWNER_PARTITIONS_MAX = 65536 };

struct owner {
    struct uuid_source random;
    int32_t partition_count; /* of the topic; 0 until known */
    bool *owned;             /* [partition_count] */
    bool *open;              /* [partition_count] */
    int32_t *order;          /* open ones, bit-reversed */
    size_t order_count;
    size_t current; /* index into order */
    size_t owned_count;
};

void owner_init(struct owner *o);
void owner_fini(struct owner *o);

/**
 * Sets the size of the topic; what was owned stays owned as far as it fits.
 *
 * @return STATUS_OK; STATUS_INVALID out of 1 … OWNER_PARTITIONS_MAX; STATUS_NO_MEMORY
 */
MUST_CHECK enum status owner_resize(struct owner *o, int32_t partition_count);

/** Notes that a partition is ours or no longer is; one outside the topic is left out.
 */
void owner_set(struct owner *o, int32_t partition, bool owned);

/** It is read up to its end: ids may be minted for it, if it is ours. */
void owner_open(struct owner *o, int32_t partition);

/** No rebalance is under way any more: what is not ours is not open either. */
void owner_settle(struct owner *o);

bool owner_has(const struct owner *o, int32_t partition);

/** Ours, or it was and may come back. */
bool owner_holds(const struct owner *o, int32_t partition);

/** Partition of an id, OWNER_NOBODY while the size of the topic is not known. */
int32_t owner_partition(const struct owner *o, const struct uuid *id);

/** An id of the current partition. @return STATUS_OK; STATUS_UNAVAILABLE: none is open
 */
MUST_CHECK enum status owner_mint(struct owner *o, int64_t wall_us, struct uuid *id);

/**
 * Changes the last bytes of an id, always in the same way, until it falls to the
 * partition of another.
 *
 * @return STATUS_OK; STATUS_UNAVAILABLE while the size of the topic is not known
 */
MUST_CHECK enum status
owner_sibling(const struct owner *o, const struct uuid *of, struct uuid *id);

void owner_next(struct owner *o);

#endif
