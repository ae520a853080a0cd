/* SPDX-License-Identifier: Apache-2.0 */
/* Binary min-heap; every move writes the node's new position back into it. */
#include "base/heap.h"

#include <stdlib.h>

void
heap_init(struct heap *h, size_t limit, heap_less_fn less)
{
    *h = (struct heap){.limit = limit, .less = less};
}

void
heap_fini(struct heap *h)
{
    free(h->nodes);
    *h = (struct heap){.limit = h->limit, .less = h->less};
}

static void
heap_place(struct heap *h, struct heap_node *node, size_t at)
{
    h->nodes[at] = node;
    node->at = at;
}

static void
heap_rise(struct heap *h, struct heap_node *node, size_t at)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!h->less(node, h->nodes[parent])) {
            break;
        }
        heap_place(h, h->nodes[parent], at);
        at = parent;
    }
    heap_place(h, node, at);
}

static void
heap_sink(struct heap *h, struct heap_node *node, size_t at)
{
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= h->count) {
            break;
        }
        if (child + 1 < h->count && h->less(h->nodes[child + 1], h->nodes[child])) {
            child++;
        }
        if (!h->less(h->nodes[child], node)) {
            break;
        }
        heap_place(h, h->nodes[child], at);
        at = child;
    }
    heap_place(h, node, at);
}

static enum status
heap_grow(struct heap *h)
{
    size_t capacity = h->capacity == 0 ? 8 : h->capacity * 2;
    capacity = capacity > h->limit ? h->limit : capacity;
    struct heap_node **nodes = realloc(h->nodes, capacity * sizeof(struct heap_node *));
    if (nodes == NULL) {
        return STATUS_NO_MEMORY;
    }
    h->nodes = nodes;
    h->capacity = capacity;
    return STATUS_OK;
}

enum status
heap_insert(struct heap *h, struct heap_node *node)
{
    if (h->count == h->limit) {
        return STATUS_FULL;
    }
    if (h->count == h->capacity) {
        enum status status = heap_grow(h);
        if (status != STATUS_OK) {
            return status;
        }
    }
    heap_rise(h, node, h->count++);
    return STATUS_OK;
}

struct heap_node *
heap_peek(const struct heap *h)
{
    return h->count == 0 ? NULL : h->nodes[0];
}

struct heap_node *
heap_pop(struct heap *h)
{
    struct heap_node *least = heap_peek(h);
    if (least != NULL) {
        heap_remove(h, least);
    }
    return least;
}

/** Puts a node where it belongs, from a free place. */
static void
heap_settle(struct heap *h, struct heap_node *node, size_t at)
{
    if (at > 0 && h->less(node, h->nodes[(at - 1) / 2])) {
        heap_rise(h, node, at);
    } else {
        heap_sink(h, node, at);
    }
}

void
heap_update(struct heap *h, struct heap_node *node)
{
    heap_settle(h, node, node->at);
}

void
heap_remove(struct heap *h, struct heap_node *node)
{
    size_t at = node->at;
    if (at >= h->count || h->nodes[at] != node) {
        return;
    }
    node->at = HEAP_OUTSIDE;
    struct heap_node *last = h->nodes[--h->count];
    if (last != node) {
        heap_settle(h, last, at);
    }
}
