/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a consumer reads: takes partitions from the group or the caller, tells the
 * consumer's user, points librdkafka at them, gives them up again. Private.
 */
#ifndef BUS_ASSIGNMENT_H
#define BUS_ASSIGNMENT_H

#include "base/status.h"
#include "bus/consumer.h"
#include "bus/positions.h"

#include <librdkafka/rdkafka.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct assignment {
    rd_kafka_t *rk;
    const struct consumer_events *events;
    void *arg;
    struct positions positions;
    rd_kafka_consumer_group_metadata_t *membership; /* as it came; NULL without */
    bool leaving; /* revoked, and the user has not ended it */
    bool dev;     /* nothing committed must be found out here: see client.c */
};

/** The group's, or all there are: `assigned` may move the offsets. */
MUST_CHECK enum status
assignment_gain(struct assignment *a, rd_kafka_topic_partition_list_t *list);

/**
 * Calls `revoked` and gives the partitions up, at once or, if the user wants time, by
 * assignment_leave(). Until then librdkafka 2.0.2 stays in the group, sends heartbeats,
 * fetches nothing and heeds no further rebalance (src/rdkafka_cgrp.c, the join state
 * WAIT_UNASSIGN_CALL); it joins again when every commit under way is answered.
 */
void assignment_lose(struct assignment *a, bool lost);
void assignment_leave(struct assignment *a);

/** After the last assignment_lose(). */
void assignment_fini(struct assignment *a);

/** Exactly these, without a word to the user. */
MUST_CHECK enum status
assignment_set(struct assignment *a, const struct partition *parts, size_t count);

/**
 * Reads on from the positions as they stand now. (A seek is refused for a partition
 * that librdkafka gave up, as it does after an offset that is gone.)
 */
MUST_CHECK enum status assignment_repeat(struct assignment *a);

MUST_CHECK enum status
assignment_pause(struct assignment *a, const char *topic, int32_t partition);
MUST_CHECK enum status
assignment_resume(struct assignment *a, const char *topic, int32_t partition);

#endif
