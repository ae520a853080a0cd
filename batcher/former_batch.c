/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Against the scheme for single rows of one tenant there is this more: a head is given
 * up only if that lets no fewer rows into the batch than it has itself; of what is past
 * its due instant about half a batch goes ahead of the turns, and it is charged to its
 * tenant, so that a backlog of one cannot take everything from the others.
 */
#include "batcher/former_batch.h"

#include "base/clock.h"
#include "batcher/former_fit.h"
#include "batcher/former_list.h"

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

/** The head, after those that cannot make it are given up; NULL if the queue is gone.
 */
static struct former_entry *
head_alive(struct former_batch *b, struct former_queue *q)
{
    for (;;) {
        struct former_entry *e = former_queue_head(q);
        if (former_fit_alone(b->ask, e)) {
            return e;
        }
        bool is_last = q->entries.count == 1;
        former_store_take(b->store, e, b->shed);
        if (is_last) {
            return NULL;
        }
    }
}

/** The one of a level that is due first, after the same; NULL if none is left. */
static struct former_entry *
level_head_alive(struct former_batch *b, struct former_level *l)
{
    struct former_queue *q = former_level_first(l);
    while (q != NULL && !former_fit_alone(b->ask, former_queue_head(q))) {
        former_store_take(b->store, former_queue_head(q), b->shed);
        q = former_level_first(l);
    }
    return q == NULL ? NULL : former_queue_head(q);
}

/** What stands alone may be larger than a batch: there is no other way to run it. */
static bool
has_room(const struct former_batch *b, const struct former_entry *e)
{
    uint64_t rows = b->taken->rows + e->rows;
    if (b->taken->count == 0) {
        return true;
    }
    return rows <= b->rows_most && b->bytes + e->bytes <= b->ask->bytes_max &&
           former_fit_rows(b->ask, (uint32_t)rows,
                           min_ns(b->deadline_ns, e->deadline_ns));
}

static void
batch_take(struct former_batch *b, struct former_entry *e)
{
    b->bytes += e->bytes;
    b->deadline_ns = min_ns(b->deadline_ns, e->deadline_ns);
    struct former_queue *q = e->queue;
    uint64_t spent_most = q->level->round + b->ask->rows_max;
    q->spent += e->rows;
    q->spent = q->spent < spent_most ? q->spent : spent_most;
    former_store_take(b->store, e, b->taken);
}

static bool
is_filled(const struct former_batch *b)
{
    return b->taken->rows >= b->rows_most;
}

static void
take_overdue(struct former_batch *b, const struct former_group *g)
{
    while (b->taken->count == 0 || b->taken->rows * 2 < b->rows_most) {
        struct former_queue *q = former_group_first(g);
        if (q == NULL || former_queue_head(q)->due_ns > b->ask->now_ns) {
            return;
        }
        struct former_entry *e = head_alive(b, q);
        if (e == NULL || e->due_ns > b->ask->now_ns) {
            continue;
        }
        if (!has_room(b, e)) {
            return;
        }
        batch_take(b, e);
    }
}

/** Puts those that were passed over back into their turns. What they could not use they
 * may make up for, but no more than a batch. */
static void
recall_passed(const struct former_batch *b, struct former_level *l)
{
    uint64_t least = l->round - min_rows(l->round, b->ask->rows_max);
    for (struct former_queue *q = b->passed; q != NULL; q = q->next) {
        q->passed = false;
        q->spent = q->spent > least ? q->spent : least;
        former_queue_turn(q);
    }
}

/** Takes from the tenants in turn. One whose head does not fit what is left is passed
 * over, and its turn is the first in the next batch. */
static void
fill_from(struct former_batch *b, struct former_level *l)
{
    b->passed = NULL;
    while (!is_filled(b)) {
        struct former_queue *q = former_level_turn(l);
        if (q == NULL || q->passed) {
            break;
        }
        struct former_entry *e = head_alive(b, q);
        if (e == NULL || former_level_turn(l) != q) {
            continue;
        }
        if (!has_room(b, e)) {
            q->passed = true;
            q->next = b->passed;
            b->passed = q;
            former_queue_turn(q);
            continue;
        }
        uint64_t round = q->spent + e->rows;
        l->round = round > l->round ? round : l->round;
        batch_take(b, e);
    }
    recall_passed(b, l);
}

/* How large a batch may be. */

/**
 * Rows that can be promised to those that must wait for such a batch and then run in
 * one: half their time budget each. The usual budget counts where that of the head is
 * smaller, so that a few in a hurry, or late from Kafka, do not cut everybody's
 * batches.
 */
static uint32_t
rows_promised(const struct former_batch *b, const struct former_entry *head)
{
    if (head->deadline_ns == TIME_NEVER) {
        return b->ask->rows_max;
    }
    int64_t budget_ns = max_ns(head->deadline_ns - head->arrived_ns, b->budget_ns);
    uint32_t rows = cost_rows_within(b->ask->run, b->ask->rows_max,
                                     (budget_ns - b->ask->reply_ns) / 2);
    return rows > 0 ? rows : 1;
}

/**
 * Whether a head is to be given up: with it a batch is smaller than what waits and is
 * efficient, by no fewer rows than it has.
 *
 * @param[in] waiting rows of this level and above, with those already in the batch
 */
static bool
is_in_the_way(const struct former_batch *b,
              const struct former_entry *head,
              uint64_t waiting)
{
    uint64_t least = b->taken->rows + head->rows;
    uint32_t most = rows_promised(b, head);
    most = most < b->rows_most ? most : b->rows_most;
    uint64_t wanted = waiting < most ? waiting : most;
    wanted = wanted > least ? wanted : least;
    if (least > b->rows_most ||
        former_fit_rows(b->ask, (uint32_t)wanted, head->deadline_ns)) {
        return false;
    }
    uint32_t fit = former_fit_most(b->ask, (uint32_t)wanted, head->deadline_ns);
    return head->rows <= wanted - fit;
}

/** Gives up heads that would keep the batch small. @param[in] above rows before it */
static void
shed_from(struct former_batch *b, struct former_level *l, uint64_t above)
{
    const struct former_group *g = l->group;
    struct former_entry *head = level_head_alive(b, l);
    while (head != NULL && g->count + b->taken->count > 1 &&
           is_in_the_way(b, head, above + l->rows)) {
        former_store_take(b->store, head, b->shed);
        b->given_up = head;
        head = level_head_alive(b, l);
    }
}

/** Those for whose sake it was given up cannot make it either. */
static void
take_back(struct former_batch *b)
{
    former_list_remove(b->shed, b->given_up);
    former_list_append(b->taken, b->given_up);
}

/**
 * A batch just above a bucket is padded to the next one, which delays all in it; those
 * above could instead run in one more batch. The cheaper delay counts.
 */
static uint32_t
rows_unpadded(const struct former_ask *ask, uint32_t rows)
{
    uint32_t floor = cost_bucket_floor(ask->run, rows);
    if (floor == 0 || floor == rows) {
        return rows;
    }
    uint32_t rest = rows - floor;
    int64_t padding_ns = cost_bound(ask->run, rows) - cost_bound(ask->run, floor);
    bool floor_is_better =
        (double)floor * (double)padding_ns >
        (double)rest * (double)cost_bound(ask->run, cost_bucket_ceil(ask->run, rest));
    return floor_is_better ? floor : rows;
}

/** The bounds that the first level with anything to take sets, by the one due first. */
static void
bound_rows(struct former_batch *b, const struct former_level *l)
{
    const struct former_entry *head = former_queue_head(former_level_first(l));
    uint32_t promised = rows_promised(b, head);
    b->rows_most = promised < b->rows_most ? promised : b->rows_most;
    uint32_t rows = min_rows(b->taken->rows + l->group->rows, b->rows_most);
    uint32_t fit = former_fit_most(b->ask, rows, head->deadline_ns);
    uint32_t unpadded = rows_unpadded(b->ask, fit);
    if (unpadded < fit && unpadded >= b->taken->rows) {
        b->rows_most = unpadded;
    }
}

void
former_batch_fill(struct former_batch *b, const struct former_group *g)
{
    take_overdue(b, g);
    uint64_t above = b->taken->rows;
    bool bounded = false;
    for (struct former_level *l = g->levels; l != NULL && !is_filled(b); l = l->next) {
        if (b->may_shed) {
            shed_from(b, l, above);
        }
        if (l->rows == 0) {
            continue;
        }
        if (!bounded) {
            bound_rows(b, l);
            bounded = true;
        }
        above += l->rows;
        fill_from(b, l);
    }
    if (b->taken->count == 0 && b->given_up != NULL) {
        take_back(b);
    }
}
