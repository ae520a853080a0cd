/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, closing and the one open transaction.
 *
 * LMDB cannot go on with a transaction that ran out of space. So the map is made larger
 * than bytes_max, and the oldest buckets are dropped when the pages in use pass
 * bytes_max: the statistics of the tables give them exactly and for free.
 */
#include "results/store.h"

#include "base/clock.h"
#include "base/log.h"
#include "results/metrics.h"
#include "results/store_state.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { COMMIT_BYTES = 8 << 20, MAP_SLACK = 64 << 20 };

#define COMMIT_AFTER_NS (20 * NS_PER_MS)
#define UPKEEP_NS       NS_PER_S

static const char *const table_names[TABLE_COUNT] = {
    [RESULTS] = "results",       [BUCKETS] = "buckets", [OFFSETS] = "offsets",
    [DELIVERIES] = "deliveries", [BATCHES] = "batches", [BATCH_NOTES] = "batch_notes",
};

enum status
store_begin(struct store *s)
{
    if (s->txn != NULL) {
        return STATUS_OK;
    }
    int rc = mdb_txn_begin(s->env, NULL, 0, &s->txn);
    if (rc != 0) {
        s->txn = NULL;
        return STATUS_IO;
    }
    return STATUS_OK;
}

/* What was not committed is gone; from here on the offsets stay where they are. */
enum status
store_fail(struct store *s, const char *what, int rc)
{
    log_error("store_failed", log_text("action", what),
              log_text("reason", mdb_strerror(rc)),
              log_text("store", s->config.directory));
    metric_add(results_metric(ROW_STORE_FAILURES), 1);
    if (s->txn != NULL) {
        mdb_txn_abort(s->txn);
        s->txn = NULL;
    }
    s->damaged = true;
    s->dirty = false;
    s->dirty_bytes = 0;
    s->bucket.count = 0;
    for (size_t i = 0; i < s->offset_count; i++) {
        s->offsets[i] = (struct offset){.next = -1};
    }
    return STATUS_IO;
}

static int
open_tables(struct store *s)
{
    int rc = mdb_txn_begin(s->env, NULL, 0, &s->txn);
    for (int i = 0; rc == 0 && i < TABLE_COUNT; i++) {
        rc = mdb_dbi_open(s->txn, table_names[i], MDB_CREATE, &s->tables[i]);
    }
    if (rc == 0) {
        rc = mdb_txn_commit(s->txn);
        s->txn = NULL;
    }
    return rc == 0 ? mdb_txn_begin(s->env, NULL, 0, &s->txn) : rc;
}

static void
close_environment(struct store *s)
{
    if (s->txn != NULL) {
        mdb_txn_abort(s->txn);
        s->txn = NULL;
    }
    if (s->env != NULL) {
        mdb_env_close(s->env);
        s->env = NULL;
    }
}

/* No lock table: the directory is locked and the only thread writes. */
static int
open_environment(struct store *s)
{
    const unsigned flags = MDB_NOSYNC | MDB_NOMETASYNC | MDB_NOLOCK | MDB_NOMEMINIT;
    int rc = mdb_env_create(&s->env);
    if (rc != 0) {
        s->env = NULL;
        return rc;
    }
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t map = 2 * (size_t)s->config.bytes_max + MAP_SLACK;
    rc = mdb_env_set_mapsize(s->env, (map + page - 1) / page * page);
    if (rc == 0) {
        rc = mdb_env_set_maxdbs(s->env, TABLE_COUNT);
    }
    if (rc == 0) {
        rc = mdb_env_open(s->env, s->config.directory, flags, 0600);
    }
    if (rc == 0) {
        rc = open_tables(s);
    }
    if (rc != 0) {
        close_environment(s);
    }
    return rc;
}

static enum status
throw_away(struct store *s, const char *reason)
{
    if (unlinkat(s->mark.directory_fd, "data.mdb", 0) != 0) {
        return errno == ENOENT ? STATUS_OK : STATUS_IO;
    }
    log_warn("store_rebuilt", log_text("store", s->config.directory),
             log_text("reason", reason));
    return STATUS_OK;
}

enum status
store_open(struct store **out, const struct store_config *config, struct fault *fault)
{
    bool trusted = false;
    struct store *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the result store");
    }
    s->config = *config;
    enum status status = mark_open(&s->mark, config->directory, &trusted, fault);
    if (status != STATUS_OK) {
        free(s);
        return status;
    }
    if (!trusted) {
        status = throw_away(s, "not closed cleanly before the machine went down");
    }
    int rc = status == STATUS_OK ? open_environment(s) : EIO;
    if (rc == MDB_INVALID || rc == MDB_CORRUPTED || rc == MDB_VERSION_MISMATCH) {
        rc = throw_away(s, mdb_strerror(rc)) == STATUS_OK ? open_environment(s) : EIO;
    }
    if (rc != 0) {
        mark_close(&s->mark, false);
        status = fault_set(fault, STATUS_IO, "results.store %s: %s", config->directory,
                           mdb_strerror(rc));
        free(s);
        return status;
    }
    *out = s;
    return STATUS_OK;
}

void
store_close(struct store **store)
{
    struct store *s = *store;
    *store = NULL;
    if (s == NULL) {
        return;
    }
    bool clean = store_commit(s, clock_wall_us()) == STATUS_OK;
    clean = mdb_env_sync(s->env, 1) == 0 && clean;
    close_environment(s);
    mark_close(&s->mark, clean);
    free(s->offsets);
    free(s);
}

bool
store_damaged(const struct store *s)
{
    return s->damaged;
}

int64_t
store_used_bytes(const struct store *s)
{
    int64_t pages = 0;
    int64_t page_size = 0;
    for (int i = 0; i < TABLE_COUNT; i++) {
        MDB_stat stat;
        if (mdb_stat(s->txn, s->tables[i], &stat) == 0) {
            pages += (int64_t)(stat.ms_branch_pages + stat.ms_leaf_pages +
                               stat.ms_overflow_pages);
            page_size = stat.ms_psize;
        }
    }
    return pages * page_size;
}

enum status
store_commit(struct store *s, int64_t wall_us)
{
    if (store_begin(s) != STATUS_OK) {
        return STATUS_IO;
    }
    int rc = store_write_bucket(s);
    rc = rc == 0 ? store_drop_buckets(s, wall_us) : rc;
    rc = rc == 0 ? store_write_offsets(s) : rc;
    if (rc != 0) {
        return store_fail(s, "write", rc);
    }
    if (!s->dirty) {
        return STATUS_OK;
    }
    metric_set(results_metric(ROW_STORE_BYTES), store_used_bytes(s));
    int64_t begun_ns = clock_mono_ns();
    rc = mdb_txn_commit(s->txn);
    s->txn = NULL;
    if (rc != 0) {
        return store_fail(s, "commit", rc);
    }
    metric_observe(results_metric(ROW_STORE_COMMIT), clock_mono_ns() - begun_ns);
    s->dirty = false;
    s->dirty_bytes = 0;
    s->dirty_since_ns = 0;
    return store_begin(s);
}

int64_t
store_turn(struct store *s, int64_t now_ns, int64_t wall_us)
{
    if (s->dirty && s->dirty_since_ns == 0) {
        s->dirty_since_ns = now_ns;
    }
    bool due =
        s->dirty && (now_ns - s->dirty_since_ns >= COMMIT_AFTER_NS ||
                     s->bucket.count == BUCKET_IDS || s->dirty_bytes >= COMMIT_BYTES);
    if (due || now_ns >= s->upkeep_ns) {
        enum status status = store_commit(s, wall_us);
        (void)status; /* told by store_damaged() and the log */
        s->upkeep_ns = now_ns + UPKEEP_NS;
    }
    return s->dirty ? s->dirty_since_ns + COMMIT_AFTER_NS : s->upkeep_ns;
}
