/* SPDX-License-Identifier: Apache-2.0 */
/* One end of the two hops: a producer and a consumer in plain librdkafka. */
#ifndef BENCH_TWO_HOP_PEER_H
#define BENCH_TWO_HOP_PEER_H

#include <librdkafka/rdkafka.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer {
    rd_kafka_t *producer;
    rd_kafka_t *consumer;
    rd_kafka_topic_t *topic; /* produced to */
    int arrived;             /* eventfd: something is in the consumer's queue */
    int partitions;
    int current;
    int64_t window_ns; /* of one sticky partition */
    int64_t turn_ns;   /* when the next partition's turn comes */
};

/** Reads every partition of `in` from its end. @return false after a message */
bool peer_open(struct peer *p,
               const char *brokers,
               const char *in,
               const char *out,
               const char *linger_ms,
               int partitions);
void peer_close(struct peer *p);

/** Sleeps until something arrives or the time has passed; never spins. */
void peer_wait(struct peer *p, int64_t wait_ns);

/** Produces to the sticky partition; waits while the queue is full. */
void peer_send(struct peer *p, const void *data, size_t size, int64_t now_ns);

#endif
