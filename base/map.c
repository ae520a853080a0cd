/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open addressing with linear probing and backward-shift deletion (no tombstones, so a
 * long-lived map does not slow down). At most half full.
 */
#include "base/map.h"

#include <stdlib.h>

struct map_slot {
    struct uuid id;
    void *value; /* NULL = empty */
};

static size_t
slot_of(const struct map *m, const struct uuid *id)
{
    uint64_t a = 0;
    uint64_t b = 0;
    memcpy(&a, id->bytes, sizeof(a));
    memcpy(&b, id->bytes + sizeof(a), sizeof(b));
    uint64_t h = (a ^ m->seed) * 0x9e3779b97f4a7c15U;
    h = (h ^ (h >> 32) ^ b) * 0xd6e8feb86659fd93U;
    return (size_t)(h ^ (h >> 32)) & (m->capacity - 1);
}

void
map_init(struct map *m, size_t limit, uint64_t seed)
{
    *m = (struct map){.limit = limit, .seed = seed};
}

void
map_fini(struct map *m)
{
    free(m->slots);
    *m = (struct map){.limit = m->limit, .seed = m->seed};
}

/* The slot that holds the id, or the empty one where it would go. */
static struct map_slot *
map_seek(const struct map *m, const struct uuid *id)
{
    size_t at = slot_of(m, id);
    while (m->slots[at].value != NULL && !uuid_equal(&m->slots[at].id, id)) {
        at = (at + 1) & (m->capacity - 1);
    }
    return &m->slots[at];
}

static enum status
map_grow(struct map *m)
{
    struct map bigger = *m;
    bigger.capacity = m->capacity == 0 ? 64 : m->capacity * 2;
    bigger.slots = calloc(bigger.capacity, sizeof(struct map_slot));
    if (bigger.slots == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < m->capacity; i++) {
        if (m->slots[i].value != NULL) {
            *map_seek(&bigger, &m->slots[i].id) = m->slots[i];
        }
    }
    free(m->slots);
    *m = bigger;
    return STATUS_OK;
}

enum status
map_insert(struct map *m, const struct uuid *id, void *value)
{
    if (m->count == m->limit) {
        return STATUS_FULL;
    }
    if ((m->count + 1) * 2 > m->capacity) {
        enum status status = map_grow(m);
        if (status != STATUS_OK) {
            return status;
        }
    }
    struct map_slot *slot = map_seek(m, id);
    if (slot->value != NULL) {
        return STATUS_CONFLICT;
    }
    *slot = (struct map_slot){.id = *id, .value = value};
    m->count++;
    return STATUS_OK;
}

size_t
map_ids(const struct map *m, struct uuid *ids, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < m->capacity && count < max; i++) {
        if (m->slots[i].value != NULL) {
            ids[count++] = m->slots[i].id;
        }
    }
    return count;
}

void *
map_find(const struct map *m, const struct uuid *id)
{
    return m->count == 0 ? NULL : map_seek(m, id)->value;
}

/* Moves later members of the probe run back into the hole at `hole`. */
static void
map_close_hole(struct map *m, size_t hole)
{
    size_t mask = m->capacity - 1;
    for (size_t at = (hole + 1) & mask; m->slots[at].value != NULL;
         at = (at + 1) & mask) {
        size_t home = slot_of(m, &m->slots[at].id);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            m->slots[hole] = m->slots[at];
            hole = at;
        }
    }
    m->slots[hole] = (struct map_slot){.value = NULL};
}

void *
map_remove(struct map *m, const struct uuid *id)
{
    if (m->count == 0) {
        return NULL;
    }
    struct map_slot *slot = map_seek(m, id);
    void *value = slot->value;
    if (value != NULL) {
        map_close_hole(m, (size_t)(slot - m->slots));
        m->count--;
    }
    return value;
}
