/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests of one model: its consumer in the group leat.batcher.<model>, the
 * watermark of each partition and the commits. A record is answered for by (partition,
 * epoch, offset); after its partition went and came back the epoch differs and a late
 * answer no longer counts.
 */
#ifndef BATCHER_INTAKE_H
#define BATCHER_INTAKE_H

#include "base/loop.h"
#include "base/status.h"
#include "bus/config.h"
#include "bus/consumer.h"
#include "bus/transactor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct intake;

struct intake_events {
    /** A request; the callee owns the record and ends it with intake_answered(). */
    void (*record)(void *arg, struct record *r, uint32_t epoch);
    /**
     * A partition is about to go. The callee gives back what waits and, unless it is
     * lost, may wait shortly for what runs: what is answered on return is committed.
     */
    void (*revoked)(void *arg, const int32_t *partitions, size_t count, bool lost);
};

struct intake_config {
    const char *model;
    const char *instance_id;    /* static membership, or NULL */
    int64_t commit_interval_ns; /* of the asynchronous commits */
    bool transactional;         /* offsets travel by intake_collect() only */
};

MUST_CHECK enum status intake_create(struct intake **out,
                                     struct loop *loop,
                                     const struct bus_config *bus,
                                     const struct intake_config *config,
                                     const struct intake_events *events,
                                     void *arg,
                                     struct fault *fault);

/** Commits what is answered and leaves the group. @blocks up to 5 s */
void intake_destroy(struct intake **intake);

/** Its answer is acknowledged. @return false if the partition is no longer ours */
bool
intake_answered(struct intake *in, int32_t partition, uint32_t epoch, int64_t offset);

/**
 * Its answer lies in the transaction of that number (0: in none yet).
 *
 * @return false if the partition is no longer ours: it must not be answered from here
 */
bool intake_stage(struct intake *in,
                  int32_t partition,
                  uint32_t epoch,
                  int64_t offset,
                  uint32_t number);

/** Adds to a transaction the offsets that are committable with it. */
MUST_CHECK enum status
intake_collect(struct intake *in, uint32_t number, struct transactor *transactor);

/** Stops and goes on reading all partitions; the poll itself never stops. */
void intake_pause(struct intake *in);
void intake_resume(struct intake *in);
bool intake_is_paused(const struct intake *in);

/** Commits if it is time. @return when it wants to be called next */
int64_t intake_turn(struct intake *in, int64_t now_ns);

/** Commits now and waits for the broker. @blocks up to 5 s */
void intake_commit(struct intake *in);

/** A record's work began: it will be answered here, also if we stop meanwhile. */
void
intake_started(struct intake *in, int32_t partition, uint32_t epoch, int64_t offset);

/** Highest offset started in a partition of this assignment, -1 if none. */
int64_t intake_highest(const struct intake *in, int32_t partition);

/** Partitions 0 .. n-1 may be assigned; assigned ones are told by intake_owns(). */
int32_t intake_partitions(const struct intake *in);
bool intake_owns(const struct intake *in, int32_t partition);
size_t intake_owned_count(const struct intake *in);

/** An assignment came at least once, be it empty. */
bool intake_was_assigned(const struct intake *in);

/** The topic does not exist, as far as known; its name for the message. */
bool intake_topic_missing(const struct intake *in);
const char *intake_topic(const struct intake *in);

#endif
