/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions of a transactional producer (producer_config.transactional_id): what is
 * sent while one is open, and offsets of consumer groups, become visible together or
 * not at all. librdkafka's calls for it block, so they run on a thread of the
 * transactor's own; what comes of them is told on the loop.
 *
 * A transaction is open whenever it can be: after the first `opened`, and again when
 * `ended` is called. While one is being ended nothing may be sent. Broker and
 * coordinator do not know of an open transaction before its first record.
 */
#ifndef BUS_TRANSACTOR_H
#define BUS_TRANSACTOR_H

#include "base/loop.h"
#include "base/status.h"
#include "bus/consumer.h"
#include "bus/producer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct transactor;

struct transactor_events {
    /** The first transaction is open: what other processes left open is ended. */
    void (*opened)(void *arg);
    /**
     * The transaction ended and the next is open. STATUS_OK: committed, each record of
     * it was reported before; STATUS_UNAVAILABLE: aborted, nothing of it is visible.
     */
    void (*ended)(void *arg, enum status status, const char *reason);
    /**
     * There will be no further transaction. STATUS_FENCED: another process took our
     * transactional id; STATUS_INTERNAL: Kafka refuses for good. Whether the last one
     * was committed is not known; the committed offsets tell.
     */
    void (*failed)(void *arg, enum status status, const char *reason);
};

struct transactor_config {
    int64_t timeout_ns; /* as the producer's transaction_timeout_ns */
    bool id_is_ours;    /* nobody else can have our transactional id: being fenced means
                           that Kafka was away for longer than the timeout, and a new
                           client takes over */
};

/** @param[in] producer a transactional one; must outlive the transactor */
MUST_CHECK enum status transactor_create(struct transactor **out,
                                         struct loop *loop,
                                         struct producer *producer,
                                         const struct transactor_config *config,
                                         const struct transactor_events *events,
                                         void *arg);

/**
 * Aborts what is open, unless Kafka is away. Before its producer's end.
 *
 * @blocks 2 s, while Kafka is away up to the transaction's timeout
 */
void transactor_destroy(struct transactor **transactor);

/** A transaction is open: records may be sent. */
bool transactor_is_open(const struct transactor *transactor);

/**
 * Adds offsets (next to be read) of a consumer's group to the open transaction. They
 * are refused when it is committed if the partitions are the consumer's no longer.
 *
 * @return STATUS_OK; STATUS_CONFLICT: the consumer has no partitions; STATUS_NO_MEMORY
 */
MUST_CHECK enum status transactor_offsets(struct transactor *transactor,
                                          const struct consumer *consumer,
                                          const struct partition *parts,
                                          size_t count);

/** Ends the open transaction; `ended` or `failed` follows. @blocks never */
void transactor_commit(struct transactor *transactor);
void transactor_abort(struct transactor *transactor);

#endif
