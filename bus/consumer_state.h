/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A consumer as its two files see it: consumer.c makes, ends and asks it, reading.c
 * takes what comes in. Private to the room.
 */
#ifndef BUS_CONSUMER_STATE_H
#define BUS_CONSUMER_STATE_H

#include "base/loop.h"
#include "bus/assignment.h"
#include "bus/bell.h"
#include "bus/consumer.h"
#include "bus/doubt.h"
#include "bus/record.h"
#include "bus/survey.h"

#include <librdkafka/rdkafka.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TOPICS_MAX = 8 };

struct consumer {
    struct loop *loop;
    const char *name;
    struct consumer_events events;
    void *arg;
    rd_kafka_t *rk;
    struct bell bell;
    struct record_pool pool;
    struct assignment assignment;
    struct doubt doubt;
    struct surveyor *surveyor; /* from the first survey on */
    char *topics[TOPICS_MAX];
    size_t topic_count;
    int64_t poll_ns;          /* to be polled again at the latest */
    int64_t poll_interval_ns; /* max.poll.interval.ms */
    int64_t repeat_ns;        /* not to be repeated before */
    bool repeat; /* some position was restarted: the assignment is repeated */
    bool all_partitions;
    bool starting; /* all_partitions: not assigned yet */
    bool closing;  /* what is revoked now is given up at once */
    bool has_turn;
};

#endif
