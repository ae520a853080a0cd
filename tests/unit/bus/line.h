/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An in-process broker, a loop, a producer and a consumer on it, and what they have
 * told so far: the set-up that the tests of the bus share.
 */
#ifndef TESTS_UNIT_BUS_LINE_H
#define TESTS_UNIT_BUS_LINE_H

#include "base/clock.h"
#include "base/loop.h"
#include "bus/consumer.h"
#include "bus/dev_broker.h"
#include "bus/producer.h"

#include <stdbool.h>
#include <stddef.h>

enum { LINE_KEPT_MAX = 4096 };

struct line {
    struct dev_broker *broker;
    struct loop *loop;
    struct bus_config bus;
    struct producer *producer;
    struct producer_topic *topic;
    struct consumer *consumer;

    size_t reports;
    size_t stored;
    struct delivery last; /* reason is not kept */
    void *last_arg;

    struct record *records[LINE_KEPT_MAX]; /* held, in order of arrival */
    size_t record_count;
    size_t assigned; /* partitions, in all calls */
    size_t revoked;
    bool revoked_lost;
    bool keeps; /* what is revoked until consumer_revoke_end() */
    size_t restarts;
    size_t ends;
    size_t surveys;
    size_t troubles;
    enum status trouble;
    int64_t start; /* where `assigned` starts reading; OFFSET_COMMITTED */
};

/** Broker with topic "t" of so many partitions; a producer unless there are none. */
void line_open(struct line *line, int32_t partitions);
void line_close(struct line *line);

/** A consumer of "t" in group "g" without the group protocol. */
void line_consume(struct line *line);
void line_consume_as(struct line *line, const struct consumer_config *config);

/** Ends the consumer, giving its records back first. */
void line_stop_consuming(struct line *line);

/** Sends, insisting that it is taken. The value must live. */
void line_send(struct line *line, const char *key, const char *value);
enum status
line_try(struct line *line, int32_t partition, struct span value, void *arg);

/** Turns the loop until *count reaches `wanted`; false after 20 s. */
bool line_until(struct line *line, const size_t *count, size_t wanted);
/** The same for producer_connected(). */
bool line_until_connected(struct line *line, bool wanted);

#endif
