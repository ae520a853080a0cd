/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results. A row is a head and the record; that of an answer which was delivered keeps
 * only the head here, by which a second reply is known, and the record stands in a
 * series of its own with a shorter life. An id that ended in a later bucket than it was
 * queued in has a row in both: the newer one counts.
 */
#include "results/store_state.h"

enum { ROW_TERMINAL = 1, ROW_ELSEWHERE = 2 };

/* In front of every record. */
struct row_head {
    int64_t arrived_us;
    uint64_t flags;
};

static struct row_head
head_of(const MDB_val *value)
{
    struct row_head head;
    memcpy(&head, value->mv_data, sizeof head);
    return head;
}

static bool
is_terminal(const MDB_val *value)
{
    return (head_of(value).flags & ROW_TERMINAL) != 0;
}

/* An end replaces what has none, nothing else is written over: MDB_KEYEXIST. */
static int
write_row(struct store *s,
          struct bucket *b,
          const struct uuid *id,
          struct row_head head,
          struct span bytes)
{
    MDB_val place = {.mv_size = sizeof head + bytes.size};
    int rc = series_insert(b, s->txn, id, &place);
    if (rc == MDB_KEYEXIST) {
        if (is_terminal(&place) || (head.flags & ROW_TERMINAL) == 0) {
            return MDB_KEYEXIST;
        }
        MDB_val key = key_of(id);
        place = (MDB_val){.mv_size = sizeof head + bytes.size};
        rc = mdb_put(s->txn, b->dbi, &key, &place, MDB_RESERVE);
    }
    if (rc == 0) {
        memcpy(place.mv_data, &head, sizeof head);
        memcpy((char *)place.mv_data + sizeof head, bytes.data, bytes.size);
        store_note_written(s, place.mv_size);
    }
    return rc;
}

/* The record of a row whose head says ELSEWHERE. */
static int
write_elsewhere(struct store *s, const struct uuid *id, const struct stored *r)
{
    struct series *all = &s->series[DELIVERED];
    struct bucket *b = NULL;
    int rc = series_place(all, s->txn, series_time(all, id, r->arrived_us), &b);
    const struct row_head head = {r->arrived_us, ROW_TERMINAL};
    rc = rc == 0 ? write_row(s, b, id, head, r->bytes) : rc;
    return rc == MDB_KEYEXIST ? 0 : rc;
}

static int
put(struct store *s, const struct uuid *id, const struct stored *r)
{
    struct series *all = &s->series[RESULTS];
    struct bucket *b = NULL;
    MDB_val known;
    int rc = series_place(all, s->txn, series_time(all, id, r->arrived_us), &b);
    if (rc != 0) {
        return rc;
    }
    int64_t first_us = series_first(id, r->arrived_us);
    rc = series_find(all, s->txn, id, first_us, b->begin_us, &known);
    if (rc == 0 && (is_terminal(&known) || !r->terminal)) {
        return MDB_KEYEXIST;
    }
    if (rc != 0 && rc != MDB_NOTFOUND) {
        return rc;
    }
    bool apart = r->terminal && r->delivered &&
                 s->series[DELIVERED].ttl_us < s->series[RESULTS].ttl_us;
    struct row_head head = {r->arrived_us, r->terminal ? ROW_TERMINAL : 0};
    head.flags |= apart ? ROW_ELSEWHERE : 0;
    rc = write_row(s, b, id, head, apart ? span_of("", 0) : r->bytes);
    return rc == 0 && apart ? write_elsewhere(s, id, r) : rc;
}

bool
store_ended(struct store *s, const struct uuid *id, int64_t arrived_us)
{
    MDB_val known;
    const struct series *all = &s->series[RESULTS];
    return store_begin(s) == STATUS_OK &&
           series_find(all, s->txn, id, series_first(id, arrived_us), INT64_MAX,
                       &known) == 0 &&
           is_terminal(&known);
}

enum status
store_put(struct store *s, const struct uuid *id, const struct stored *r)
{
    if (store_begin(s) != STATUS_OK) {
        return STATUS_IO;
    }
    if (r->bytes.size + sizeof(struct row_head) > (size_t)s->config.bytes_max / 2) {
        return STATUS_TOO_LARGE;
    }
    if (s->dirty_bytes >= STORE_DIRTY_MAX &&
        store_commit(s, r->arrived_us) != STATUS_OK) {
        return STATUS_IO;
    }
    int rc = put(s, id, r);
    if (rc == MDB_KEYEXIST) {
        return STATUS_CONFLICT;
    }
    return rc == 0 ? STATUS_OK : store_fail(s, "put", rc);
}

/* A row that is not over yet. */
static enum status
read_row(struct store *s,
         enum store_series which,
         const struct uuid *id,
         int64_t wall_us,
         MDB_val *value)
{
    const struct series *all = &s->series[which];
    int rc = series_find(all, s->txn, id, series_first(id, wall_us), INT64_MAX, value);
    if (rc != 0 && rc != MDB_NOTFOUND) {
        store_fail(s, "get", rc);
    }
    return rc == 0 && head_of(value).arrived_us + all->ttl_us >= wall_us
               ? STATUS_OK
               : STATUS_NOT_FOUND;
}

enum status
store_get(struct store *s, const struct uuid *id, int64_t wall_us, struct stored *r)
{
    MDB_val value;
    if (store_begin(s) != STATUS_OK) {
        return STATUS_NOT_FOUND;
    }
    enum status status = read_row(s, RESULTS, id, wall_us, &value);
    bool apart = status == STATUS_OK && (head_of(&value).flags & ROW_ELSEWHERE) != 0;
    if (apart) {
        status = read_row(s, DELIVERED, id, wall_us, &value);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct row_head head = head_of(&value);
    *r = (struct stored){
        .arrived_us = head.arrived_us,
        .terminal = (head.flags & ROW_TERMINAL) != 0,
        .delivered = apart,
        .bytes = span_of((const char *)value.mv_data + sizeof head,
                         value.mv_size - sizeof head),
    };
    return STATUS_OK;
}
