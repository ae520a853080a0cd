/* SPDX-License-Identifier: Apache-2.0 */
/* Singly linked by `next`; the order inside the heap is total, so runs repeat. */
#include "bench/simulate/list.h"

#include <stdio.h>
#include <stdlib.h>

void
list_append(struct former_list *list, struct former_entry *e)
{
    e->next = NULL;
    if (list->last != NULL) {
        list->last->next = e;
    } else {
        list->first = e;
    }
    list->last = e;
    list->count++;
    list->rows += e->rows;
}

struct former_entry *
list_pop(struct former_list *list)
{
    struct former_entry *e = list->first;
    if (e == NULL) {
        return NULL;
    }
    list->first = e->next;
    if (list->first == NULL) {
        list->last = NULL;
    }
    list->count--;
    list->rows -= e->rows;
    return e;
}

static const struct former_entry *
entry_of(const struct heap_node *node)
{
    return (
        const struct former_entry *)(const void *)((const char *)node -
                                                   offsetof(struct former_entry, node));
}

static bool
deadline_before(const struct heap_node *left, const struct heap_node *right)
{
    const struct former_entry *a = entry_of(left);
    const struct former_entry *b = entry_of(right);
    if (a->deadline_ns != b->deadline_ns) {
        return a->deadline_ns < b->deadline_ns;
    }
    return a->arrival < b->arrival;
}

void
deadline_heap_init(struct heap *h)
{
    heap_init(h, SIZE_MAX, deadline_before);
}

void
deadline_heap_add(struct heap *h, struct former_entry *e)
{
    if (heap_insert(h, &e->node) != STATUS_OK) {
        fprintf(stderr, "bench-simulate: no memory\n");
        exit(71);
    }
}

struct former_entry *
deadline_heap_head(const struct heap *h)
{
    struct heap_node *node = heap_peek(h);
    if (node == NULL) {
        return NULL;
    }
    return (struct former_entry *)(void *)((char *)node -
                                           offsetof(struct former_entry, node));
}

void
deadline_heap_move(struct heap *h, struct former_list *list)
{
    struct former_entry *e = deadline_heap_head(h);
    heap_remove(h, &e->node);
    list_append(list, e);
}
