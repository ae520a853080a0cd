/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that asks brokers for metadata, because librdkafka has only a blocking call
 * for it. It sleeps while nobody asks. Answers come back on the loop.
 */
#ifndef BUS_PROBER_H
#define BUS_PROBER_H

#include "base/loop.h"
#include "base/status.h"
#include "bus/lane.h"

#include <librdkafka/rdkafka.h>

#include <stdbool.h>
#include <stdint.h>

struct prober;

/** One question. The clients and topics must outlive the answer. */
struct probe {
    rd_kafka_t *rk[LANE_COUNT];          /* unused ones NULL */
    rd_kafka_topic_t *topic[LANE_COUNT]; /* NULL: only whether a broker answers */
    bool answered;                       /* by a broker, to every client */
    int32_t partitions;                  /* of the topic; 0 = there is none yet */
    void *arg;
};

/** Called on the loop with a probe that ended. */
typedef void (*probe_fn)(void *context, struct probe *probe);

MUST_CHECK enum status
prober_create(struct prober **out, struct loop *loop, probe_fn fn, void *context);

/** Joins the thread; probes under way are forgotten. @blocks up to 1 s */
void prober_destroy(struct prober **prober);

/** @return STATUS_OK: the probe is lent until fn is called with it; STATUS_FULL */
MUST_CHECK enum status prober_ask(struct prober *prober, struct probe *probe);

#endif
