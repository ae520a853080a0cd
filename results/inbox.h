/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the replies topic as a member of the group `<prefix>results` and hands each
 * reply on. A partition that comes is read from the offset in the store, or, where that
 * is missing or too old, from as far back as results are kept; until it has reached the
 * end that was there when it came it is catching up.
 */
#ifndef RESULTS_INBOX_H
#define RESULTS_INBOX_H

#include "base/buf.h"
#include "base/loop.h"
#include "base/status.h"
#include "bus/config.h"
#include "results/owner.h"
#include "results/store.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stdint.h>

struct inbox;

struct inbox_events {
    /** A reply; everything in it is valid during the call. */
    void (*reply)(void *arg,
                  const struct reply *reply,
                  struct span bytes,
                  int64_t arrived_us);
    /** Partitions go to somebody else: what he has to know must be in Kafka on return.
     */
    void (*leaving)(void *arg);
    /** The set of owned partitions is settled again after a change. */
    void (*settled)(void *arg);
};

struct inbox_config {
    const struct bus_config *bus; /* borrowed for the life of the inbox */
    const char *topic;            /* borrowed likewise */
    const char *group;            /* borrowed likewise */
    const char *client_id; /* what the group shows of us; NULL: kafka.client.id */
    int64_t ttl_us;
    struct store *store;
    struct owner *owner;
    struct inbox_events events;
    void *arg;
};

MUST_CHECK enum status inbox_create(struct inbox **out,
                                    struct loop *loop,
                                    const struct inbox_config *config,
                                    struct fault *fault);

/** Commits what was read, leaves the group. @blocks up to 5 s */
void inbox_destroy(struct inbox **inbox);

/** Whether all that was there when the partition came has been read. */
bool inbox_caught_up(const struct inbox *inbox, int32_t partition);

/** Whether a record of the id may still be on its way: from who had its partition until
 * just now and took the request in the rebalance. */
bool inbox_may_bring(const struct inbox *inbox, const struct uuid *id);

/** Owned partitions that are still catching up. */
size_t inbox_behind(const struct inbox *inbox);

/** How far each partition is, in lines for people. */
void inbox_describe(const struct inbox *inbox, struct buf *out);

/** Begins each owned partition again from the offset that is in the store now. */
void inbox_read_again(struct inbox *inbox);

/** @return monotonic time of the next call */
int64_t inbox_turn(struct inbox *inbox, int64_t now_ns);

#endif
