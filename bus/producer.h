/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Producer with delivery reports. acks=all and idempotent always; values are not
 * copied: the caller keeps them until the report. Reports are served on the loop, so no
 * thread of librdkafka's ever runs our code.
 *
 * Two lanes: records given while it is quiet go through a client with linger 0, busy
 * ones through a second client with linger 1 ms, chosen by the recent rate with
 * hysteresis (one client cannot do both: linger is fixed per client, and either choice
 * alone costs a factor of 4 at the other end of the range). Order between two records
 * of one producer is therefore not promised.
 */
#ifndef BUS_PRODUCER_H
#define BUS_PRODUCER_H

#include "base/loop.h"
#include "base/span.h"
#include "base/status.h"
#include "bus/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct producer;
struct producer_topic; /* lives as long as its producer */

enum { RECORD_HEADERS_MAX = 32, PARTITION_BY_KEY = -1 };

struct record_header {
    const char *name;
    struct span value;
};

struct outgoing {
    struct producer_topic *topic;
    int32_t partition;                   /* or PARTITION_BY_KEY */
    struct span key;                     /* copied */
    struct span value;                   /* borrowed until the delivery report */
    const struct record_header *headers; /* copied */
    size_t header_count;
    void *arg; /* comes back in the report */
};

struct delivery {
    enum status status;   /* STATUS_OK: all in-sync replicas have it; STATUS_TOO_LARGE;
                             STATUS_NOT_FOUND: no such topic or partition; STATUS_TIMEOUT
                             and STATUS_UNAVAILABLE otherwise */
    bool possibly_stored; /* on failure: it may be in the log; keep the id */
    int32_t partition;
    int64_t offset;
    const char *reason; /* librdkafka's words, "" on success; valid during the call */
};

/** Called on the loop exactly once per record that producer_send() took. */
typedef void (*delivery_fn)(void *context, void *arg, const struct delivery *d);

struct producer_config {
    const char *name;            /* for the log: "requests" */
    int64_t delivery_timeout_ns; /* give up and report after this */
    int64_t stall_ns; /* records that wait for so long put the broker in doubt: a probe
                         of 300 ms then decides; 0 = 500 ms */
    int64_t queue_bytes_max;      /* over it producer_send() is STATUS_FULL */
    int64_t pace_ns;              /* of the loop while records are many; 0 = none */
    bool single_lane;             /* one client, linger 0: for rare records */
    const char *transactional_id; /* or NULL. Else one client, whose records are part of
                                     the transactions of transactor.h; borrowed */
    int64_t transaction_timeout_ns; /* the coordinator aborts after this */
};

MUST_CHECK enum status producer_create(struct producer **out,
                                       struct loop *loop,
                                       const struct bus_config *bus,
                                       const struct producer_config *config,
                                       delivery_fn fn,
                                       void *context,
                                       struct fault *fault);

/** Reports everything still queued as STATUS_CLOSED, then frees. @blocks up to 5 s */
void producer_destroy(struct producer **producer);

/**
 * A handle for a topic, the same one for the same name. Asks the broker for the topic
 * in the background, as the first record to an unknown topic would wait up to a second.
 *
 * @return STATUS_OK; STATUS_INVALID for a bad name; STATUS_NO_MEMORY
 */
MUST_CHECK enum status producer_topic(struct producer *producer,
                                      const char *name,
                                      struct producer_topic **out);

/**
 * Partitions of the topic as last heard.
 *
 * @return 0 until the broker has answered
 */
int32_t
producer_topic_partitions(struct producer *producer, struct producer_topic *topic);

/**
 * Whether there is such a topic.
 *
 * @return STATUS_OK; STATUS_NOT_FOUND: for 5 s brokers have said that there is none;
 *         STATUS_UNAVAILABLE: not known yet
 */
MUST_CHECK enum status producer_topic_exists(const struct producer *producer,
                                             const struct producer_topic *topic);

/**
 * Queues a record.
 *
 * @return STATUS_OK: the value is lent until the report; STATUS_FULL; STATUS_TOO_LARGE;
 *         STATUS_NOT_FOUND: topic or partition known not to exist;
 *         STATUS_UNAVAILABLE: the client failed and is being replaced
 * @thread the loop's
 * @blocks never
 */
MUST_CHECK enum status
producer_send(struct producer *producer, const struct outgoing *out);

/** Records lent and not yet reported. */
size_t producer_pending(const struct producer *producer);

/**
 * Whether Kafka can be reached, as far as known: a lost connection, or records that
 * wait half a second without a report, start a probe, and the probe decides. False
 * until a broker has answered once. @thread the loop's
 */
bool producer_connected(const struct producer *producer);

/**
 * Back to the quiet lane: what is given from now on goes out at once, what lingers
 * already leaves within its millisecond. For a drain; reports come through the loop.
 */
void producer_flush(struct producer *producer);

/**
 * Takes the reports that are there, for a wait inside which the loop cannot turn (a
 * consumer's `revoked`). Never from within a report.
 */
void producer_serve(struct producer *producer);

#endif
