/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wakes the loop when a queue of librdkafka's gets something. librdkafka rings only
 * when the queue was empty, so who is woken must drain it, or ring again itself.
 */
#ifndef BUS_BELL_H
#define BUS_BELL_H

#include "base/loop.h"
#include "base/status.h"

#include <librdkafka/rdkafka.h>

typedef void (*bell_fn)(void *arg);

struct bell {
    struct loop *loop;
    rd_kafka_queue_t *queue;
    int fd;
    bell_fn fn;
    void *arg;
};

/**
 * @param[in] queue taken, also on failure
 * @param[in] fn called on the loop after each ring; several rings may be one call
 */
MUST_CHECK enum status bell_open(struct bell *bell,
                                 struct loop *loop,
                                 rd_kafka_queue_t *queue,
                                 bell_fn fn,
                                 void *arg);
/** Accepts a zeroed one. */
void bell_close(struct bell *bell);

/** Has fn called in the next turn. */
void bell_ring(struct bell *bell);

#endif
