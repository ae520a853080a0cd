/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries of webhooks: framed records by id, and how far they have come. */
#include "results/store_state.h"

enum status
store_delivery_put(struct store *s,
                   const struct uuid *id,
                   const struct stored_delivery *d)
{
    if (store_begin(s) != STATUS_OK) {
        return STATUS_IO;
    }
    struct delivery_head head = {.state = (uint64_t)d->state, .ended_us = d->ended_us};
    MDB_val key = key_of(id);
    MDB_val place = {.mv_size = sizeof head + d->bytes.size};
    int rc = mdb_put(s->txn, s->tables[DELIVERIES], &key, &place, MDB_RESERVE);
    if (rc != 0) {
        return store_fail(s, "put a delivery", rc);
    }
    memcpy(place.mv_data, &head, sizeof head);
    memcpy((char *)place.mv_data + sizeof head, d->bytes.data, d->bytes.size);
    store_note_written(s, place.mv_size);
    return STATUS_OK;
}

static struct stored_delivery
delivery_of(const MDB_val *value)
{
    struct delivery_head head;
    memcpy(&head, value->mv_data, sizeof head);
    return (struct stored_delivery){
        .state = (enum stored_delivery_state)head.state,
        .ended_us = head.ended_us,
        .bytes = span_of((const char *)value->mv_data + sizeof head,
                         value->mv_size - sizeof head),
    };
}

enum status
store_delivery_get(struct store *s, const struct uuid *id, struct stored_delivery *d)
{
    MDB_val key = key_of(id);
    MDB_val value;
    if (store_begin(s) != STATUS_OK ||
        mdb_get(s->txn, s->tables[DELIVERIES], &key, &value) != 0) {
        return STATUS_NOT_FOUND;
    }
    *d = delivery_of(&value);
    return STATUS_OK;
}

void
store_delivery_each(struct store *s,
                    const struct uuid *from,
                    store_delivery_fn fn,
                    void *arg)
{
    MDB_cursor *cursor = NULL;
    if (store_begin(s) != STATUS_OK ||
        mdb_cursor_open(s->txn, s->tables[DELIVERIES], &cursor) != 0) {
        return;
    }
    MDB_val key = key_of(from);
    MDB_val value;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    bool go_on = true;
    while (rc == 0 && go_on) {
        struct uuid id;
        memcpy(id.bytes, key.mv_data, UUID_BYTES);
        const struct stored_delivery d = delivery_of(&value);
        go_on = fn(arg, &id, &d);
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
}

void
store_delivery_sweep(struct store *s,
                     struct uuid *from,
                     size_t count,
                     int64_t before_us)
{
    MDB_cursor *cursor = NULL;
    if (store_begin(s) != STATUS_OK ||
        mdb_cursor_open(s->txn, s->tables[DELIVERIES], &cursor) != 0) {
        return;
    }
    MDB_val key = key_of(from);
    MDB_val value;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (size_t seen = 0; rc == 0 && seen < count; seen++) {
        const struct stored_delivery d = delivery_of(&value);
        if (d.state != DELIVERY_OPEN && d.ended_us < before_us) {
            rc = mdb_cursor_del(cursor, 0);
            store_note_written(s, 0);
        }
        rc = rc == 0 ? mdb_cursor_get(cursor, &key, &value, MDB_NEXT) : rc;
    }
    *from = (struct uuid){{0}};
    if (rc == 0) {
        memcpy(from->bytes, key.mv_data, UUID_BYTES);
    }
    mdb_cursor_close(cursor);
    if (rc != 0 && rc != MDB_NOTFOUND) {
        store_fail(s, "sweep deliveries", rc);
    }
}
