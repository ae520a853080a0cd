/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consumer with manual offsets, on the loop. Records are handed over one by one and
 * stay in librdkafka's own memory until given back, so a waiting request costs no copy.
 * Partitions are paused, never the poll: max.poll.interval cannot pass while the loop
 * turns. Assignment is `range` (keeps co-partitioned topics together).
 */
#ifndef BUS_CONSUMER_H
#define BUS_CONSUMER_H

#include "base/loop.h"
#include "base/span.h"
#include "base/status.h"
#include "bus/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct consumer;

/** One record; all spans live until record_release(). */
struct record {
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_us;      /* wall; 0 if unknown */
    bool timestamp_is_brokers; /* the broker set it, on appending */
    struct span key;
    struct span value; /* size 0 and data NULL for a tombstone */
    void *handle;      /* librdkafka's message */
};

struct partition {
    const char *topic; /* borrowed during a call */
    int32_t partition;
    int64_t offset; /* meaning said by the call; OFFSET_* below */
};

/* LATER: nothing is read of it until consumer_begin(). */
enum {
    OFFSET_COMMITTED = -1000,
    OFFSET_LATER = -999,
    OFFSET_BEGINNING = -2,
    OFFSET_END = -1
};

/** Where a partition stands, as far as status is STATUS_OK. */
struct bound {
    int32_t partition;
    enum status status;
    int64_t low;   /* first offset */
    int64_t high;  /* next offset */
    int64_t since; /* first record at or after the time asked for; OFFSET_END: none. The
                      in-process broker cannot say: the first offset */
};

/** A question about partitions of one topic, for consumer_survey(). */
struct survey {
    const char *topic;
    int64_t wall_us;
    struct bound *bounds; /* partition set; the rest is the answer */
    size_t count;
    int32_t partition_count; /* the answer: of the topic; 0 = not known */
};

struct consumer_events {
    /**
     * A record; the callee owns it until record_release(). Called only while
     * consumer is not over its budget of the turn.
     */
    void (*record)(void *arg, struct record *r);
    /**
     * Partitions came; none if there are more members than partitions. `offset` is
     * OFFSET_COMMITTED on entry and may be set to where reading is to start.
     */
    void (*assigned)(void *arg, struct partition *parts, size_t count);
    /**
     * Optional: partitions go. Not lost: commits for them are still possible. Lost:
     * commit nothing; this may also come while an earlier revocation has not ended.
     *
     * @return true: done. false: more time is needed, the group waits, no records come
     *         until consumer_revoke_end(), which must follow within 4/5 of
     *         consumer_poll_interval(). Taken for true if lost or at the end of the
     *         consumer.
     */
    bool (*revoked)(void *arg, const struct partition *parts, size_t count, bool lost);
    /**
     * Optional: the offset that was to be read next is not there: deleted, cut off, or
     * its topic was made anew. Reading goes on with the oldest record that is there,
     * which may have a lower offset. It is logged.
     */
    void (*restarted)(void *arg, const char *topic, int32_t partition);
    /** Optional: offsets given to consumer_commit() without waiting were refused. */
    void (*commit_failed)(void *arg);
    /** Optional: a partition's reading position reached its end (caught up). */
    void (*reached_end)(void *arg, const char *topic, int32_t partition);
    /** A survey ended; it and its bounds are the caller's again. */
    void (*surveyed)(void *arg, struct survey *survey);
    /**
     * Optional: topic gone, broker away... in words. STATUS_FENCED: another member has
     * come under our instance_id; the partitions were lost before and none will come.
     */
    void (*trouble)(void *arg, enum status status, const char *reason);
};

struct consumer_config {
    const char *name;           /* for the log */
    const char *group;          /* NULL: no group; use consumer_assign() */
    const char *instance_id;    /* static membership, or NULL */
    const char *client_id;      /* what the group shows of us; NULL: kafka.client.id */
    const char *topics[8];      /* of the group; unused ones NULL */
    int64_t session_timeout_ns; /* 0 = 10 s */
    int64_t fetch_bytes_max;    /* prefetched and not yet taken, in all; 0 = 16 MiB */
    bool all_partitions; /* dev mode: no group protocol, read every partition of topics,
                            offsets are committed to `group` all the same */
};

MUST_CHECK enum status consumer_create(struct consumer **out,
                                       struct loop *loop,
                                       const struct bus_config *bus,
                                       const struct consumer_config *config,
                                       const struct consumer_events *events,
                                       void *arg,
                                       struct fault *fault);

/**
 * Leaves the group (revoked is called first), gives up the connection.
 * Every record must have been released. @blocks up to 7 s
 */
void consumer_destroy(struct consumer **consumer);

/** What `revoked` asked time for is done: the group goes on. */
void consumer_revoke_end(struct consumer *consumer);

/** Time after which the group throws out a member that does not give its partitions up.
 */
int64_t consumer_poll_interval(const struct consumer *consumer);

/** Without a group: reads exactly these from the given offsets; replaces the former
 * set.
 */
MUST_CHECK enum status
consumer_assign(struct consumer *consumer, const struct partition *parts, size_t count);

MUST_CHECK enum status
consumer_pause(struct consumer *consumer, const char *topic, int32_t partition);
MUST_CHECK enum status
consumer_resume(struct consumer *consumer, const char *topic, int32_t partition);

/**
 * Commits `offset` = next to be read, for each partition.
 *
 * @param[in] wait true: until the broker answered (at most 5 s); false: later, errors
 *            are logged and told by commit_failed. Partitions that are given up
 * meanwhile go to another member only after the broker answered.
 */
MUST_CHECK enum status consumer_commit(struct consumer *consumer,
                                       const struct partition *parts,
                                       size_t count,
                                       bool wait);

/**
 * First and next offset of each partition, asked of the broker.
 *
 * @param[out] low  first offset
 * @param[out] high next offset
 * @blocks up to timeout_ns
 */
MUST_CHECK enum status consumer_bounds(struct consumer *consumer,
                                       const char *topic,
                                       int32_t partition,
                                       int64_t timeout_ns,
                                       int64_t *low,
                                       int64_t *high);

/**
 * Asks where partitions stand, on a thread of its own; `surveyed` tells. What had no
 * answer in a second or so has a status other than STATUS_OK.
 *
 * @param[in] survey lent until then, at the latest until consumer_destroy()
 * @return STATUS_OK; STATUS_FULL: one is under way; STATUS_NO_MEMORY; STATUS_IO
 * @blocks never
 */
MUST_CHECK enum status
consumer_survey(struct consumer *consumer, struct survey *survey);

/**
 * Begins to read partitions that were assigned with OFFSET_LATER at `offset`. Others,
 * and those that are gone meanwhile, are left alone.
 */
void
consumer_begin(struct consumer *consumer, const struct partition *parts, size_t count);

/**
 * `assigned` is called again with all that is assigned, as though it had just come, and
 * reading goes on where that says. The group hears nothing of it. Nothing happens while
 * there is none, or while it is being given up. Not from within an event.
 */
void consumer_reassign(struct consumer *consumer);

/** Partitions of a topic. @blocks up to timeout_ns @return also STATUS_NOT_FOUND */
MUST_CHECK enum status consumer_partitions(struct consumer *consumer,
                                           const char *topic,
                                           int64_t timeout_ns,
                                           int32_t *count);

/** Value of a header; STATUS_NOT_FOUND if absent. The last of several counts. */
MUST_CHECK enum status
record_header_find(const struct record *r, const char *name, struct span *value);

/** The i-th header in order, STATUS_NOT_FOUND past the last: to copy them all. */
MUST_CHECK enum status record_header_at(const struct record *r,
                                        size_t i,
                                        const char **name,
                                        struct span *value);

/** Gives a record back; NULLs the pointer. @thread the loop's */
void record_release(struct record **r);

#endif
