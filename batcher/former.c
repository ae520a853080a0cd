/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One heap per shape signature that has something waiting. Groups are few (one for most
 * models), so they stand in a list that is searched; an emptied group is kept for the
 * next new signature. A list of all entries serves removal by partition.
 */
#include "batcher/former.h"

#include "base/clock.h"

#include <stdlib.h>

struct former_group {
    struct former_group *next;
    uint64_t signature;
    uint64_t rows;
    size_t bytes;
    struct heap heap;
};

struct former {
    struct former_config config;
    struct former_group *groups; /* with entries */
    struct former_group *spare;  /* without */
    struct former_entry *oldest;
    struct former_entry *newest;
    uint64_t arrivals;
    size_t count;
    size_t bytes;
};

static struct former_entry *
entry_of(struct heap_node *node)
{
    return (struct former_entry *)(void *)((char *)node -
                                           offsetof(struct former_entry, node));
}

static bool
entry_before(const struct former_entry *a, const struct former_entry *b)
{
    if (a->deadline_ns != b->deadline_ns) {
        return a->deadline_ns < b->deadline_ns;
    }
    return a->arrival < b->arrival;
}

static bool
node_before(const struct heap_node *a, const struct heap_node *b)
{
    const char *left = (const char *)a - offsetof(struct former_entry, node);
    const char *right = (const char *)b - offsetof(struct former_entry, node);
    return entry_before((const struct former_entry *)(const void *)left,
                        (const struct former_entry *)(const void *)right);
}

static struct former_entry *
group_head(const struct former_group *g)
{
    return entry_of(heap_peek(&g->heap));
}

static struct former_group *
group_find(const struct former *f, uint64_t signature)
{
    struct former_group *g = f->groups;
    while (g != NULL && g->signature != signature) {
        g = g->next;
    }
    return g;
}

static struct former_group *
group_open(struct former *f, uint64_t signature)
{
    struct former_group *g = group_find(f, signature);
    if (g != NULL) {
        return g;
    }
    g = f->spare;
    if (g != NULL) {
        f->spare = g->next;
    } else {
        g = calloc(1, sizeof *g);
        if (g == NULL) {
            return NULL;
        }
        heap_init(&g->heap, f->config.entries_max * 2, node_before);
    }
    g->signature = signature;
    g->next = f->groups;
    f->groups = g;
    return g;
}

static void
group_close(struct former *f, struct former_group *group)
{
    struct former_group **link = &f->groups;
    while (*link != group) {
        link = &(*link)->next;
    }
    *link = group->next;
    group->next = f->spare;
    f->spare = group;
}

/** The group whose head is the most urgent, or NULL. */
static struct former_group *
group_most_urgent(const struct former *f)
{
    struct former_group *best = f->groups;
    for (struct former_group *g = best; g != NULL; g = g->next) {
        if (entry_before(group_head(g), group_head(best))) {
            best = g;
        }
    }
    return best;
}

static void
list_append(struct former_list *list, struct former_entry *e)
{
    e->previous = list->last;
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

/** Moves an entry out of the former to the end of a list. */
static void
former_move(struct former *f, struct former_entry *e, struct former_list *list)
{
    struct former_group *g = e->group;
    heap_remove(&g->heap, &e->node);
    g->rows -= e->rows;
    g->bytes -= e->bytes;
    if (g->heap.count == 0) {
        group_close(f, g);
    }
    if (e->previous != NULL) {
        e->previous->next = e->next;
    } else {
        f->oldest = e->next;
    }
    if (e->next != NULL) {
        e->next->previous = e->previous;
    } else {
        f->newest = e->previous;
    }
    f->count--;
    f->bytes -= e->bytes;
    e->group = NULL;
    list_append(list, e);
}

enum status
former_create(struct former **out, const struct former_config *config)
{
    struct former *f = calloc(1, sizeof *f);
    if (f == NULL) {
        return STATUS_NO_MEMORY;
    }
    f->config = *config;
    *out = f;
    return STATUS_OK;
}

static void
groups_free(struct former_group *g)
{
    while (g != NULL) {
        struct former_group *next = g->next;
        heap_fini(&g->heap);
        free(g);
        g = next;
    }
}

void
former_destroy(struct former **former)
{
    if (*former == NULL) {
        return;
    }
    groups_free((*former)->groups);
    groups_free((*former)->spare);
    free(*former);
    *former = NULL;
}

enum status
former_add(struct former *f, struct former_entry *entry)
{
    if (f->count >= f->config.entries_max * 2 || f->bytes >= f->config.bytes_max * 2) {
        return STATUS_FULL;
    }
    struct former_group *g = group_open(f, entry->signature);
    if (g == NULL) {
        return STATUS_NO_MEMORY;
    }
    entry->arrival = f->arrivals;
    enum status status = heap_insert(&g->heap, &entry->node);
    if (status != STATUS_OK) {
        if (g->heap.count == 0) {
            group_close(f, g);
        }
        return status;
    }
    f->arrivals++;
    g->rows += entry->rows;
    g->bytes += entry->bytes;
    f->count++;
    f->bytes += entry->bytes;
    entry->group = g;
    entry->next = NULL;
    entry->previous = f->newest;
    if (f->newest != NULL) {
        f->newest->next = entry;
    } else {
        f->oldest = entry;
    }
    f->newest = entry;
    return STATUS_OK;
}

/** Whether a batch of this group would be closed by a bound, not by lack of work. */
static bool
group_fills_batch(const struct former_group *g, const struct former_ask *ask)
{
    return g->rows >= ask->rows_max || g->bytes >= ask->bytes_max;
}

void
former_take(struct former *f, const struct former_ask *ask, struct former_list *batch)
{
    *batch = (struct former_list){0};
    struct former_group *g = group_most_urgent(f);
    if (g == NULL || ask->under_way >= FORMER_DEPTH) {
        return;
    }
    if (ask->under_way > 0 && !group_fills_batch(g, ask)) {
        return;
    }
    size_t bytes = 0;
    while (g->heap.count > 0) {
        struct former_entry *e = group_head(g);
        bool fits = batch->rows + e->rows <= ask->rows_max &&
                    bytes + e->bytes <= ask->bytes_max;
        if (!fits && batch->count > 0) {
            return;
        }
        bytes += e->bytes;
        former_move(f, e, batch);
    }
}

void
former_expire(struct former *f, int64_t now_ns, struct former_list *expired)
{
    *expired = (struct former_list){0};
    struct former_group *g = group_most_urgent(f);
    while (g != NULL && group_head(g)->deadline_ns <= now_ns) {
        former_move(f, group_head(g), expired);
        g = group_most_urgent(f);
    }
}

int64_t
former_next_deadline(const struct former *f)
{
    const struct former_group *g = group_most_urgent(f);
    return g == NULL ? TIME_NEVER : group_head(g)->deadline_ns;
}

void
former_remove(struct former *f,
              int32_t partition,
              int64_t above,
              struct former_list *removed)
{
    *removed = (struct former_list){0};
    struct former_entry *e = f->oldest;
    while (e != NULL) {
        struct former_entry *next = e->next;
        if (e->partition == partition && e->offset > above) {
            former_move(f, e, removed);
        }
        e = next;
    }
}

size_t
former_count(const struct former *f)
{
    return f->count;
}

size_t
former_bytes(const struct former *f)
{
    return f->bytes;
}

bool
former_is_full(const struct former *f)
{
    return f->count >= f->config.entries_max || f->bytes >= f->config.bytes_max;
}

bool
former_has_room(const struct former *f)
{
    return f->count <= f->config.entries_max / 2 && f->bytes <= f->config.bytes_max / 2;
}
