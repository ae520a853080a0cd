/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One librdkafka client that produces: a lane of a producer. It counts what it was lent
 * and reports each record exactly once, also when it is closed. Private to the room.
 */
#ifndef BUS_SENDER_H
#define BUS_SENDER_H

#include "base/loop.h"
#include "base/status.h"
#include "bus/bell.h"
#include "bus/lane.h"
#include "bus/producer.h"

#include <librdkafka/rdkafka.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sender {
    struct loop *loop;
    const char *name; /* for the log */
    enum lane lane;
    const char *transactional_id;   /* or NULL; then: */
    int64_t transaction_timeout_ns; /* the coordinator aborts after this */
    rd_kafka_conf_t *settings;      /* kept, to make another client from */
    rd_kafka_t *rk;                 /* NULL while it could not be made */
    struct bell bell;
    size_t pending; /* records lent */
    int64_t bytes;  /* lent: keys and values */
    bool failed;    /* for good: close it and open it anew */
    bool closing;   /* what is purged now ends as STATUS_CLOSED */
    delivery_fn reported;
    void (*lost)(void *context); /* the last connection */
    void *context;               /* of both */
};

/** Reads the settings; everything else in `s` is set by the caller before. */
MUST_CHECK enum status sender_init(struct sender *s,
                                   const struct bus_config *bus,
                                   int64_t delivery_timeout_ns,
                                   struct fault *fault);
/** Accepts a zeroed one. It must be closed. */
void sender_fini(struct sender *s);

MUST_CHECK enum status sender_open(struct sender *s, struct fault *fault);

/** Ends what is queued and in flight, each record with its report. @blocks wait_ns */
void sender_purge(struct sender *s, int64_t wait_ns);

/** Takes the reports that are there. */
void sender_take_reports(struct sender *s);

/** The caller's topic handles must be gone, the records reported. */
void sender_close(struct sender *s);

/** As producer_send(). @param[in] topic the record's topic in this client */
MUST_CHECK enum status
sender_send(struct sender *s, rd_kafka_topic_t *topic, const struct outgoing *out);

#endif
