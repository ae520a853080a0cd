/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a store, shared by store.c (opening, transactions) and by the one file
 * per table: store_result.c (results and their buckets), store_offset.c and
 * store_delivery.c. Nobody else includes it.
 */
#ifndef RESULTS_STORE_STATE_H
#define RESULTS_STORE_STATE_H

#include "results/mark.h"
#include "results/store.h"

#include <lmdb.h>

#include <string.h>

enum { BUCKET_IDS = 1000 };

/*
 * results: id -> arrival, record; buckets: newest arrival in it -> ids;
 * offsets: topic:partition -> next; deliveries: id -> state, end, record;
 * batches: id -> row; batch notes: id, n -> line (store_batch.c).
 */
enum store_table {
    RESULTS,
    BUCKETS,
    OFFSETS,
    DELIVERIES,
    BATCHES,
    BATCH_NOTES,
    TABLE_COUNT
};

/* In front of every delivery. */
struct delivery_head {
    uint64_t state; /* enum stored_delivery_state */
    int64_t ended_us;
};

/* The ids that came since the last commit. */
struct bucket {
    int64_t newest_us;
    size_t count;
    struct uuid ids[BUCKET_IDS];
};

struct offset {
    int64_t next; /* -1: nothing known */
    bool changed;
};

struct store {
    struct store_config config;
    struct mark mark;
    MDB_env *env;
    MDB_txn *txn; /* NULL only after a failure */
    MDB_dbi tables[TABLE_COUNT];
    struct bucket bucket;
    struct offset *offsets; /* by partition */
    size_t offset_count;
    size_t dirty_bytes;
    int64_t dirty_since_ns; /* first turn that saw it dirty; 0 = none yet */
    int64_t upkeep_ns;      /* next look for what is over */
    bool dirty;
    bool damaged;
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

static inline void
store_note_written(struct store *s, size_t bytes)
{
    s->dirty = true;
    s->dirty_bytes += bytes;
}

/* A transaction to work in. @return STATUS_OK; STATUS_IO */
MUST_CHECK enum status store_begin(struct store *s);

/* Gives the transaction up after an error of LMDB. @return STATUS_IO */
enum status store_fail(struct store *s, const char *what, int rc);

/* Bytes of the pages in use. */
int64_t store_used_bytes(const struct store *s);

/* Each of these writes into the transaction and returns LMDB's code. */
int store_write_offsets(struct store *s);
int store_write_bucket(struct store *s);
/* Drops buckets whose time is over, then the oldest while there is no space. */
int store_drop_buckets(struct store *s, int64_t wall_us);

#endif
