/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, closing and the one open transaction.
 *
 * LMDB cannot go on with a transaction that ran out of space. So the map is made larger
 * than bytes_max, and the oldest rows are dropped when the pages in use pass bytes_max:
 * the statistics of the tables give them exactly and for free.
 *
 * An error that lies in the file and not in the disk under it (a page that is none) is
 * noted in the mark, so that the next start throws the file away instead of meeting the
 * same page again.
 */
#include "results/store.h"

#include "base/clock.h"
#include "base/log.h"
#include "results/metrics.h"
#include "results/store_state.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMMIT_BYTES = 8 << 20, MAP_SLACK = 64 << 20, BULK_FACTOR = 2 };

#define COMMIT_AFTER_NS (20 * NS_PER_MS)
#define BULK_AFTER_NS   (200 * NS_PER_MS)
#define UPKEEP_NS       NS_PER_S

static const char *const table_names[TABLE_COUNT] = {
    [OFFSETS] = "offsets",
    [DELIVERIES] = "deliveries",
    [BATCHES] = "batches",
    [BATCH_NOTES] = "batch_notes",
};

static int
open_tables(struct store *s)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < TABLE_COUNT; i++) {
        rc = mdb_dbi_open(s->txn, table_names[i], MDB_CREATE, &s->tables[i]);
    }
    for (int i = 0; rc == 0 && i < SERIES_COUNT; i++) {
        rc = series_open(&s->series[i], s->txn);
    }
    return rc;
}

enum status
store_begin(struct store *s)
{
    if (s->txn != NULL) {
        return STATUS_OK;
    }
    if (s->mark.broken) {
        return STATUS_IO; /* nothing in the file can be believed any more */
    }
    int rc = mdb_txn_begin(s->env, NULL, 0, &s->txn);
    if (rc != 0) {
        s->txn = NULL;
        return STATUS_IO;
    }
    /* An abort took tables away, or gave some back. */
    rc = s->damaged ? open_tables(s) : 0;
    if (rc != 0) {
        mdb_txn_abort(s->txn);
        s->txn = NULL;
        return STATUS_IO;
    }
    return STATUS_OK;
}

/* Else it is the disk that refuses: EIO as well, which LMDB makes of a write that was
 * cut short. What was committed before is not touched by that. */
static bool
is_broken(int rc)
{
    return rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND || rc == MDB_INVALID;
}

/* LMDB ends the process after this: no transaction of a broken file may go on. */
static void
on_broken_file(MDB_env *env, const char *what)
{
    struct store *s = mdb_env_get_userctx(env);
    log_error("store_broken", log_text("store", s->config.directory),
              log_text("reason", what),
              log_text("next", "the next start reads everything again from Kafka"));
    mark_distrust(&s->mark);
}

static void
forget_offsets(struct store *s)
{
    for (size_t i = 0; i < s->offset_count; i++) {
        s->offsets[i] = (struct offset){.at = {.next = -1}};
    }
}

/* What was not committed is gone; from here on the offsets stay where they are. Told
 * once, though every write may fail until there is space again. */
enum status
store_fail(struct store *s, const char *what, int rc)
{
    if (!s->damaged || is_broken(rc)) {
        log_error("store_failed", log_text("action", what),
                  log_text("reason", mdb_strerror(rc)),
                  log_text("store", s->config.directory));
    }
    metric_add(results_metric(ROW_STORE_FAILURES), 1);
    if (s->txn != NULL) {
        mdb_txn_abort(s->txn);
        s->txn = NULL;
    }
    if (is_broken(rc)) {
        mark_distrust(&s->mark);
    }
    s->damaged = true;
    s->dirty = false;
    s->dirty_bytes = 0;
    forget_offsets(s);
    return STATUS_IO;
}

static int
first_transaction(struct store *s)
{
    int rc = mdb_txn_begin(s->env, NULL, 0, &s->txn);
    rc = rc == 0 ? open_tables(s) : rc;
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

/* A file that was cut off is filled up with zeros, which LMDB knows to be no pages;
 * touching what lies behind the end of a mapped file would end the process. */
static int
fill_up(struct store *s)
{
    struct stat file;
    MDB_envinfo info;
    mdb_filehandle_t fd = -1;
    int rc = mdb_env_info(s->env, &info);
    rc = rc == 0 ? mdb_env_get_fd(s->env, &fd) : rc;
    if (rc != 0 || fstat(fd, &file) != 0) {
        return rc != 0 ? rc : errno;
    }
    off_t wanted = (off_t)(info.me_last_pgno + 1) * (off_t)sysconf(_SC_PAGESIZE);
    return file.st_size >= wanted || ftruncate(fd, wanted) == 0 ? 0 : errno;
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
        rc =
            mdb_env_set_maxdbs(s->env, TABLE_COUNT + SERIES_COUNT * SERIES_BUCKETS_MAX);
    }
    if (rc == 0) {
        rc = mdb_env_set_userctx(s->env, s);
    }
    if (rc == 0) {
        rc = mdb_env_set_assert(s->env, on_broken_file);
    }
    if (rc == 0) {
        rc = mdb_env_open(s->env, s->config.directory, flags, 0600);
    }
    if (rc == 0) {
        rc = fill_up(s);
    }
    if (rc == 0) {
        rc = first_transaction(s);
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

static void
init_series(struct store *s)
{
    static const char letters[SERIES_COUNT] = {'r', 'd'};
    int64_t short_us = s->config.delivered_ttl_us;
    for (int i = 0; i < SERIES_COUNT; i++) {
        s->series[i].letter = letters[i];
        s->series[i].ttl_us = s->config.ttl_us;
    }
    if (short_us > 0 && short_us < s->config.ttl_us) {
        s->series[DELIVERED].ttl_us = short_us;
    }
}

static bool
is_no_database(int rc)
{
    return is_broken(rc) || rc == MDB_VERSION_MISMATCH;
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
    init_series(s);
    enum status status = mark_open(&s->mark, config->directory, &trusted, fault);
    if (status != STATUS_OK) {
        free(s);
        return status;
    }
    if (!trusted) {
        status = throw_away(s, "not left in good order, or of another version");
    }
    int rc = status == STATUS_OK ? open_environment(s) : EIO;
    if (is_no_database(rc)) {
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

/* What came since the failure is kept: the same record coming again changes nothing. */
enum status
store_mend(struct store *s, int64_t wall_us)
{
    if (store_commit(s, wall_us) != STATUS_OK) {
        return STATUS_IO;
    }
    forget_offsets(s); /* those noted since the failure were never to be written */
    s->damaged = false;
    return STATUS_OK;
}

int64_t
store_used_bytes(const struct store *s)
{
    int64_t pages = 0;
    MDB_stat stat = {0};
    for (int i = 0; i < TABLE_COUNT; i++) {
        if (mdb_stat(s->txn, s->tables[i], &stat) == 0) {
            pages += (int64_t)(stat.ms_branch_pages + stat.ms_leaf_pages +
                               stat.ms_overflow_pages);
        }
    }
    for (int i = 0; i < SERIES_COUNT; i++) {
        pages += series_pages(&s->series[i], s->txn);
    }
    return pages * (int64_t)stat.ms_psize;
}

void
store_set_bulk(struct store *s, bool bulk)
{
    s->bulk = bulk;
}

enum status
store_commit(struct store *s, int64_t wall_us)
{
    if (store_begin(s) != STATUS_OK) {
        return STATUS_IO;
    }
    int rc = store_drop_old(s, wall_us);
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

static int64_t
commit_due(const struct store *s)
{
    size_t bytes_max = s->bulk ? BULK_FACTOR * COMMIT_BYTES : COMMIT_BYTES;
    if (s->dirty_bytes >= bytes_max) {
        return 0;
    }
    return s->dirty_since_ns + (s->bulk ? BULK_AFTER_NS : COMMIT_AFTER_NS);
}

int64_t
store_turn(struct store *s, int64_t now_ns, int64_t wall_us)
{
    if (s->dirty && s->dirty_since_ns == 0) {
        s->dirty_since_ns = now_ns;
    }
    if ((s->dirty && now_ns >= commit_due(s)) || now_ns >= s->upkeep_ns) {
        enum status status = store_commit(s, wall_us);
        (void)status; /* told by store_damaged() and the log */
        s->upkeep_ns = now_ns + UPKEEP_NS;
    }
    return s->dirty ? commit_due(s) : s->upkeep_ns;
}
