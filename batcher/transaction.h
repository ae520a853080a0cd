/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parcels of one Kafka transaction after another. Those of the open one were handed
 * to the producer; it is closed when it is old or large enough, its parcels are staged
 * (their items count as answered for the offsets that go with it), and the outbox gets
 * them back: committed, or to be sent again. Parcels that come while one is being ended
 * wait in the outbox for the next.
 *
 * What makes a transaction fail may be one of its parcels; so after an abort the next
 * ones hold half as many, after a commit twice as many: the bad one ends up alone.
 */
#ifndef BATCHER_TRANSACTION_H
#define BATCHER_TRANSACTION_H

#include "base/loop.h"
#include "base/status.h"
#include "batcher/outbox.h"
#include "bus/producer.h"
#include "bus/transactor.h"

#include <stdbool.h>
#include <stdint.h>

struct transaction;

struct transaction_config {
    const char *id;  /* borrowed */
    bool id_is_ours; /* see transactor.h */
    int64_t timeout_ns;
    int64_t interval_ns; /* how long one takes parcels */
    /** Adds the offsets that go with transaction `number`, all of whose parcels have
     * been staged. */
    enum status (*collect)(void *arg, uint32_t number, struct transactor *transactor);
    /** No transaction will be again; see transactor_events.failed. */
    void (*failed)(void *arg, enum status status, const char *reason);
    void *arg;
};

/**
 * The parcels come back.
 *
 * @param[in] status STATUS_OK: committed; otherwise each is to be sent again, or ends
 * as its fate says if that is not STATUS_OK
 */
typedef void (*transaction_over_fn)(void *arg, struct parcel *list, enum status status);

/** @param[in] producer a transactional one */
MUST_CHECK enum status transaction_create(struct transaction **out,
                                          struct loop *loop,
                                          struct producer *producer,
                                          const struct transaction_config *config,
                                          transaction_over_fn over,
                                          void *arg);

/** Ends the transactor, before the producer's end. @blocks as transactor_destroy() */
void transaction_stop(struct transaction *t);

/** After the producer's end: gives the parcels back with STATUS_CLOSED, then frees. */
void transaction_destroy(struct transaction **transaction);

/** One is open and takes further parcels. */
bool transaction_is_open(const struct transaction *t);

/** It takes this one: a parcel that has to go alone gets a transaction of its own. */
bool transaction_takes(const struct transaction *t, const struct parcel *p);

/** The first one was opened, and none failed for good. */
bool transaction_is_ready(const struct transaction *t);

/** The producer has just taken the parcel. */
void transaction_join(struct transaction *t, struct parcel *p);

/** The producer's report on a parcel that joined. */
void
transaction_report(struct transaction *t, struct parcel *p, const struct delivery *d);

/** The producer takes nothing in this transaction: it has to be aborted. */
void transaction_doom(struct transaction *t);

/** Closes the transaction if it is time. @return when it wants to be called next */
int64_t transaction_turn(struct transaction *t, int64_t now_ns);

/** Closes transactions as soon as they hold anything, from now on. */
void transaction_hurry(struct transaction *t);

#endif
