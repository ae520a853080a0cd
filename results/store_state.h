/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a store, shared by store.c (opening, transactions), store_upkeep.c
 * (what goes) and by the one file per kind of row: store_result.c, store_offset.c and
 * store_delivery.c. Nobody else includes it.
 */
#ifndef RESULTS_STORE_STATE_H
#define RESULTS_STORE_STATE_H

#include "results/mark.h"
#include "results/series.h"
#include "results/store.h"

#include <lmdb.h>

/*
 * RESULTS: id -> arrival, flags, record. DELIVERED: the records of rows there that say
 * ELSEWHERE, for a shorter time.
 */
enum store_series { RESULTS, DELIVERED, SERIES_COUNT };

/* offsets: topic:partition -> position; deliveries: id -> head, record;
 * batches: id -> row; batch notes: id, n -> line (store_batch.c). */
enum store_table { OFFSETS, DELIVERIES, BATCHES, BATCH_NOTES, TABLE_COUNT };

/* In front of every delivery. */
struct delivery_head {
    uint64_t state; /* enum stored_delivery_state */
    int64_t ended_us;
};

/* A transaction is ended at this size whoever should have done it. */
enum { STORE_DIRTY_MAX = 64 << 20 };

struct offset {
    struct store_position at; /* next -1: nothing known */
    bool changed;
};

struct store {
    struct store_config config;
    struct mark mark;
    MDB_env *env;
    MDB_txn *txn; /* NULL only after a failure */
    MDB_dbi tables[TABLE_COUNT];
    struct series series[SERIES_COUNT];
    struct offset *offsets; /* by partition */
    size_t offset_count;
    size_t dirty_bytes;
    int64_t dirty_since_ns; /* first turn that saw it dirty; 0 = none yet */
    int64_t upkeep_ns;      /* next look for what is over */
    size_t evicted;         /* since the log was told */
    int64_t evicted_log_ns; /* when it may be told again */
    bool dirty;
    bool damaged;
    bool bulk;
};

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
/* Drops buckets whose time is over, then the oldest rows while there is no space. */
int store_drop_old(struct store *s, int64_t wall_us);

#endif
