/* SPDX-License-Identifier: Apache-2.0 */
/* An endpoint stands in `ready` exactly while somebody waits for it and a place is
 * free; its time there is now, the end of its pause, or when its first is over. */
#include "results/delivery_line.h"

#include "base/clock.h"

#include <stdlib.h>

static struct waiting_delivery *
delivery_due(struct heap_node *node)
{
    return (struct waiting_delivery *)(void *)node;
}

static struct waiting_delivery *
delivery_waiting(struct endpoint_waiting *waiting)
{
    char *inside = (char *)waiting;
    return (
        struct waiting_delivery *)(void *)(inside -
                                           offsetof(struct waiting_delivery, waiting));
}

static struct endpoint *
endpoint_ready(struct heap_node *node)
{
    return (struct endpoint *)(void *)node;
}

static bool
due_earlier(const struct heap_node *a, const struct heap_node *b)
{
    return ((const struct waiting_delivery *)(const void *)a)->due_ns <
           ((const struct waiting_delivery *)(const void *)b)->due_ns;
}

static bool
ready_earlier(const struct heap_node *a, const struct heap_node *b)
{
    const struct endpoint *x = (const struct endpoint *)(const void *)a;
    const struct endpoint *y = (const struct endpoint *)(const void *)b;
    return x->wake_ns != y->wake_ns ? x->wake_ns < y->wake_ns : x->turn < y->turn;
}

void
delivery_line_init(struct delivery_line *l, size_t limit, int64_t pause_ns, void *user)
{
    *l = (struct delivery_line){.limit = limit, .pause_ns = pause_ns, .user = user};
    heap_init(&l->due, limit, due_earlier);
    heap_init(&l->ready, limit, ready_earlier);
    map_init(&l->by_id, limit, (uint64_t)(uintptr_t)l);
    map_init(&l->endpoints, limit, 0); /* keys are digests */
}

void
delivery_line_fini(struct delivery_line *l)
{
    while (l->all != NULL) {
        delivery_line_remove(l, l->all);
    }
    heap_fini(&l->due);
    heap_fini(&l->ready);
    map_fini(&l->by_id);
    map_fini(&l->endpoints);
}

/* When it can call, or its first has lived too long to wait for that. */
static int64_t
wake_of(const struct endpoint *e, int64_t now_ns)
{
    int64_t wake_ns = e->paused_until_ns;
    int64_t over_ns = delivery_waiting(endpoint_first(e))->lives_until_ns;
    if (endpoint_is_open(e) && over_ns < wake_ns) {
        wake_ns = over_ns;
    }
    return wake_ns > now_ns ? wake_ns : now_ns;
}

/* After any change of an endpoint. One that has its turn keeps it. */
static bool
place(struct delivery_line *l, struct endpoint *e, int64_t now_ns)
{
    bool stands = e->wake.at != HEAP_OUTSIDE;
    if (endpoint_first(e) == NULL || e->calls >= e->places) {
        heap_remove(&l->ready, &e->wake);
        return true;
    }
    int64_t wake_ns = wake_of(e, now_ns);
    if (stands && e->wake_ns <= now_ns && wake_ns == now_ns) {
        return true;
    }
    e->wake_ns = wake_ns;
    e->turn = l->turn++;
    if (stands) {
        heap_update(&l->ready, &e->wake);
        return true;
    }
    return heap_insert(&l->ready, &e->wake) == STATUS_OK;
}

static bool
may_add(const struct delivery_line *l, const struct endpoint *e)
{
    return e->users <= (l->limit + 1) / 2 || e->users <= 1;
}

struct waiting_delivery *
delivery_line_add(struct delivery_line *l,
                  const struct uuid *id,
                  struct span url,
                  struct delivery_times times)
{
    struct waiting_delivery *d = l->count < l->limit ? calloc(1, sizeof *d) : NULL;
    if (d == NULL) {
        return NULL;
    }
    d->due.at = HEAP_OUTSIDE;
    d->due_ns = times.due_ns;
    d->lives_until_ns = times.lives_until_ns;
    d->id = *id;
    d->user = l->user;
    d->endpoint = endpoint_borrow(&l->endpoints, url);
    if (d->endpoint == NULL) {
        free(d);
        return NULL;
    }
    if (!may_add(l, d->endpoint) || map_insert(&l->by_id, id, d) != STATUS_OK) {
        endpoint_return(&l->endpoints, d->endpoint);
        free(d);
        return NULL;
    }
    d->next = l->all;
    d->link = &l->all;
    if (d->next != NULL) {
        d->next->link = &d->next;
    }
    l->all = d;
    l->count++;
    if (heap_insert(&l->due, &d->due) != STATUS_OK) {
        delivery_line_remove(l, d);
        return NULL;
    }
    return d;
}

static void
leave(struct delivery_line *l, struct waiting_delivery *d)
{
    heap_remove(&l->due, &d->due);
    endpoint_leave(d->endpoint, &d->waiting);
    if (endpoint_first(d->endpoint) == NULL) {
        heap_remove(&l->ready, &d->endpoint->wake);
    }
}

void
delivery_line_remove(struct delivery_line *l, struct waiting_delivery *d)
{
    leave(l, d);
    map_remove(&l->by_id, &d->id);
    *d->link = d->next;
    if (d->next != NULL) {
        d->next->link = d->link;
    }
    endpoint_return(&l->endpoints, d->endpoint);
    free(d);
    l->count--;
}

struct waiting_delivery *
delivery_line_find(const struct delivery_line *l, const struct uuid *id)
{
    return map_find(&l->by_id, id);
}

bool
delivery_line_schedule(struct delivery_line *l,
                       struct waiting_delivery *d,
                       int64_t due_ns)
{
    leave(l, d);
    d->due_ns = due_ns;
    return heap_insert(&l->due, &d->due) == STATUS_OK;
}

/* Those whose time has come wait for their endpoints. */
static void
queue_due(struct delivery_line *l, int64_t now_ns)
{
    for (struct heap_node *node = heap_peek(&l->due);
         node != NULL && delivery_due(node)->due_ns <= now_ns;
         node = heap_peek(&l->due)) {
        struct waiting_delivery *d = delivery_due(node);
        heap_remove(&l->due, node);
        endpoint_queue(d->endpoint, &d->waiting);
        if (!place(l, d->endpoint, now_ns)) {
            return; /* no memory for its turn: with the next change of the endpoint */
        }
    }
}

enum delivery_turn
delivery_line_take(struct delivery_line *l, int64_t now_ns, struct waiting_delivery **d)
{
    queue_due(l, now_ns);
    struct heap_node *node = heap_peek(&l->ready);
    if (node == NULL || endpoint_ready(node)->wake_ns > now_ns) {
        return DELIVERY_NONE;
    }
    struct endpoint *e = endpoint_ready(node);
    struct waiting_delivery *first = delivery_waiting(endpoint_first(e));
    bool over = endpoint_is_open(e) && first->lives_until_ns <= now_ns;
    heap_remove(&l->ready, node);
    endpoint_leave(e, &first->waiting);
    first->calling = !over;
    e->calls += !over;
    bool placed = place(l, e, now_ns);
    (void)placed; /* it stood in the heap a moment ago: there is room */
    *d = first;
    return over ? DELIVERY_OVER : DELIVERY_CALL;
}

void
delivery_line_answered(struct delivery_line *l,
                       struct waiting_delivery *d,
                       const enum endpoint_verdict *verdict,
                       int64_t now_ns)
{
    struct endpoint *e = d->endpoint;
    d->calling = false;
    e->calls--;
    if (verdict != NULL) {
        endpoint_note(e, *verdict, now_ns, l->pause_ns);
    }
    bool placed = place(l, e, now_ns);
    (void)placed; /* without memory: with the next change of the endpoint */
}

int64_t
delivery_line_next(const struct delivery_line *l)
{
    struct heap_node *due = heap_peek(&l->due);
    struct heap_node *ready = heap_peek(&l->ready);
    int64_t due_ns = due == NULL ? TIME_NEVER : delivery_due(due)->due_ns;
    int64_t ready_ns = ready == NULL ? TIME_NEVER : endpoint_ready(ready)->wake_ns;
    return due_ns < ready_ns ? due_ns : ready_ns;
}
