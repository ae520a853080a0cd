/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Block-wise bump allocator. Blocks double in size, so that a large request costs few
 * system calls; a reset frees all but the first.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>

enum { ARENA_FIRST_BYTES = 4096 };

struct arena_block {
    struct arena_block *next;
    size_t size; /* bytes of data */
    size_t used;
    alignas(max_align_t) uint8_t data[];
};

void
arena_init(struct arena *a, size_t limit)
{
    *a = (struct arena){.limit = limit};
}

static void
blocks_free(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void
arena_fini(struct arena *a)
{
    blocks_free(a->first);
    *a = (struct arena){.limit = a->limit};
}

void
arena_reset(struct arena *a)
{
    if (a->first == NULL) {
        return;
    }
    blocks_free(a->first->next);
    a->first->next = NULL;
    a->first->used = 0;
    a->current = a->first;
    a->used = a->first->size;
}

static struct arena_block *
block_add(struct arena *a, size_t need)
{
    size_t size = a->current == NULL ? ARENA_FIRST_BYTES : a->current->size * 2;
    size = size < need ? need : size;
    if (size > a->limit - a->used) {
        size = need;
    }
    if (size > a->limit - a->used) {
        return NULL;
    }
    struct arena_block *block = malloc(sizeof(*block) + size);
    if (block == NULL) {
        return NULL;
    }
    *block = (struct arena_block){.size = size};
    if (a->current == NULL) {
        a->first = block;
    } else {
        a->current->next = block;
    }
    a->current = block;
    a->used += size;
    return block;
}

void *
arena_alloc(struct arena *a, size_t size)
{
    if (size > a->limit) {
        return NULL;
    }
    size =
        (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    struct arena_block *block = a->current;
    if (block == NULL || size > block->size - block->used) {
        block = block_add(a, size);
        if (block == NULL) {
            return NULL;
        }
    }
    void *at = block->data + block->used;
    block->used += size;
    memset(at, 0, size);
    return at;
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    return arena_alloc(a, bytes);
}

char *
arena_text(struct arena *a, struct span text)
{
    char *copy = arena_alloc(a, text.size + 1);
    if (copy != NULL && text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return copy;
}
