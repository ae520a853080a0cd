/* SPDX-License-Identifier: Apache-2.0 */
/* How far each partition is in: an array while running, a table at each commit. */
#include "results/store_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { OFFSET_KEY_MAX = 300, PARTITIONS_MAX = 65536 };

static size_t
offset_key(const struct store *s, size_t partition, char key[static OFFSET_KEY_MAX])
{
    int length = snprintf(key, OFFSET_KEY_MAX, "%s:%zu", s->config.topic, partition);
    assert(length > 0 && length < OFFSET_KEY_MAX); /* a topic has at most 249 */
    return (size_t)length;
}

static struct offset *
offset_slot(struct store *s, int32_t partition)
{
    size_t at = (size_t)partition;
    if (partition < 0 || at >= PARTITIONS_MAX) {
        return NULL;
    }
    if (at < s->offset_count) {
        return &s->offsets[at];
    }
    size_t count = at + 16;
    struct offset *more = realloc(s->offsets, count * sizeof *more);
    if (more == NULL) {
        return NULL;
    }
    for (size_t i = s->offset_count; i < count; i++) {
        more[i] = (struct offset){.at = {.next = -1}};
    }
    s->offsets = more;
    s->offset_count = count;
    return &s->offsets[at];
}

void
store_offset_set(struct store *s, int32_t partition, struct store_position at)
{
    struct offset *slot = offset_slot(s, partition);
    if (slot != NULL && slot->at.next != at.next) {
        *slot = (struct offset){.at = at, .changed = true};
        store_note_written(s, 0);
    }
}

enum status
store_offset_get(struct store *s, int32_t partition, struct store_position *at)
{
    struct offset *slot = offset_slot(s, partition);
    if (slot != NULL && slot->at.next >= 0 && !s->damaged) {
        *at = slot->at;
        return STATUS_OK;
    }
    char text[OFFSET_KEY_MAX];
    MDB_val key = value_of(text, offset_key(s, (size_t)partition, text));
    MDB_val value;
    if (store_begin(s) != STATUS_OK ||
        mdb_get(s->txn, s->tables[OFFSETS], &key, &value) != 0 ||
        value.mv_size != sizeof *at) {
        return STATUS_NOT_FOUND;
    }
    memcpy(at, value.mv_data, sizeof *at);
    return STATUS_OK;
}

int
store_write_offsets(struct store *s)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->offset_count; i++) {
        struct offset *slot = &s->offsets[i];
        if (!slot->changed || s->damaged) {
            continue;
        }
        char text[OFFSET_KEY_MAX];
        MDB_val key = value_of(text, offset_key(s, i, text));
        MDB_val value = value_of(&slot->at, sizeof slot->at);
        rc = mdb_put(s->txn, s->tables[OFFSETS], &key, &value, 0);
        slot->changed = false;
    }
    return rc;
}
