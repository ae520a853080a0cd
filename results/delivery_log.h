/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The topic leat.webhooks: every outcome of a delivery is written there, and whoever
 * owns a partition of replies reads the same partition of this topic, from its
 * beginning, before it delivers anything of it. So a new owner, or one that lost its
 * store, knows what is finished, and goes on with what is not. Reading does not end:
 * what a former owner writes late is still heard.
 */
#ifndef RESULTS_DELIVERY_LOG_H
#define RESULTS_DELIVERY_LOG_H

#include "base/loop.h"
#include "base/status.h"
#include "bus/config.h"
#include "results/owner.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stdint.h>

struct delivery_log;

struct delivery_log_events {
    /** A record, ours or another's; all of it is valid during the call. */
    void (*record)(void *arg, const struct webhook_record *w, struct span bytes);
    /** All that was there of a partition when it came has been read. */
    void (*caught_up)(void *arg);
};

struct delivery_log_config {
    const struct bus_config *bus; /* borrowed for the life of the log */
    const struct owner *owner;    /* likewise */
    struct delivery_log_events events;
    void *arg;
};

MUST_CHECK enum status delivery_log_open(struct delivery_log **out,
                                         struct loop *loop,
                                         const struct delivery_log_config *config,
                                         struct fault *fault);

/** What has not reached Kafka is given up. @blocks up to 12 s */
void delivery_log_close(struct delivery_log **log);

/** The partitions that `owner` has are to be read, from now on and no others. */
void delivery_log_follow(struct delivery_log *log);

/** What was learned is lost: all partitions are read from their beginning again, and
 * nothing is ours until then. */
void delivery_log_read_again(struct delivery_log *log);

/** Whether the id is ours and all that is known of its delivery has been read. */
bool delivery_log_is_ours(const struct delivery_log *log, const struct uuid *id);

/** Of how many partitions the deliveries are ours, and learned. */
size_t delivery_log_learned(const struct delivery_log *log);

/**
 * Writes a framed record; it is sent again until Kafka has it. Beyond
 * DELIVERY_LOG_BYTES_MAX of those that Kafka does not take, records are given up and
 * counted: the store has them, and writes them again after the next start.
 */
void
delivery_log_write(struct delivery_log *log, const struct uuid *id, struct span bytes);

enum { DELIVERY_LOG_BYTES_MAX = 64 * 1024 * 1024 };

/** Waits until Kafka has all that was written, or has been slow. @blocks up to 3 s */
void delivery_log_flush(struct delivery_log *log);

/** Sends what Kafka did not take. @return monotonic time of the next call */
int64_t delivery_log_turn(struct delivery_log *log, int64_t now_ns);

#endif
