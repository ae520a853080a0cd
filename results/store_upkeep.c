/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes: buckets whose time is over, as a whole; and while the pages in use pass
 * bytes_max, the oldest rows. A bucket that holds much of the space is trimmed row by
 * row, so that lack of space never takes more than it must.
 */
#include "base/clock.h"
#include "base/log.h"
#include "results/metrics.h"
#include "results/store_state.h"

enum {
    TRIM_ROWS = 100,
    TRIMS_PER_COMMIT = 500, /* bounds the time that dropping may take */
    WHOLE_BUCKET_SHARE = 8, /* a bucket below this part of the space goes whole */
};

#define TELL_EVERY_NS (10 * NS_PER_S)

static int
drop_expired(struct store *s, struct series *all, int64_t wall_us)
{
    while (all->count > 0 && all->buckets[0].end_us + all->ttl_us < wall_us) {
        size_t rows = 0;
        int rc = series_drop(all, s->txn, &rows);
        if (rc != 0) {
            return rc;
        }
        metric_add(results_metric(ROW_STORE_EXPIRED),
                   all == &s->series[RESULTS] ? (int64_t)rows : 0);
        store_note_written(s, 0);
    }
    return 0;
}

static struct series *
with_oldest_bucket(struct store *s)
{
    struct series *oldest = NULL;
    for (int i = 0; i < SERIES_COUNT; i++) {
        struct series *all = &s->series[i];
        if (all->count > 0 && (oldest == NULL || all->buckets[0].begin_us <
                                                     oldest->buckets[0].begin_us)) {
            oldest = all;
        }
    }
    return oldest;
}

static int
evict(struct store *s, struct series *all)
{
    size_t rows = 0;
    MDB_stat stat = {0};
    int rc = mdb_stat(s->txn, all->buckets[0].dbi, &stat);
    int64_t bytes = series_bucket_pages(&all->buckets[0], s->txn) * stat.ms_psize;
    bool whole = all->count > 1 && bytes < s->config.bytes_max / WHOLE_BUCKET_SHARE;
    if (rc == 0) {
        rc = whole ? series_drop(all, s->txn, &rows)
                   : series_trim(all, s->txn, TRIM_ROWS, &rows);
    }
    metric_add(results_metric(ROW_STORE_EVICTED), (int64_t)rows);
    s->evicted += rows;
    store_note_written(s, 0);
    return rc;
}

static void
tell_evicted(struct store *s)
{
    int64_t now_ns = clock_mono_ns();
    if (s->evicted == 0 || now_ns < s->evicted_log_ns) {
        return;
    }
    log_warn("results_evicted", log_int("count", (int64_t)s->evicted),
             log_text("reason", "results.store.max is used up before results.ttl"),
             log_int("bytes", s->config.bytes_max));
    s->evicted = 0;
    s->evicted_log_ns = now_ns + TELL_EVERY_NS;
}

int
store_drop_old(struct store *s, int64_t wall_us)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < SERIES_COUNT; i++) {
        rc = drop_expired(s, &s->series[i], wall_us);
        if (rc == 0 && s->series[i].count > SERIES_CROWDED) {
            rc = evict(s, &s->series[i]);
        }
    }
    for (int i = 0;
         rc == 0 && i < TRIMS_PER_COMMIT && store_used_bytes(s) > s->config.bytes_max;
         i++) {
        struct series *oldest = with_oldest_bucket(s);
        if (oldest == NULL) {
            break;
        }
        rc = evict(s, oldest);
    }
    tell_evicted(s);
    return rc;
}
