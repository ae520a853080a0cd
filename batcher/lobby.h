/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of a model that no loaded version can take yet, in order of arrival: what
 * came before their partitions were paused. They are read, so their deadlines are
 * known, but not held against a model's tensors. Pure: told the time.
 */
#ifndef BATCHER_LOBBY_H
#define BATCHER_LOBBY_H

#include "batcher/item.h"

#include <stddef.h>
#include <stdint.h>

struct lobby {
    struct former_list items;
    int64_t due_ns; /* the earliest deadline, or before it; TIME_NEVER = none */
};

void lobby_init(struct lobby *l);

void lobby_add(struct lobby *l, struct item *it);

/** The item is in the lobby. */
void lobby_remove(struct lobby *l, struct item *it);

/** Takes out the first one whose deadline has passed, or NULL. */
struct item *lobby_expired(struct lobby *l, int64_t now_ns);

/** Takes out the first one, or the first of a partition (-1 = any); or NULL. */
struct item *lobby_take(struct lobby *l, int32_t partition);

static inline size_t
lobby_count(const struct lobby *l)
{
    return l->items.count;
}

#endif
