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
    /** A request; the callee owns the record and ends it with intake_answered() or
     * intake_given_back(). */
    void (*record)(void *arg, struct record *r, uint32_t epoch);
    /**
     * A partition goes: the callee gives back what waits of it above the offset (-1 =
     * all). The rest may run: the partition is kept for it as long as
     * intake_config.revoke_timeout_ns, and then this is called again.
     */
    void (*revoked)(void *arg, int32_t partition, int64_t above);
};

struct intake_config {
    const char *model;
    const char *instance_id;    /* static membership, or NULL */
    int64_t commit_interval_ns; /* of the asynchronous commits */
    int64_t revoke_timeout_ns;  /* cut to 4/5 of max.poll.interval.ms */
    size_t requests_max;        /* of the former: a partition takes half at most */
    size_t bytes_max;
    bool transactional; /* offsets are committed by intake_collect() only */
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

/** One record, as it was taken. */
struct intake_place {
    int32_t partition;
    uint32_t epoch;
    int64_t offset;
    size_t bytes; /* of its value */
};

/** Its answer is acknowledged. @return false if the partition is no longer ours */
bool intake_answered(struct intake *in, const struct intake_place *at);

/** It will not be answered here: whoever reads the partition next reads it again. */
void intake_given_back(struct intake *in, const struct intake_place *at);

/** Whether the partition has not gone since, so that nobody else answers this record.
 */
bool intake_is_ours(const struct intake *in, int32_t partition, uint32_t epoch);

/**
 * Its answer lies in the transaction of that number (0: in none yet).
 *
 * @return intake_is_ours()
 */
bool intake_stage(struct intake *in, const struct intake_place *at, uint32_t number);

/** Adds to a transaction the offsets that are committable with it. */
MUST_CHECK enum status
intake_collect(struct intake *in, uint32_t number, struct transactor *transactor);

/** Stops and goes on reading all partitions; the poll itself never stops. */
void intake_pause(struct intake *in);
void intake_resume(struct intake *in);
bool intake_is_paused(const struct intake *in);

/** Commits if it is time, ends a revocation that is over. @return when it wants to be
 * called next */
int64_t intake_turn(struct intake *in, int64_t now_ns);

/** A record's work began: it will be answered here, also if we stop meanwhile. */
void
intake_started(struct intake *in, int32_t partition, uint32_t epoch, int64_t offset);

/** Highest offset started in a partition of this assignment, -1 if none. */
int64_t intake_highest(const struct intake *in, int32_t partition);

/** Partitions 0 .. n-1 may be assigned. */
int32_t intake_partitions(const struct intake *in);
size_t intake_owned_count(const struct intake *in);

/** An assignment came at least once, be it empty. */
bool intake_was_assigned(const struct intake *in);

/** Another process has come under our instance_id: nothing will be read any more. */
bool intake_is_fenced(const struct intake *in);

/** The topic does not exist, as far as known; its name for the message. */
bool intake_topic_missing(const struct intake *in);
const char *intake_topic(const struct intake *in);

#endif
