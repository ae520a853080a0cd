/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of librdkafka that begin and end transactions, each with the retries that
 * its errors ask for. They block; a transactor's thread makes them. Private to the
 * room.
 */
#ifndef BUS_TRANSACTION_CALL_H
#define BUS_TRANSACTION_CALL_H

#include "base/status.h"

#include <librdkafka/rdkafka.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum transaction_act {
    TRANSACTION_INIT,   /* begins the first one */
    TRANSACTION_COMMIT, /* and begins the next */
    TRANSACTION_ABORT   /* and begins the next */
};

/** Offsets to be committed with it. */
struct group_offsets {
    rd_kafka_consumer_group_metadata_t *membership;
    rd_kafka_topic_partition_list_t *list;
};

struct transaction_call {
    enum transaction_act act;
    rd_kafka_t *rk;
    int64_t timeout_ns; /* the transaction's */
    struct group_offsets *groups;
    size_t group_count;
    atomic_bool *stopping; /* set: give up what does not succeed */
    bool commit_tried;     /* from then on it is not known to be uncommitted */
    enum status status;    /* STATUS_OK; STATUS_UNAVAILABLE: a commit became an abort;
                              STATUS_CLOSED: given up; or the client is of no further use:
                              STATUS_FENCED; STATUS_CONFLICT: fatal, but nothing can have
                              been committed; STATUS_INTERNAL: fatal otherwise */
    char reason[200];
};

/** @blocks as long as the transaction may last, and longer while Kafka is away */
void transaction_call(struct transaction_call *call);

/** Forgets the offsets. */
void transaction_call_clear(struct transaction_call *call);

#endif
