/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries of webhooks: opaque bytes by id, and whether they are settled. */
#include "results/store_state.h"

enum status
store_delivery_put(struct store *s,
                   const struct uuid *id,
                   bool settled,
                   struct span bytes)
{
    if (store_begin(s) != STATUS_OK) {
        return STATUS_IO;
    }
    struct delivery_head head = {.settled = settled};
    MDB_val key = key_of(id);
    MDB_val place = {.mv_size = sizeof head + bytes.size};
    int rc = mdb_put(s->txn, s->tables[DELIVERIES], &key, &place, MDB_RESERVE);
    if (rc != 0) {
        return store_fail(s, "put a delivery", rc);
    }
    memcpy(place.mv_data, &head, sizeof head);
    memcpy((char *)place.mv_data + sizeof head, bytes.data, bytes.size);
    store_note_written(s, place.mv_size);
    return STATUS_OK;
}

static struct span
bytes_of(const MDB_val *value)
{
    size_t head = sizeof(struct delivery_head);
    return span_of((const char *)value->mv_data + head, value->mv_size - head);
}

enum status
store_delivery_get(struct store *s, const struct uuid *id, struct span *bytes)
{
    MDB_val key = key_of(id);
    MDB_val value;
    if (store_begin(s) != STATUS_OK ||
        mdb_get(s->txn, s->tables[DELIVERIES], &key, &value) != 0) {
        return STATUS_NOT_FOUND;
    }
    *bytes = bytes_of(&value);
    return STATUS_OK;
}

void
store_delivery_remove(struct store *s, const struct uuid *id)
{
    MDB_val key = key_of(id);
    int rc = store_begin(s) == STATUS_OK
                 ? mdb_del(s->txn, s->tables[DELIVERIES], &key, NULL)
                 : MDB_NOTFOUND;
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
        struct delivery_head head;
        struct uuid id;
        memcpy(&head, value.mv_data, sizeof head);
        memcpy(id.bytes, key.mv_data, UUID_BYTES);
        if (head.settled == 0) {
            fn(arg, &id, bytes_of(&value));
        }
    }
    mdb_cursor_close(cursor);
}
