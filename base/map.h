/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hash map from a job id to a caller-owned pointer: open addressing, bounded. Pure.
 * The hash is keyed per map (ids may come from outside). An id stands at most once.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/status.h"
#include "base/uuid.h"

#include <stddef.h>
#include <stdint.h>

struct map_slot;

struct map {
    struct map_slot *slots;
    size_t count;
    size_t capacity; /* power of two, or 0 */
    size_t limit;    /* entries at most */
    uint64_t seed;
};

void map_init(struct map *m, size_t limit, uint64_t seed);
void map_fini(struct map *m);

/** @return STATUS_OK; STATUS_CONFLICT if the id is there; STATUS_FULL; STATUS_NO_MEMORY
 */
MUST_CHECK enum status map_insert(struct map *m, const struct uuid *id, void *value);

/** The value, or NULL. */
void *map_find(const struct map *m, const struct uuid *id);

/** Copies the ids of all entries, in no order. @return how many, at most `max` */
size_t map_ids(const struct map *m, struct uuid *ids, size_t max);

/** Takes the entry out and returns its value, or NULL. */
void *map_remove(struct map *m, const struct uuid *id);

#endif
