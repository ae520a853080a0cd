/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Levels are few and stand in a list that is searched; groups and tenants may be many
 * and are found by maps. A tenant's key is its level's address and its number, so equal
 * tenants of two levels never meet.
 */
#include "batcher/former_store.h"

#include "base/clock.h"
#include "batcher/former_list.h"

#include <stdlib.h>
#include <string.h>

/* An emptied heap that once held more gives its memory back. */
enum { SPARE_NODES = 64 };

static bool
entry_before(const struct former_entry *a, const struct former_entry *b)
{
    if (a->due_ns != b->due_ns) {
        return a->due_ns < b->due_ns;
    }
    return a->arrival < b->arrival;
}

static const struct former_entry *
entry_of(const struct heap_node *node)
{
    const char *base = (const char *)node - offsetof(struct former_entry, node);
    return (const struct former_entry *)(const void *)base;
}

static bool
node_before(const struct heap_node *a, const struct heap_node *b)
{
    return entry_before(entry_of(a), entry_of(b));
}

static struct former_entry *
entry_of_timed(struct heap_node *node)
{
    return (struct former_entry *)(void *)((char *)node -
                                           offsetof(struct former_entry, timed));
}

static bool
timed_before(const struct heap_node *a, const struct heap_node *b)
{
    const char *left = (const char *)a - offsetof(struct former_entry, timed);
    const char *right = (const char *)b - offsetof(struct former_entry, timed);
    return entry_before((const struct former_entry *)(const void *)left,
                        (const struct former_entry *)(const void *)right);
}

struct former_entry *
former_queue_head(const struct former_queue *q)
{
    return (struct former_entry *)(void *)((char *)heap_peek(&q->entries) -
                                           offsetof(struct former_entry, node));
}

static const struct former_queue *
queue_of_first(const struct heap_node *node)
{
    const char *base = (const char *)node - offsetof(struct former_queue, first);
    return (const struct former_queue *)(const void *)base;
}

static bool
first_before(const struct heap_node *a, const struct heap_node *b)
{
    return entry_before(former_queue_head(queue_of_first(a)),
                        former_queue_head(queue_of_first(b)));
}

static const struct former_queue *
queue_of_turn(const struct heap_node *node)
{
    const char *base = (const char *)node - offsetof(struct former_queue, turn);
    return (const struct former_queue *)(const void *)base;
}

static bool
turn_before(const struct heap_node *a, const struct heap_node *b)
{
    const struct former_queue *left = queue_of_turn(a);
    const struct former_queue *right = queue_of_turn(b);
    if (left->passed != right->passed) {
        return right->passed;
    }
    const struct former_entry *left_head = former_queue_head(left);
    const struct former_entry *right_head = former_queue_head(right);
    uint64_t left_round = left->spent + left_head->rows;
    uint64_t right_round = right->spent + right_head->rows;
    if (left_round != right_round) {
        return left_round < right_round;
    }
    return entry_before(left_head, right_head);
}

struct former_queue *
former_level_first(const struct former_level *l)
{
    struct heap_node *node = heap_peek(&l->firsts);
    return node == NULL
               ? NULL
               : (struct former_queue *)(void *)((char *)node -
                                                 offsetof(struct former_queue, first));
}

struct former_queue *
former_level_turn(const struct former_level *l)
{
    struct heap_node *node = heap_peek(&l->turns);
    return node == NULL
               ? NULL
               : (struct former_queue *)(void *)((char *)node -
                                                 offsetof(struct former_queue, turn));
}

void
former_queue_turn(struct former_queue *q)
{
    heap_update(&q->level->turns, &q->turn);
}

struct former_queue *
former_group_first(const struct former_group *g)
{
    struct former_queue *first = NULL;
    for (const struct former_level *l = g->levels; l != NULL; l = l->next) {
        struct former_queue *q = former_level_first(l);
        if (q != NULL && (first == NULL || first_before(&q->first, &first->first))) {
            first = q;
        }
    }
    return first;
}

struct former_entry *
former_store_earliest(const struct former_store *s)
{
    struct heap_node *node = heap_peek(&s->timed);
    return node == NULL ? NULL : entry_of_timed(node);
}

static struct uuid
key_of(uint64_t high, uint64_t low)
{
    struct uuid key;
    memcpy(key.bytes, &high, sizeof high);
    memcpy(key.bytes + sizeof high, &low, sizeof low);
    return key;
}

static void
heap_trim(struct heap *h)
{
    if (h->capacity > SPARE_NODES) {
        heap_fini(h);
    }
}

/* Groups. */

static struct former_group *
group_open(struct former_store *s, uint64_t signature)
{
    const struct uuid key = key_of(signature, 0);
    struct former_group *g = map_find(&s->groups_by_signature, &key);
    if (g != NULL) {
        return g;
    }
    g = s->spare_groups;
    if (g == NULL) {
        g = calloc(1, sizeof *g);
        if (g == NULL) {
            return NULL;
        }
        s->spare_groups = g;
    }
    if (map_insert(&s->groups_by_signature, &key, g) != STATUS_OK) {
        return NULL;
    }
    s->spare_groups = g->next;
    *g = (struct former_group){.next = s->groups, .signature = signature};
    if (s->groups != NULL) {
        s->groups->previous = g;
    }
    s->groups = g;
    return g;
}

static void
group_close(struct former_store *s, struct former_group *g)
{
    const struct uuid key = key_of(g->signature, 0);
    (void)map_remove(&s->groups_by_signature, &key);
    if (g->previous != NULL) {
        g->previous->next = g->next;
    } else {
        s->groups = g->next;
    }
    if (g->next != NULL) {
        g->next->previous = g->previous;
    }
    g->next = s->spare_groups;
    s->spare_groups = g;
}

/* Levels. */

static struct former_level *
level_open(struct former_store *s, struct former_group *g, uint32_t number)
{
    struct former_level **link = &g->levels;
    while (*link != NULL && (*link)->number < number) {
        link = &(*link)->next;
    }
    if (*link != NULL && (*link)->number == number) {
        return *link;
    }
    struct former_level *l = s->spare_levels;
    if (l != NULL) {
        s->spare_levels = l->next;
    } else {
        l = calloc(1, sizeof *l);
        if (l == NULL) {
            return NULL;
        }
        heap_init(&l->firsts, s->entries_most, first_before);
        heap_init(&l->turns, s->entries_most, turn_before);
    }
    l->round = 0;
    l->group = g;
    l->number = number;
    l->next = *link;
    *link = l;
    return l;
}

void
former_store_sweep(struct former_store *s, struct former_group *g)
{
    struct former_level **link = &g->levels;
    while (*link != NULL) {
        struct former_level *l = *link;
        if (l->firsts.count > 0) {
            link = &l->next;
            continue;
        }
        *link = l->next;
        heap_trim(&l->firsts);
        heap_trim(&l->turns);
        l->next = s->spare_levels;
        s->spare_levels = l;
    }
    if (g->levels == NULL) {
        group_close(s, g);
    }
}

/* Queues. */

/** The tenant's queue; a new one is not yet in the level's heaps. */
static struct former_queue *
queue_open(struct former_store *s, struct former_level *l, uint64_t tenant)
{
    const struct uuid key = key_of((uint64_t)(uintptr_t)l, tenant);
    struct former_queue *q = map_find(&s->queues_by_tenant, &key);
    if (q != NULL) {
        return q;
    }
    q = s->spare_queues;
    if (q == NULL) {
        q = calloc(1, sizeof *q);
        if (q == NULL) {
            return NULL;
        }
        heap_init(&q->entries, s->entries_most, node_before);
        s->spare_queues = q;
    }
    if (map_insert(&s->queues_by_tenant, &key, q) != STATUS_OK) {
        return NULL;
    }
    s->spare_queues = q->next;
    q->first.at = HEAP_OUTSIDE;
    q->turn.at = HEAP_OUTSIDE;
    q->level = l;
    q->tenant = tenant;
    q->spent = l->round;
    q->passed = false;
    return q;
}

static void
queue_close(struct former_store *s, struct former_queue *q)
{
    const struct uuid key = key_of((uint64_t)(uintptr_t)q->level, q->tenant);
    (void)map_remove(&s->queues_by_tenant, &key);
    heap_remove(&q->level->firsts, &q->first);
    heap_remove(&q->level->turns, &q->turn);
    heap_trim(&q->entries);
    q->next = s->spare_queues;
    s->spare_queues = q;
}

/* Entries. */

/** The head of a queue is another, or the queue is new. */
static enum status
queue_settle(struct former_queue *q)
{
    struct former_level *l = q->level;
    if (q->first.at != HEAP_OUTSIDE) {
        heap_update(&l->firsts, &q->first);
        heap_update(&l->turns, &q->turn);
        return STATUS_OK;
    }
    enum status status = heap_insert(&l->firsts, &q->first);
    return status == STATUS_OK ? heap_insert(&l->turns, &q->turn) : status;
}

/** Into the heaps, or into none. */
static enum status
entry_enter(struct former_store *s, struct former_entry *e)
{
    struct former_queue *q = e->queue;
    enum status status = heap_insert(&q->entries, &e->node);
    if (status == STATUS_OK && e->deadline_ns != TIME_NEVER) {
        status = heap_insert(&s->timed, &e->timed);
    }
    if (status == STATUS_OK && former_queue_head(q) == e) {
        status = queue_settle(q);
    }
    if (status != STATUS_OK) {
        heap_remove(&q->entries, &e->node);
        heap_remove(&s->timed, &e->timed);
    }
    return status;
}

static enum status
queue_of_entry(struct former_store *s, struct former_entry *e)
{
    struct former_group *g = group_open(s, e->signature);
    if (g == NULL) {
        return STATUS_NO_MEMORY;
    }
    struct former_level *l = level_open(s, g, e->level);
    e->queue = l == NULL ? NULL : queue_open(s, l, e->tenant);
    if (e->queue == NULL) {
        former_store_sweep(s, g);
        return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

enum status
former_store_add(struct former_store *s, struct former_entry *e)
{
    enum status status = queue_of_entry(s, e);
    if (status != STATUS_OK) {
        return status;
    }
    e->arrival = s->arrivals;
    e->node.at = HEAP_OUTSIDE;
    e->timed.at = HEAP_OUTSIDE;
    struct former_group *g = e->queue->level->group;
    status = entry_enter(s, e);
    if (status != STATUS_OK) {
        if (e->queue->entries.count == 0) {
            queue_close(s, e->queue);
            former_store_sweep(s, g);
        }
        e->queue = NULL;
        return status;
    }
    s->arrivals++;
    s->bytes += e->bytes;
    g->count++;
    g->bytes += e->bytes;
    g->rows += e->rows;
    e->queue->level->rows += e->rows;
    former_list_append(&s->waiting, e);
    return STATUS_OK;
}

static void
entry_leave(struct former_store *s, struct former_entry *e)
{
    struct former_queue *q = e->queue;
    bool was_head = former_queue_head(q) == e;
    heap_remove(&q->entries, &e->node);
    heap_remove(&s->timed, &e->timed);
    if (q->entries.count == 0) {
        queue_close(s, q);
    } else if (was_head) {
        heap_update(&q->level->firsts, &q->first);
        heap_update(&q->level->turns, &q->turn);
    }
    former_list_remove(&s->waiting, e);
    e->queue = NULL;
}

void
former_store_take(struct former_store *s,
                  struct former_entry *e,
                  struct former_list *list)
{
    struct former_level *l = e->queue->level;
    entry_leave(s, e);
    l->rows -= e->rows;
    l->group->count--;
    l->group->bytes -= e->bytes;
    l->group->rows -= e->rows;
    s->bytes -= e->bytes;
    former_list_append(list, e);
}

/* Life. */

void
former_store_init(struct former_store *s, size_t entries_most)
{
    *s = (struct former_store){.entries_most = entries_most};
    /* Tenants and shapes come from outside; the address is a seed they do not know. */
    uint64_t seed = (uint64_t)(uintptr_t)s;
    map_init(&s->groups_by_signature, entries_most, seed);
    map_init(&s->queues_by_tenant, entries_most, seed);
    heap_init(&s->timed, entries_most, timed_before);
}

static void
free_spare(struct former_store *s)
{
    while (s->spare_groups != NULL) {
        struct former_group *g = s->spare_groups;
        s->spare_groups = g->next;
        free(g);
    }
    while (s->spare_levels != NULL) {
        struct former_level *l = s->spare_levels;
        s->spare_levels = l->next;
        heap_fini(&l->firsts);
        heap_fini(&l->turns);
        free(l);
    }
    while (s->spare_queues != NULL) {
        struct former_queue *q = s->spare_queues;
        s->spare_queues = q->next;
        heap_fini(&q->entries);
        free(q);
    }
}

void
former_store_fini(struct former_store *s)
{
    while (s->groups != NULL) {
        struct former_group *g = s->groups;
        for (struct former_level *l = g->levels; l != NULL; l = l->next) {
            for (struct former_queue *q; (q = former_level_first(l)) != NULL;) {
                queue_close(s, q);
            }
        }
        former_store_sweep(s, g);
    }
    free_spare(s);
    heap_fini(&s->timed);
    map_fini(&s->groups_by_signature);
    map_fini(&s->queues_by_tenant);
}
