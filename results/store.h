/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept on this disk, in LMDB: replies by id, the offsets they came from, the
 * deliveries of webhooks. One write transaction stays open and serves reads and writes;
 * store_commit() ends it and begins the next, so replies and offsets reach the file
 * together and a restart continues exactly there. All of it can be rebuilt from Kafka.
 *
 * Replies stand in buckets of time (series.h), each dropped as a whole when its time is
 * over; when the space is used up the oldest go early. That an id had its terminal
 * reply is known for as long, also where its bytes went before (`delivered`).
 *
 * After a failed write (disk full, I/O error) what was not committed is lost here,
 * though not in Kafka: the store then stays at the offsets last committed, and says so
 * by store_damaged(), until store_mend() finds that it can write again or the process
 * starts anew.
 */
#ifndef RESULTS_STORE_H
#define RESULTS_STORE_H

#include "base/span.h"
#include "base/status.h"
#include "base/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

struct store_config {
    const char *directory; /* created; locked while open */
    const char *topic;     /* whose offsets are kept */
    int64_t bytes_max;     /* pages in use; about twice that on the disk at worst */
    int64_t ttl_us;
    int64_t delivered_ttl_us; /* of answers delivered already; 0 or over ttl_us: ttl_us
                               */
};

struct stored {
    int64_t arrived_us; /* wall; of one id never before that of an earlier record */
    bool terminal;
    bool delivered;    /* the bytes may go after delivered_ttl_us; for store_put() */
    struct span bytes; /* the framed record */
};

/* How far a partition is in. */
struct store_position {
    int64_t next;      /* offset of the next record */
    int64_t newest_us; /* wall; latest arrival among the records below; 0 = not known */
};

/**
 * Opens a store, throwing away one that a crash of the machine may have damaged.
 *
 * @return STATUS_OK; STATUS_CONFLICT: open elsewhere; STATUS_IO; STATUS_NO_MEMORY
 */
MUST_CHECK enum status
store_open(struct store **out, const struct store_config *config, struct fault *fault);

/** Commits, waits for the disk, marks the store as clean. @blocks for the disk */
void store_close(struct store **store);

/** Something could not be written: what is not found may exist all the same. */
bool store_damaged(const struct store *store);

/**
 * Tries whether a damaged store can write again. If so, what it lost is to be read
 * again from the offsets that store_offset_get() tells from now on.
 *
 * @return STATUS_OK: not damaged any more; STATUS_IO: it is, or its file is broken and
 *         only another start helps @blocks for a write
 */
MUST_CHECK enum status store_mend(struct store *store, int64_t wall_us);

/**
 * Keeps a reply. The first terminal one of an id stays for good.
 *
 * @return STATUS_OK: kept; STATUS_CONFLICT: known already, nothing changed;
 *         STATUS_TOO_LARGE: over half of bytes_max; STATUS_IO
 */
MUST_CHECK enum status
store_put(struct store *store, const struct uuid *id, const struct stored *r);

/** Whether store_put() would refuse a terminal reply that arrived then. */
bool store_ended(struct store *store, const struct uuid *id, int64_t arrived_us);

/**
 * @param[out] r bytes valid until the next call that writes
 * @return STATUS_OK; STATUS_NOT_FOUND, also when its time is over
 */
MUST_CHECK enum status store_get(struct store *store,
                                 const struct uuid *id,
                                 int64_t wall_us,
                                 struct stored *r);

/** All records below at.next are in. Written with the next commit. */
void store_offset_set(struct store *store, int32_t partition, struct store_position at);

/** @return STATUS_OK; STATUS_NOT_FOUND */
MUST_CHECK enum status
store_offset_get(struct store *store, int32_t partition, struct store_position *at);

/* Deliveries of webhooks: framed records by id. */
enum stored_delivery_state {
    DELIVERY_OPEN,  /* attempts are left */
    DELIVERY_ENDED, /* and it is not yet known that leat.webhooks says so */
    DELIVERY_TOLD   /* as the former, and it is known */
};

struct stored_delivery {
    enum stored_delivery_state state;
    int64_t ended_us; /* wall; 0 while open */
    struct span bytes;
};

MUST_CHECK enum status store_delivery_put(struct store *store,
                                          const struct uuid *id,
                                          const struct stored_delivery *d);
/** @param[out] d bytes valid until the next call that writes */
MUST_CHECK enum status store_delivery_get(struct store *store,
                                          const struct uuid *id,
                                          struct stored_delivery *d);

/** @return false: no more. Must not write. */
typedef bool (*store_delivery_fn)(void *arg,
                                  const struct uuid *id,
                                  const struct stored_delivery *d);

/** Each one from an id on, in the order of ids. */
void store_delivery_each(struct store *store,
                         const struct uuid *from,
                         store_delivery_fn fn,
                         void *arg);

/**
 * Looks at `count` of them from an id on and drops those that ended before a time.
 *
 * @param[in,out] from where to go on; all zero behind the last
 */
void store_delivery_sweep(struct store *store,
                          struct uuid *from,
                          size_t count,
                          int64_t before_us);

/** Ends the transaction: all or nothing of it is in the file. @blocks for a write */
MUST_CHECK enum status store_commit(struct store *store, int64_t wall_us);

/** While much is read again nobody waits for commits: fewer and larger ones. */
void store_set_bulk(struct store *store, bool bulk);

/**
 * Commits what has waited for 20 ms or grown to 8 MiB (in bulk 200 ms, 16 MiB); drops
 * what is past its time.
 *
 * @return monotonic time of the next call
 */
int64_t store_turn(struct store *store, int64_t now_ns, int64_t wall_us);

#endif
