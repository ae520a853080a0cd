/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool is last in, first out, so few items are warm. An unusually large answer
 * buffer is not kept.
 */
#include "batcher/item.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ITEM_ARENA_MAX = 1024 * 1024,
    ITEM_ANSWER_MAX = 1024 * 1024 * 1024,
    ITEM_KEPT_BYTES = 64 * 1024,
    ITEMS_NOTED_MAX = 4 * 1000 * 1000,
};

void
item_pool_init(struct item_pool *pool, uint64_t seed)
{
    *pool = (struct item_pool){0};
    map_init(&pool->by_id, ITEMS_NOTED_MAX, seed);
}

struct item *
item_take(struct item_pool *pool)
{
    struct item *it = pool->free;
    if (it == NULL) {
        it = calloc(1, sizeof *it);
        if (it == NULL) {
            return NULL;
        }
        arena_init(&it->arena, ITEM_ARENA_MAX);
        buf_init(&it->answer_bytes, ITEM_ANSWER_MAX);
    } else {
        pool->free = it->next;
    }
    pool->live++;
    it->next = NULL;
    it->deaths = 0;
    it->parcels_open = 0;
    it->staged_in = 0;
    it->end = STATUS_OK;
    it->answer_is_last = false;
    it->version[0] = '\0';
    it->server = NULL;
    it->in_lobby = false;
    it->request = (struct request){0};
    return it;
}

void
item_note(struct item_pool *pool, struct item *it)
{
    /* Without memory for it the item only cannot be found. */
    (void)!map_insert(&pool->by_id, &it->request.id, it);
}

struct item *
item_find(const struct item_pool *pool, const struct uuid *id)
{
    return map_find(&pool->by_id, id);
}

void
item_set_version(struct item *it, struct span version)
{
    snprintf(it->version, sizeof it->version, "%.*s", (int)version.size,
             (const char *)version.data);
}

bool
item_batch(const struct item *it, struct uuid *batch)
{
    struct span text =
        it->request.batch_id; /* behind the id the line's own may stand */
    return text.size >= UUID_TEXT &&
           uuid_parse(span_of(text.data, UUID_TEXT), batch) == STATUS_OK;
}

static void
item_forget(struct item_pool *pool, const struct item *it)
{
    if (map_find(&pool->by_id, &it->request.id) == it) {
        map_remove(&pool->by_id, &it->request.id);
    }
}

void
item_give(struct item_pool *pool, struct item *it)
{
    item_forget(pool, it);
    if (it->record != NULL) {
        record_release(&it->record);
    }
    arena_reset(&it->arena);
    if (it->answer_bytes.capacity > ITEM_KEPT_BYTES) {
        buf_fini(&it->answer_bytes);
        buf_init(&it->answer_bytes, ITEM_ANSWER_MAX);
    } else {
        buf_reset(&it->answer_bytes);
    }
    it->next = pool->free;
    pool->free = it;
    pool->live--;
}

void
item_close_parcel(struct item *it)
{
    it->parcels_open--;
    if (it->parcels_open == 0) {
        it->done(it->owner, it);
    }
}

bool
item_stage_parcel(struct item *it, uint32_t number)
{
    if (it->staged_in != number) {
        it->staged_in = number;
        it->parcels_staged = 0;
    }
    it->parcels_staged++;
    /* What is not whole must not be sent twice either, but its offset has to wait. */
    bool whole = it->parcels_staged == it->parcels_open;
    return it->stage(it->owner, it, whole ? number : 0);
}

void
item_pool_fini(struct item_pool *pool)
{
    while (pool->free != NULL) {
        struct item *it = pool->free;
        pool->free = it->next;
        arena_fini(&it->arena);
        buf_fini(&it->answer_bytes);
        free(it);
    }
    map_fini(&pool->by_id);
}
