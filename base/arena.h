/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many allocations, one release: what a request or a batch needs while it lives.
 * Memory is taken in blocks up to a limit fixed at init; a reset keeps the first block.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/span.h"
#include "base/status.h"

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *first;
    struct arena_block *current;
    size_t used;  /* bytes taken from the system */
    size_t limit; /* bytes at most */
};

void arena_init(struct arena *a, size_t limit);

/** Frees everything. Accepts a zeroed arena. */
void arena_fini(struct arena *a);

/** Invalidates all that was given, keeps the first block for reuse. */
void arena_reset(struct arena *a);

/**
 * Zeroed memory aligned for any type.
 *
 * @return NULL over the limit or without memory
 * @owner the arena
 */
void *arena_alloc(struct arena *a, size_t size);

/** As arena_alloc() for count × size; NULL also when that overflows. */
void *arena_array(struct arena *a, size_t count, size_t size);

/** Copy of the bytes with a NUL behind them; NULL as above. */
char *arena_text(struct arena *a, struct span text);

#endif
