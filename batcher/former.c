/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a batch is closed and of which group; what waits is kept by former_store, a
 * batch is filled by former_batch. Every time that a batch would take is the bound of
 * what such batches took, so a deadline that fits is hardly ever missed. Groups are
 * searched one by one: few shapes wait at once, and with many each batch is of one
 * request.
 */
#include "batcher/former.h"

#include "base/clock.h"
#include "batcher/former_batch.h"
#include "batcher/former_fit.h"
#include "batcher/former_store.h"

#include <stdlib.h>

#define PATIENCE_NS (30 * NS_PER_S)
/* Batches are closed early by 2 % of the shortest run, and at least by this. */
#define CLOSE_EARLY_NS (50 * NS_PER_US)
/* The usual time budget follows by this part of each new one. */
#define BUDGET_PART 16

struct former {
    struct former_config config;
    struct former_store store;
    int64_t budget_ns; /* that requests with a deadline usually bring; 0 = none yet */
};

/** A group, and how urgent it is. */
struct urgency {
    struct former_group *group;
    const struct former_entry *head;
    uint32_t level; /* of the first that would be taken; 0: past its due instant */
    int64_t latest_start_ns;
};

static int64_t
min_ns(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t
max_ns(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static uint32_t
min_rows(uint64_t rows, uint32_t most)
{
    return rows < most ? (uint32_t)rows : most;
}

/* Which group, and when. */

static struct urgency
urgency_of(struct former_group *g, const struct former_ask *ask)
{
    const struct former_entry *head = former_queue_head(former_group_first(g));
    uint32_t rows = min_rows(g->rows, ask->rows_max);
    return (struct urgency){
        .group = g,
        .head = head,
        .level = head->due_ns <= ask->now_ns ? 0 : g->levels->number,
        .latest_start_ns = head->due_ns - cost_bound(ask->run, rows) - ask->reply_ns};
}

static bool
more_urgent(const struct urgency *a, const struct urgency *b)
{
    if (a->level != b->level) {
        return a->level < b->level;
    }
    if (a->latest_start_ns != b->latest_start_ns) {
        return a->latest_start_ns < b->latest_start_ns;
    }
    return a->head->arrival < b->head->arrival;
}

/** There is a group. */
static struct urgency
most_urgent(const struct former_store *s, const struct former_ask *ask)
{
    struct urgency best = urgency_of(s->groups, ask);
    for (struct former_group *g = s->groups->next; g != NULL; g = g->next) {
        const struct urgency other = urgency_of(g, ask);
        best = more_urgent(&other, &best) ? other : best;
    }
    return best;
}

/** Until when an idle device is held for a fuller batch: where that is wanted. */
static int64_t
hold_until(const struct former *f,
           const struct former_ask *ask,
           const struct urgency *next,
           int64_t early_ns)
{
    const struct former_group *g = next->group;
    if (f->config.max_delay_ns == 0 || g->rows >= ask->rows_max ||
        g->bytes >= ask->bytes_max) {
        return ask->now_ns;
    }
    uint32_t rows = min_rows(g->rows, ask->rows_max);
    int64_t margin_ns = cost_bound(ask->run, rows) / FORMER_MARGIN_PART + early_ns;
    int64_t delayed_ns = f->store.waiting.first->arrived_ns + f->config.max_delay_ns;
    return min_ns(delayed_ns, next->latest_start_ns - margin_ns);
}

void
former_plan(const struct former *f,
            const struct former_ask *ask,
            struct former_plan *plan)
{
    *plan = (struct former_plan){.close_ns = TIME_NEVER, .latest_start_ns = TIME_NEVER};
    if (f->store.waiting.count == 0) {
        return;
    }
    const struct urgency next = most_urgent(&f->store, ask);
    plan->latest_start_ns = next.latest_start_ns;
    if (ask->under_way >= FORMER_DEPTH) {
        return;
    }
    uint32_t rows = min_rows(next.group->rows, ask->rows_max);
    int64_t early_ns =
        cost_bound(ask->stage, rows) +
        max_ns(cost_mean(ask->run, 1) / FORMER_MARGIN_PART, CLOSE_EARLY_NS);
    bool idle = ask->under_way == 0 || ask->free_ns <= ask->now_ns;
    int64_t just_in_time_ns = idle ? ask->now_ns : ask->free_ns - early_ns;
    plan->close_ns = max_ns(just_in_time_ns, hold_until(f, ask, &next, early_ns));
}

void
former_take(struct former *f,
            const struct former_ask *ask,
            struct former_list *batch,
            struct former_list *shed)
{
    *batch = (struct former_list){0};
    *shed = (struct former_list){0};
    if (ask->under_way >= FORMER_DEPTH) {
        return;
    }
    while (batch->count == 0 && f->store.waiting.count > 0) {
        struct former_group *g = most_urgent(&f->store, ask).group;
        struct former_batch b = {.store = &f->store,
                                 .ask = ask,
                                 .taken = batch,
                                 .shed = shed,
                                 .may_shed = f->config.shed,
                                 .budget_ns = f->budget_ns,
                                 .rows_most = ask->rows_max,
                                 .deadline_ns = TIME_NEVER};
        former_batch_fill(&b, g);
        former_store_sweep(&f->store, g);
    }
}

/* Giving up and taking out. */

void
former_expire(struct former *f,
              const struct former_ask *ask,
              struct former_list *expired)
{
    *expired = (struct former_list){0};
    struct former_entry *e = former_store_earliest(&f->store);
    while (e != NULL && !former_fit_alone(ask, e)) {
        struct former_group *g = e->queue->level->group;
        former_store_take(&f->store, e, expired);
        former_store_sweep(&f->store, g);
        e = former_store_earliest(&f->store);
    }
}

int64_t
former_next_expiry(const struct former *f, const struct former_ask *ask)
{
    const struct former_entry *e = former_store_earliest(&f->store);
    if (e == NULL) {
        return TIME_NEVER;
    }
    if (!former_fit_alone(ask, e)) {
        return ask->now_ns;
    }
    return e->deadline_ns - ask->reply_ns - cost_bound(ask->run, e->rows) -
           cost_bound(ask->stage, e->rows) + 1;
}

static void
move_out(struct former *f, struct former_entry *e, struct former_list *list)
{
    struct former_group *g = e->queue->level->group;
    former_store_take(&f->store, e, list);
    former_store_sweep(&f->store, g);
}

void
former_remove(struct former *f,
              int32_t partition,
              int64_t above,
              struct former_list *removed)
{
    *removed = (struct former_list){0};
    struct former_entry *e = f->store.waiting.first;
    while (e != NULL) {
        struct former_entry *next = e->next;
        if (e->partition == partition && e->offset > above) {
            move_out(f, e, removed);
        }
        e = next;
    }
}

void
former_withdraw(struct former *f, struct former_entry *entry)
{
    struct former_list list = {0};
    move_out(f, entry, &list);
}

void
former_empty(struct former *f, struct former_list *removed)
{
    *removed = (struct former_list){0};
    while (f->store.waiting.first != NULL) {
        move_out(f, f->store.waiting.first, removed);
    }
}

/* Life. */

enum status
former_create(struct former **out, const struct former_config *config)
{
    struct former *f = calloc(1, sizeof *f);
    if (f == NULL) {
        return STATUS_NO_MEMORY;
    }
    f->config = *config;
    f->config.patience_ns = config->patience_ns > 0 ? config->patience_ns : PATIENCE_NS;
    former_store_init(&f->store, config->entries_max * 2);
    *out = f;
    return STATUS_OK;
}

void
former_destroy(struct former **former)
{
    if (*former == NULL) {
        return;
    }
    former_store_fini(&(*former)->store);
    free(*former);
    *former = NULL;
}

/** The deadline, or where patience ends; that, too, is an instant. */
static int64_t
due_of(const struct former *f, const struct former_entry *e)
{
    int64_t due_ns = 0;
    if (e->deadline_ns != TIME_NEVER) {
        return e->deadline_ns;
    }
    bool never = __builtin_add_overflow(e->arrived_ns, f->config.patience_ns, &due_ns);
    return never ? TIME_NEVER : due_ns;
}

enum status
former_add(struct former *f, struct former_entry *entry)
{
    if (f->store.waiting.count >= f->config.entries_max * 2 ||
        f->store.bytes >= f->config.bytes_max * 2) {
        return STATUS_FULL;
    }
    entry->due_ns = due_of(f, entry);
    enum status status = former_store_add(&f->store, entry);
    if (status == STATUS_OK && entry->deadline_ns != TIME_NEVER) {
        int64_t budget_ns = entry->deadline_ns - entry->arrived_ns;
        f->budget_ns +=
            f->budget_ns == 0 ? budget_ns : (budget_ns - f->budget_ns) / BUDGET_PART;
    }
    return status;
}

size_t
former_count(const struct former *f)
{
    return f->store.waiting.count;
}

size_t
former_bytes(const struct former *f)
{
    return f->store.bytes;
}

uint64_t
former_rows(const struct former *f)
{
    return f->store.waiting.rows;
}

bool
former_is_full(const struct former *f)
{
    return f->store.waiting.count >= f->config.entries_max ||
           f->store.bytes >= f->config.bytes_max;
}

bool
former_has_room(const struct former *f)
{
    return f->store.waiting.count <= f->config.entries_max / 2 &&
           f->store.bytes <= f->config.bytes_max / 2;
}
