/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records between librdkafka and their readers: a struct record around a message, from
 * a free list, as one is made and released for every request and reply. Private.
 */
#ifndef BUS_RECORD_H
#define BUS_RECORD_H

#include "bus/consumer.h"

#include <librdkafka/rdkafka.h>

#include <stddef.h>

struct record_cell;

/** Records of one consumer. @thread the loop's */
struct record_pool {
    struct record_cell *idle;
    size_t idle_count;
    size_t held; /* handed over and not released */
};

/**
 * A record for a message.
 *
 * @return NULL without memory (the message stays the caller's)
 * @owner the record owns the message
 */
struct record *record_make(struct record_pool *pool, rd_kafka_message_t *message);

/** Every record must have been released. */
void record_pool_fini(struct record_pool *pool);

#endif
