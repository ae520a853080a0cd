/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results and the buckets by which they are written off. A bucket is one record of up
 * to 1,000 ids, so the index costs 16 bytes and no search per result. An id that was
 * written again later (QUEUED, then its end) stands in two buckets; the older one knows
 * by the arrival time that the result is not its own any more.
 */
#include "results/metrics.h"
#include "results/store_state.h"

#include <assert.h>

enum { BUCKETS_PER_COMMIT = 8 }; /* bounds the time that dropping may take */

/* In front of every result. */
struct result_head {
    int64_t arrived_us;
    uint64_t terminal;
};

static struct result_head
head_of(const MDB_val *value)
{
    struct result_head head;
    memcpy(&head, value->mv_data, sizeof head);
    return head;
}

static void
write_result(MDB_val *place, const struct stored *r)
{
    struct result_head head = {.arrived_us = r->arrived_us, .terminal = r->terminal};
    memcpy(place->mv_data, &head, sizeof head);
    memcpy((char *)place->mv_data + sizeof head, r->bytes.data, r->bytes.size);
}

enum status
store_put(struct store *s, const struct uuid *id, const struct stored *r)
{
    if (store_begin(s) != STATUS_OK) {
        return STATUS_IO;
    }
    if (s->bucket.count == BUCKET_IDS && store_commit(s, r->arrived_us) != STATUS_OK) {
        return STATUS_IO;
    }
    MDB_dbi table = s->tables[RESULTS];
    MDB_val key = key_of(id);
    size_t size = sizeof(struct result_head) + r->bytes.size;
    if (size > (size_t)s->config.bytes_max / 2) {
        return STATUS_TOO_LARGE;
    }
    MDB_val place = {.mv_size = size};
    int rc = mdb_put(s->txn, table, &key, &place, MDB_NOOVERWRITE | MDB_RESERVE);
    if (rc == MDB_KEYEXIST) {
        if (head_of(&place).terminal != 0 || !r->terminal) {
            return STATUS_CONFLICT;
        }
        place = (MDB_val){.mv_size = size};
        rc = mdb_put(s->txn, table, &key, &place, MDB_RESERVE);
    }
    if (rc != 0) {
        return store_fail(s, "put", rc);
    }
    write_result(&place, r);
    struct bucket *b = &s->bucket;
    b->newest_us =
        b->count == 0 || r->arrived_us > b->newest_us ? r->arrived_us : b->newest_us;
    b->ids[b->count++] = *id;
    store_note_written(s, size);
    return STATUS_OK;
}

enum status
store_get(struct store *s, const struct uuid *id, int64_t wall_us, struct stored *r)
{
    MDB_val key = key_of(id);
    MDB_val value;
    if (store_begin(s) != STATUS_OK ||
        mdb_get(s->txn, s->tables[RESULTS], &key, &value) != 0) {
        return STATUS_NOT_FOUND;
    }
    struct result_head head = head_of(&value);
    if (head.arrived_us + s->config.ttl_us < wall_us) {
        return STATUS_NOT_FOUND;
    }
    *r = (struct stored){
        .arrived_us = head.arrived_us,
        .terminal = head.terminal != 0,
        .bytes = span_of((const char *)value.mv_data + sizeof head,
                         value.mv_size - sizeof head),
    };
    return STATUS_OK;
}

/* Keys of buckets are big-endian, so that the oldest comes first. */
static void
write_key(int64_t newest_us, uint8_t key[static 8])
{
    uint64_t left = (uint64_t)newest_us;
    for (int i = 7; i >= 0; i--) {
        key[i] = (uint8_t)left;
        left >>= 8;
    }
}

static int64_t
read_key(const MDB_val *key)
{
    const uint8_t *bytes = key->mv_data;
    uint64_t newest_us = 0;
    for (size_t i = 0; i < key->mv_size; i++) {
        newest_us = newest_us << 8 | bytes[i];
    }
    return (int64_t)newest_us;
}

int
store_write_bucket(struct store *s)
{
    struct bucket *b = &s->bucket;
    if (b->count == 0) {
        return 0;
    }
    int rc = MDB_KEYEXIST;
    while (rc == MDB_KEYEXIST) {
        uint8_t bytes[8];
        write_key(b->newest_us, bytes);
        MDB_val key = value_of(bytes, sizeof bytes);
        MDB_val ids = value_of(b->ids, b->count * sizeof b->ids[0]);
        rc = mdb_put(s->txn, s->tables[BUCKETS], &key, &ids, MDB_NOOVERWRITE);
        b->newest_us++;
    }
    b->count = 0;
    return rc;
}

/* A settled delivery goes with its result; a pending one stays until it is settled. */
static int
drop_delivery(struct store *s, MDB_val *key)
{
    MDB_dbi table = s->tables[DELIVERIES];
    MDB_val value;
    if (mdb_get(s->txn, table, key, &value) != 0) {
        return 0;
    }
    struct delivery_head head;
    memcpy(&head, value.mv_data, sizeof head);
    return head.state == DELIVERY_TOLD ? mdb_del(s->txn, table, key, NULL) : 0;
}

static int
drop_result(struct store *s, const struct uuid *id, int64_t newest_us, bool deliveries)
{
    MDB_val key = key_of(id);
    MDB_val value;
    int rc = mdb_get(s->txn, s->tables[RESULTS], &key, &value);
    if (rc != 0 || head_of(&value).arrived_us > newest_us) {
        return rc == MDB_NOTFOUND ? 0 : rc;
    }
    rc = deliveries ? drop_delivery(s, &key) : 0;
    return rc == 0 ? mdb_del(s->txn, s->tables[RESULTS], &key, NULL) : rc;
}

/* The ids are copied out first: a value does not survive the next write. */
static int
drop_bucket(struct store *s, MDB_val *key, const MDB_val *value, enum results_row row)
{
    static_assert(sizeof(struct uuid) == UUID_BYTES, "ids lie one behind the other");
    struct uuid ids[BUCKET_IDS];
    int64_t newest_us = read_key(key);
    size_t count = value->mv_size / sizeof ids[0];
    count = count < BUCKET_IDS ? count : BUCKET_IDS;
    memcpy(ids, value->mv_data, count * sizeof ids[0]);
    int rc = mdb_del(s->txn, s->tables[BUCKETS], key, NULL);
    MDB_stat stat = {0};
    rc = rc == 0 ? mdb_stat(s->txn, s->tables[DELIVERIES], &stat) : rc;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = drop_result(s, &ids[i], newest_us, stat.ms_entries > 0);
    }
    metric_add(results_metric(row), (int64_t)count);
    store_note_written(s, 0);
    return rc;
}

static int
oldest_bucket(struct store *s, MDB_val *key, MDB_val *value)
{
    MDB_cursor *cursor = NULL;
    int rc = mdb_cursor_open(s->txn, s->tables[BUCKETS], &cursor);
    if (rc == 0) {
        rc = mdb_cursor_get(cursor, key, value, MDB_FIRST);
        mdb_cursor_close(cursor);
    }
    return rc;
}

int
store_drop_buckets(struct store *s, int64_t wall_us)
{
    for (int i = 0; i < BUCKETS_PER_COMMIT; i++) {
        MDB_val key;
        MDB_val value;
        int rc = oldest_bucket(s, &key, &value);
        if (rc != 0) {
            return rc == MDB_NOTFOUND ? 0 : rc;
        }
        bool over = read_key(&key) + s->config.ttl_us < wall_us;
        if (!over && store_used_bytes(s) <= s->config.bytes_max) {
            return 0;
        }
        uint8_t copy[8];
        memcpy(copy, key.mv_data, sizeof copy);
        key.mv_data = copy;
        rc = drop_bucket(s, &key, &value, over ? ROW_STORE_EXPIRED : ROW_STORE_EVICTED);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}
