/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deliveries of webhooks, opaque bytes by id: those with attempts left in a table of
 * their own, so that nothing else is looked at when they are taken up again; the
 * settled ones in a series, by the time of their settling.
 */
#include "base/clock.h"
#include "results/store_state.h"

/* A delivery has one place: it leaves the other. */
static int
settle(struct store *s, const struct uuid *id, struct span bytes)
{
    struct series *all = &s->series[SETTLED];
    struct bucket *b = NULL;
    MDB_val key = key_of(id);
    MDB_val value = value_of(bytes.data, bytes.size);
    int rc = mdb_del(s->txn, s->tables[DELIVERIES], &key, NULL);
    rc = rc == MDB_NOTFOUND ? 0 : rc;
    if (rc == 0) {
        rc = series_place(all, s->txn, series_time(all, id, clock_wall_us()), &b);
    }
    return rc == 0 ? mdb_put(s->txn, b->dbi, &key, &value, 0) : rc;
}

static int
keep_pending(struct store *s, const struct uuid *id, struct span bytes)
{
    MDB_val key = key_of(id);
    MDB_val value = value_of(bytes.data, bytes.size);
    int rc = series_remove(&s->series[SETTLED], s->txn, id);
    rc = rc == MDB_NOTFOUND ? 0 : rc;
    return rc == 0 ? mdb_put(s->txn, s->tables[DELIVERIES], &key, &value, 0) : rc;
}

enum status
store_delivery_put(struct store *s,
                   const struct uuid *id,
                   bool settled,
                   struct span bytes)
{
    if (store_begin(s) != STATUS_OK) {
        return STATUS_IO;
    }
    int rc = settled ? settle(s, id, bytes) : keep_pending(s, id, bytes);
    if (rc != 0) {
        return store_fail(s, "put a delivery", rc);
    }
    store_note_written(s, bytes.size);
    return STATUS_OK;
}

enum status
store_delivery_get(struct store *s, const struct uuid *id, struct span *bytes)
{
    MDB_val key = key_of(id);
    MDB_val value;
    if (store_begin(s) != STATUS_OK) {
        return STATUS_NOT_FOUND;
    }
    int rc = mdb_get(s->txn, s->tables[DELIVERIES], &key, &value);
    if (rc == MDB_NOTFOUND) {
        rc = series_find(&s->series[SETTLED], s->txn, id, 0, INT64_MAX, &value);
    }
    if (rc != 0) {
        return STATUS_NOT_FOUND;
    }
    *bytes = span_of(value.mv_data, value.mv_size);
    return STATUS_OK;
}

void
store_delivery_remove(struct store *s, const struct uuid *id)
{
    if (store_begin(s) != STATUS_OK) {
        return;
    }
    MDB_val key = key_of(id);
    int pending = mdb_del(s->txn, s->tables[DELIVERIES], &key, NULL);
    int settled = series_remove(&s->series[SETTLED], s->txn, id);
    int rc = pending == MDB_NOTFOUND ? settled : pending;
    if (rc == 0) {
        store_note_written(s, 0);
    } else if (rc != MDB_NOTFOUND) {
        store_fail(s, "remove a delivery", rc);
    }
}

void
store_delivery_each(struct store *s, store_delivery_fn fn, void *arg)
{
    MDB_cursor *cursor = NULL;
    if (store_begin(s) != STATUS_OK ||
        mdb_cursor_open(s->txn, s->tables[DELIVERIES], &cursor) != 0) {
        return;
    }
    MDB_val key;
    MDB_val value;
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        struct uuid id;
        memcpy(id.bytes, key.mv_data, UUID_BYTES);
        fn(arg, &id, span_of(value.mv_data, value.mv_size));
    }
    mdb_cursor_close(cursor);
}
