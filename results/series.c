/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name of a table is a letter and its span in hexadecimal, so the file alone says
 * what is in it and the spans may change with the options.
 */
#include "results/series.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEX = 16, NAME_BYTES = 1 + 2 * HEX };

static void
write_name(const struct series *s, const struct bucket *b, char *name, size_t size)
{
    snprintf(name, size, "%c%016llx%016llx", s->letter, (unsigned long long)b->begin_us,
             (unsigned long long)b->end_us);
}

static int64_t
read_hex(const char *from)
{
    char text[HEX + 1] = "";
    memcpy(text, from, HEX);
    return (int64_t)strtoull(text, NULL, HEX);
}

/* The main table of the file holds the names, sorted. */
static int
read_names(struct series *s, MDB_txn *txn)
{
    MDB_dbi names = 0;
    MDB_cursor *cursor = NULL;
    int rc = mdb_dbi_open(txn, NULL, 0, &names);
    rc = rc == 0 ? mdb_cursor_open(txn, names, &cursor) : rc;
    if (rc != 0) {
        return rc;
    }
    MDB_val key;
    MDB_val value;
    while (s->count < SERIES_BUCKETS_MAX &&
           (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        const char *name = key.mv_data;
        if (key.mv_size == NAME_BYTES && name[0] == s->letter) {
            s->buckets[s->count++] = (struct bucket){
                .begin_us = read_hex(name + 1),
                .end_us = read_hex(name + 1 + HEX),
            };
        }
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int
series_open(struct series *s, MDB_txn *txn)
{
    s->count = 0;
    int rc = read_names(s, txn);
    for (size_t i = 0; rc == 0 && i < s->count; i++) {
        char name[NAME_BYTES + 1];
        write_name(s, &s->buckets[i], name, sizeof name);
        rc = mdb_dbi_open(txn, name, 0, &s->buckets[i].dbi);
    }
    return rc;
}

int64_t
series_time(const struct series *s, const struct uuid *id, int64_t arrived_us)
{
    int64_t minted_us = uuid_minted_us(id);
    bool ahead = minted_us > arrived_us && minted_us - arrived_us <= s->ttl_us;
    return ahead ? minted_us : arrived_us;
}

/* Where an id is from further ahead than a time to live, its row stands at its arrival
 * and is over before the id's time comes. */
int64_t
series_first(const struct uuid *id, int64_t now_us)
{
    int64_t minted_us = uuid_minted_us(id);
    return minted_us <= now_us ? minted_us : 0;
}

/* A bucket in front of buckets[at], on the grid as far as its neighbours allow. */
static int
make(struct series *s, MDB_txn *txn, size_t at, int64_t at_us)
{
    int64_t span_us = s->ttl_us / SERIES_SPANS > 0 ? s->ttl_us / SERIES_SPANS : 1;
    struct bucket made = {.begin_us = at_us / span_us * span_us};
    made.end_us = made.begin_us + span_us;
    if (at > 0 && made.begin_us < s->buckets[at - 1].end_us) {
        made.begin_us = s->buckets[at - 1].end_us;
    }
    if (at < s->count && made.end_us > s->buckets[at].begin_us) {
        made.end_us = s->buckets[at].begin_us;
    }
    if (s->count == SERIES_BUCKETS_MAX) {
        return MDB_DBS_FULL;
    }
    char name[NAME_BYTES + 1];
    write_name(s, &made, name, sizeof name);
    int rc = mdb_dbi_open(txn, name, MDB_CREATE, &made.dbi);
    if (rc == 0) {
        memmove(&s->buckets[at + 1], &s->buckets[at],
                (s->count - at) * sizeof s->buckets[0]);
        s->buckets[at] = made;
        s->count++;
    }
    return rc;
}

int
series_place(struct series *s, MDB_txn *txn, int64_t at_us, struct bucket **bucket)
{
    size_t after = s->count; /* the first bucket that begins later */
    while (after > 0 && s->buckets[after - 1].begin_us > at_us) {
        after--;
    }
    int rc = 0;
    if (after == 0 || s->buckets[after - 1].end_us <= at_us) {
        rc = make(s, txn, after, at_us);
        after++;
    }
    *bucket = &s->buckets[after - 1];
    return rc;
}

int
series_find(const struct series *s,
            MDB_txn *txn,
            const struct uuid *id,
            int64_t from_us,
            int64_t before_us,
            MDB_val *value)
{
    MDB_val key = key_of(id);
    int rc = MDB_NOTFOUND;
    for (size_t i = s->count; rc == MDB_NOTFOUND && i > 0; i--) {
        const struct bucket *b = &s->buckets[i - 1];
        if (b->end_us <= from_us) {
            break;
        }
        if (b->begin_us < before_us) {
            rc = mdb_get(txn, b->dbi, &key, value);
        }
    }
    return rc;
}

/* Ids come mostly in the order of their time. LMDB fills pages to the end only if told
 * that a key is the last; without that it leaves every page of such a row half empty.
 */
int
series_insert(struct bucket *b, MDB_txn *txn, const struct uuid *id, MDB_val *place)
{
    const unsigned flags = MDB_NOOVERWRITE | MDB_RESERVE;
    MDB_val key = key_of(id);
    if (memcmp(id->bytes, b->last.bytes, UUID_BYTES) > 0) {
        b->last = *id;
        int rc = mdb_put(txn, b->dbi, &key, place, flags | MDB_APPEND);
        if (rc != MDB_KEYEXIST) {
            return rc; /* that only says that it is not the last */
        }
    }
    return mdb_put(txn, b->dbi, &key, place, flags);
}

int
series_remove(struct series *s, MDB_txn *txn, const struct uuid *id)
{
    MDB_val key = key_of(id);
    int rc = MDB_NOTFOUND;
    for (size_t i = 0; i < s->count; i++) {
        int one = mdb_del(txn, s->buckets[i].dbi, &key, NULL);
        if (one != 0 && one != MDB_NOTFOUND) {
            return one;
        }
        rc = one == 0 ? 0 : rc;
    }
    return rc;
}

int
series_drop(struct series *s, MDB_txn *txn, size_t *rows)
{
    MDB_stat stat = {0};
    MDB_dbi dbi = s->buckets[0].dbi;
    int rc = mdb_stat(txn, dbi, &stat);
    rc = rc == 0 ? mdb_drop(txn, dbi, 1) : rc;
    if (rc == 0) {
        s->count--;
        memmove(&s->buckets[0], &s->buckets[1], s->count * sizeof s->buckets[0]);
        *rows = stat.ms_entries;
    }
    return rc;
}

int
series_trim(struct series *s, MDB_txn *txn, size_t most, size_t *rows)
{
    MDB_stat stat = {0};
    MDB_dbi dbi = s->buckets[0].dbi;
    int rc = mdb_stat(txn, dbi, &stat);
    if (rc != 0 || stat.ms_entries <= most) {
        return rc == 0 ? series_drop(s, txn, rows) : rc;
    }
    MDB_cursor *cursor = NULL;
    rc = mdb_cursor_open(txn, dbi, &cursor);
    if (rc != 0) {
        return rc;
    }
    MDB_val key;
    MDB_val value;
    for (*rows = 0; rc == 0 && *rows < most; ++*rows) {
        rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
        rc = rc == 0 ? mdb_cursor_del(cursor, 0) : rc;
    }
    mdb_cursor_close(cursor);
    return rc;
}

int64_t
series_bucket_pages(const struct bucket *b, MDB_txn *txn)
{
    MDB_stat stat;
    return mdb_stat(txn, b->dbi, &stat) != 0
               ? 0
               : (int64_t)(stat.ms_branch_pages + stat.ms_leaf_pages +
                           stat.ms_overflow_pages);
}

int64_t
series_pages(const struct series *s, MDB_txn *txn)
{
    int64_t pages = 0;
    for (size_t i = 0; i < s->count; i++) {
        pages += series_bucket_pages(&s->buckets[i], txn);
    }
    return pages;
}
