/* SPDX-License-Identifier: Apache-2.0 */
/* Notes lie behind each other by batch and number (big-endian), so dropping a batch is
 * a walk.
 */
#include "results/store_batch.h"

#include "results/store_state.h"

enum { NOTE_KEY_BYTES = UUID_BYTES + 8 };

static void
note_key(const struct uuid *id, uint64_t n, uint8_t key[static NOTE_KEY_BYTES])
{
    memcpy(key, id->bytes, UUID_BYTES);
    for (int i = 0; i < 8; i++) {
        key[UUID_BYTES + i] = (uint8_t)(n >> (56 - 8 * i));
    }
}

enum status
store_batch_get(struct store *s, const struct uuid *id, struct batch_row *row)
{
    MDB_val key = key_of(id);
    MDB_val value;
    if (store_begin(s) != STATUS_OK ||
        mdb_get(s->txn, s->tables[BATCHES], &key, &value) != 0 ||
        value.mv_size != sizeof *row) {
        return STATUS_NOT_FOUND;
    }
    memcpy(row, value.mv_data, sizeof *row);
    return STATUS_OK;
}

static enum status
put(struct store *s, enum store_table table, MDB_val key, MDB_val value)
{
    if (store_begin(s) != STATUS_OK) {
        return STATUS_IO;
    }
    int rc = mdb_put(s->txn, s->tables[table], &key, &value, 0);
    if (rc != 0) {
        return store_fail(s, "put a batch", rc);
    }
    store_note_written(s, key.mv_size + value.mv_size);
    return STATUS_OK;
}

enum status
store_batch_put(struct store *s, const struct uuid *id, const struct batch_row *row)
{
    return put(s, BATCHES, key_of(id), value_of(row, sizeof *row));
}

enum status
store_batch_note(struct store *s, const struct uuid *id, uint64_t n, uint32_t line)
{
    uint8_t key[NOTE_KEY_BYTES];
    note_key(id, n, key);
    return put(s, BATCH_NOTES, value_of(key, sizeof key), value_of(&line, sizeof line));
}

enum status
store_batch_noted(struct store *s, const struct uuid *id, uint64_t n, uint32_t *line)
{
    uint8_t bytes[NOTE_KEY_BYTES];
    note_key(id, n, bytes);
    MDB_val key = value_of(bytes, sizeof bytes);
    MDB_val value;
    if (store_begin(s) != STATUS_OK ||
        mdb_get(s->txn, s->tables[BATCH_NOTES], &key, &value) != 0) {
        return STATUS_NOT_FOUND;
    }
    memcpy(line, value.mv_data, sizeof *line);
    return STATUS_OK;
}

enum status
store_batch_next(struct store *s, struct uuid *id, struct batch_row *row)
{
    MDB_cursor *cursor = NULL;
    if (store_begin(s) != STATUS_OK ||
        mdb_cursor_open(s->txn, s->tables[BATCHES], &cursor) != 0) {
        return STATUS_NOT_FOUND;
    }
    MDB_val key = key_of(id);
    MDB_val value;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    if (rc == 0 && memcmp(key.mv_data, id->bytes, UUID_BYTES) == 0) {
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    bool found = rc == 0 && value.mv_size == sizeof *row;
    if (found) {
        memcpy(id->bytes, key.mv_data, UUID_BYTES);
        memcpy(row, value.mv_data, sizeof *row);
    }
    mdb_cursor_close(cursor);
    return found ? STATUS_OK : STATUS_NOT_FOUND;
}

/* @return LMDB's code; *more stays true while notes may be left */
static int
drop_notes(
    struct store *s, MDB_cursor *cursor, const struct uuid *id, int max, bool *more)
{
    uint8_t bytes[NOTE_KEY_BYTES];
    note_key(id, 0, bytes);
    MDB_val key = value_of(bytes, sizeof bytes);
    MDB_val value;
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (int i = 0; rc == 0 && i < max; i++) {
        if (memcmp(key.mv_data, id->bytes, UUID_BYTES) != 0) {
            *more = false;
            return 0;
        }
        rc = mdb_cursor_del(cursor, 0);
        store_note_written(s, sizeof bytes);
        rc = rc == 0 ? mdb_cursor_get(cursor, &key, &value, MDB_NEXT) : rc;
    }
    *more = rc != MDB_NOTFOUND;
    return *more ? rc : 0;
}

bool
store_batch_drop(struct store *s, const struct uuid *id, int max)
{
    MDB_cursor *cursor = NULL;
    if (store_begin(s) != STATUS_OK ||
        mdb_cursor_open(s->txn, s->tables[BATCH_NOTES], &cursor) != 0) {
        return true;
    }
    bool more = true;
    int rc = drop_notes(s, cursor, id, max, &more);
    mdb_cursor_close(cursor);
    if (rc == 0 && !more) {
        MDB_val key = key_of(id);
        rc = mdb_del(s->txn, s->tables[BATCHES], &key, NULL);
        rc = rc == MDB_NOTFOUND ? 0 : rc;
        store_note_written(s, sizeof(struct batch_row));
    }
    if (rc != 0) {
        (void)store_fail(s, "drop a batch", rc);
        return true;
    }
    return !more;
}
