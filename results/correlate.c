/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits of one id form a chain whose first member the map points to. While a chain is
 * being answered its head is a variable on the stack of the answering function; `link`
 * says where the pointer to a wait stands, so that a callback can forget a neighbour
 * that is about to be called. Every wait is in the heap until it ends.
 */
#include "results/correlate.h"

#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>

enum { BLOCK_WAITS = 256 };

struct results_wait {
    struct heap_node due;
    struct wanted wanted;
    struct results_wait *next;
    struct results_wait **link; /* what points here; NULL: the map */
};

struct wait_block {
    struct wait_block *next;
    struct results_wait waits[BLOCK_WAITS];
};

static const struct results_wait *
wait_of_const(const struct heap_node *node)
{
    return (const struct results_wait *)(const void *)node;
}

static struct results_wait *
wait_of(struct heap_node *node)
{
    return (struct results_wait *)(void *)node;
}

static bool
earlier(const struct heap_node *a, const struct heap_node *b)
{
    return wait_of_const(a)->wanted.deadline_ns < wait_of_const(b)->wanted.deadline_ns;
}

void
correlate_init(struct correlate *c, size_t limit, uint64_t seed)
{
    *c = (struct correlate){0};
    map_init(&c->by_id, limit, seed);
    heap_init(&c->deadlines, limit, earlier);
}

void
correlate_fini(struct correlate *c)
{
    map_fini(&c->by_id);
    heap_fini(&c->deadlines);
    while (c->blocks != NULL) {
        struct wait_block *block = c->blocks;
        c->blocks = block->next;
        free(block);
    }
    c->unused = NULL;
}

static bool
more_waits(struct correlate *c)
{
    struct wait_block *block = malloc(sizeof *block);
    if (block == NULL) {
        return false;
    }
    block->next = c->blocks;
    c->blocks = block;
    for (size_t i = 0; i < BLOCK_WAITS; i++) {
        block->waits[i].next = c->unused;
        c->unused = &block->waits[i];
    }
    return true;
}

static void
give_back(struct correlate *c, struct results_wait *w)
{
    w->next = c->unused;
    c->unused = w;
}

/* Behind the first of the id, so that the map needs no change. */
static enum status
chain(struct correlate *c, struct results_wait *w)
{
    struct results_wait *first = map_find(&c->by_id, &w->wanted.id);
    w->next = NULL;
    w->link = NULL;
    if (first == NULL) {
        return map_insert(&c->by_id, &w->wanted.id, w);
    }
    w->next = first->next;
    w->link = &first->next;
    if (w->next != NULL) {
        w->next->link = &w->next;
    }
    first->next = w;
    return STATUS_OK;
}

static void
unchain(struct correlate *c, struct results_wait *w)
{
    struct results_wait *next = w->next;
    if (w->link != NULL) {
        *w->link = next;
    } else {
        map_remove(&c->by_id, &w->wanted.id);
    }
    if (next == NULL) {
        return;
    }
    next->link = w->link;
    if (w->link == NULL) {
        enum status status = map_insert(&c->by_id, &next->wanted.id, next);
        assert(status == STATUS_OK); /* the slot was freed just now */
        (void)status;
    }
}

enum status
correlate_expect(struct correlate *c,
                 const struct wanted *wanted,
                 struct results_wait **wait)
{
    if (c->unused == NULL && !more_waits(c)) {
        return STATUS_NO_MEMORY;
    }
    struct results_wait *w = c->unused;
    c->unused = w->next;
    *w = (struct results_wait){.due = {.at = HEAP_OUTSIDE}, .wanted = *wanted};
    enum status status = heap_insert(&c->deadlines, &w->due);
    if (status != STATUS_OK) {
        give_back(c, w);
        return status;
    }
    status = chain(c, w);
    if (status != STATUS_OK) {
        heap_remove(&c->deadlines, &w->due);
        give_back(c, w);
        return status;
    }
    *wait = w;
    return STATUS_OK;
}

/* Out of everything; what is left of it is the copy. */
static struct wanted
take(struct correlate *c, struct results_wait *w)
{
    struct wanted wanted = w->wanted;
    heap_remove(&c->deadlines, &w->due);
    unchain(c, w);
    give_back(c, w);
    return wanted;
}

void
correlate_forget(struct correlate *c, struct results_wait *wait)
{
    take(c, wait);
}

static size_t
call_all(struct correlate *c,
         struct results_wait **head,
         enum status status,
         const struct reply *reply)
{
    size_t count = 0;
    while (*head != NULL) {
        struct wanted wanted = take(c, *head);
        wanted.fn(wanted.waiter, status, reply);
        count++;
    }
    return count;
}

size_t
correlate_answer(struct correlate *c, const struct reply *reply)
{
    struct results_wait *head = map_remove(&c->by_id, &reply->id);
    if (head == NULL) {
        return 0;
    }
    head->link = &head;
    return call_all(c, &head, STATUS_OK, reply);
}

bool
correlate_waits(const struct correlate *c, const struct uuid *id)
{
    return map_find(&c->by_id, id) != NULL;
}

bool
correlate_due(struct correlate *c, int64_t now_ns, struct wanted *out)
{
    struct heap_node *node = heap_peek(&c->deadlines);
    if (node == NULL || wait_of(node)->wanted.deadline_ns > now_ns) {
        return false;
    }
    *out = take(c, wait_of(node));
    return true;
}

int64_t
correlate_next(const struct correlate *c)
{
    const struct heap_node *node = heap_peek(&c->deadlines);
    return node == NULL ? TIME_NEVER : wait_of_const(node)->wanted.deadline_ns;
}

size_t
correlate_end(struct correlate *c,
              enum status status,
              correlate_match_fn match,
              void *arg)
{
    struct results_wait *head = NULL;
    for (size_t i = 0; i < c->deadlines.count; i++) {
        struct results_wait *w = wait_of(c->deadlines.nodes[i]);
        if (match != NULL && !match(arg, &w->wanted.id)) {
            continue;
        }
        unchain(c, w);
        w->next = head;
        w->link = &head;
        if (head != NULL) {
            head->link = &w->next;
        }
        head = w;
    }
    return call_all(c, &head, status, NULL);
}
