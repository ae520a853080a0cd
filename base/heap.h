/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binary min-heap of caller-owned nodes embedded in the caller's structs, so that any
 * element can be removed by its own position. Pure: no I/O, clock, thread or log.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_OUTSIDE SIZE_MAX

struct heap_node {
    size_t at; /* position, or HEAP_OUTSIDE; kept by the heap */
};

typedef bool (*heap_less_fn)(const struct heap_node *a, const struct heap_node *b);

struct heap {
    struct heap_node **nodes;
    size_t count;
    size_t capacity;
    size_t limit; /* nodes at most */
    heap_less_fn less;
};

void heap_init(struct heap *h, size_t limit, heap_less_fn less);
void heap_fini(struct heap *h);

/** @return STATUS_OK; STATUS_FULL at the limit; STATUS_NO_MEMORY */
MUST_CHECK enum status heap_insert(struct heap *h, struct heap_node *node);

/** The least node, or NULL; stays in the heap. */
struct heap_node *heap_peek(const struct heap *h);

/** Takes the least node out; NULL when empty. */
struct heap_node *heap_pop(struct heap *h);

/** Moves a node whose order among the others has changed to its new place. */
void heap_update(struct heap *h, struct heap_node *node);

/** Takes a node out wherever it stands; one that is outside is left alone. */
void heap_remove(struct heap *h, struct heap_node *node);

#endif
