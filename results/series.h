/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows by id that go when their time is over: a series of LMDB tables, each for a span
 * of time (a bucket), so that expiry drops a table instead of searching for rows.
 *
 * A row stands in the bucket of series_time(): its arrival, or the time its id was
 * minted where a clock that is ahead makes that later. So the buckets that end before
 * an id was minted cannot hold it, and a new id is looked for in one or two of them
 * whatever the clocks say. Ids that tell no time are looked for in all.
 */
#ifndef RESULTS_SERIES_H
#define RESULTS_SERIES_H

#include "base/uuid.h"

#include <lmdb.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A time to live is this many spans; with clocks ahead there may be twice as many
 * buckets, and after a change of the time to live old ones beside new ones. */
enum { SERIES_SPANS = 12, SERIES_BUCKETS_MAX = 64, SERIES_CROWDED = 48 };

struct bucket {
    int64_t begin_us; /* first instant that belongs to it */
    int64_t end_us;   /* first one that does not */
    MDB_dbi dbi;
    struct uuid last; /* greatest id inserted since it was opened */
};

struct series {
    char letter; /* names of its tables begin with it */
    int64_t ttl_us;
    struct bucket buckets[SERIES_BUCKETS_MAX]; /* oldest first, none overlap */
    size_t count;
};

/* LMDB takes keys and values that it only reads as void *. */
static inline MDB_val
value_of(const void *data, size_t size)
{
    MDB_val value = {.mv_size = size};
    memcpy(&value.mv_data, &data, sizeof data);
    return value;
}

static inline MDB_val
key_of(const struct uuid *id)
{
    return value_of(id->bytes, UUID_BYTES);
}

/* All functions that return int return LMDB's code. */

/** Finds the tables that the file holds. After an abort, again. */
int series_open(struct series *s, MDB_txn *txn);

/** When a row belongs that arrived then. */
int64_t series_time(const struct series *s, const struct uuid *id, int64_t arrived_us);

/** Rows of this id cannot stand earlier than that, for whoever asks at `now_us`. */
int64_t series_first(const struct uuid *id, int64_t now_us);

/** The bucket of an instant; made if there is none. MDB_DBS_FULL: too many. */
int series_place(struct series *s, MDB_txn *txn, int64_t at_us, struct bucket **bucket);

/**
 * The newest row of an id in the buckets that touch [from_us, before_us).
 *
 * @param[out] value valid until the next write
 */
int series_find(const struct series *s,
                MDB_txn *txn,
                const struct uuid *id,
                int64_t from_us,
                int64_t before_us,
                MDB_val *value);

/**
 * Makes a row for place->mv_size bytes, to be written where it then points.
 *
 * @param[out] place on MDB_KEYEXIST the row there is
 */
int
series_insert(struct bucket *b, MDB_txn *txn, const struct uuid *id, MDB_val *place);

/** Removes the rows of an id from all buckets. */
int series_remove(struct series *s, MDB_txn *txn, const struct uuid *id);

/** Drops the oldest bucket. @param[out] rows it held */
int series_drop(struct series *s, MDB_txn *txn, size_t *rows);

/** Removes rows of the oldest bucket in the order of their ids, which for version 7 is
 * that of time; the bucket as well when that was all of it. @param[out] rows removed */
int series_trim(struct series *s, MDB_txn *txn, size_t most, size_t *rows);

/** Pages of one bucket, or of all. */
int64_t series_bucket_pages(const struct bucket *b, MDB_txn *txn);
int64_t series_pages(const struct series *s, MDB_txn *txn);

#endif
