/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The product's former and cost model, driven as the dispatcher drives them: seeded by
 * a warm-up over the curve's knots, then learning from each batch. The instant at which
 * the device will be free is a prediction, set right whenever a run ends.
 */
#include "base/clock.h"
#include "bench/simulate/list.h"
#include "bench/simulate/policy.h"

#include <stdio.h>
#include <stdlib.h>

enum { BUCKETS_MAX = 16 };

struct jit {
    struct former *former;
    struct cost run;
    struct cost stage;
    uint32_t rows_max;
    unsigned under_way;
    int64_t free_ns;    /* predicted */
    int64_t staged_ns;  /* the batch closed last is staged then */
    uint32_t rows_last; /* of it */
};

static void
jit_warm_up(struct cost *c, const struct device *d, bool stage)
{
    for (uint32_t k = 0; k < c->knot_count; k++) {
        uint32_t rows = c->knots[k].rows;
        int64_t took_ns = stage ? device_stage_ns(d, rows) : device_run_ns(d, rows);
        cost_observe(c, rows, took_ns);
    }
}

static void
jit_init(void *state, const struct policy *policy, const struct device *d)
{
    struct jit *j = state;
    const struct former_config config = {
        .entries_max = (size_t)1 << 30, .bytes_max = (size_t)1 << 40, .shed = true};
    (void)policy;
    if (former_create(&j->former, &config) != STATUS_OK) {
        fprintf(stderr, "bench-simulate: no memory\n");
        exit(71);
    }
    uint32_t buckets[BUCKETS_MAX];
    size_t count = 0;
    for (uint32_t rows = 1; d->padded && rows <= d->rows_max; rows *= 2) {
        buckets[count++] = rows;
    }
    cost_init(&j->run, d->rows_max, buckets, count);
    cost_init(&j->stage, d->rows_max, NULL, 0);
    jit_warm_up(&j->run, d, false);
    jit_warm_up(&j->stage, d, true);
    j->rows_max = d->rows_max;
}

static void
jit_fini(void *state)
{
    struct jit *j = state;
    former_destroy(&j->former);
}

static void
jit_arrive(void *state, struct former_entry *e)
{
    struct jit *j = state;
    if (former_add(j->former, e) != STATUS_OK) {
        fprintf(stderr, "bench-simulate: the former is full\n");
        exit(71);
    }
}

/** Counts what was taken although it would miss by the costs given. */
static uint64_t
jit_too_late(const struct jit *j,
             const struct moment *m,
             const struct former_list *batch)
{
    uint32_t rows = (uint32_t)batch->rows;
    int64_t start_ns = m->now_ns + cost_mean(&j->stage, rows);
    start_ns = start_ns > j->free_ns ? start_ns : j->free_ns;
    int64_t end_ns = start_ns + cost_bound(&j->run, rows);
    uint64_t count = 0;
    for (const struct former_entry *e = batch->first; e != NULL; e = e->next) {
        count += end_ns > e->deadline_ns;
    }
    return count;
}

static void
jit_closed(struct jit *j, const struct moment *m, uint32_t rows)
{
    j->rows_last = rows;
    j->staged_ns = m->now_ns + cost_mean(&j->stage, rows);
    int64_t start_ns = j->staged_ns > j->free_ns ? j->staged_ns : j->free_ns;
    j->free_ns = start_ns + cost_mean(&j->run, rows);
    j->under_way++;
}

static void
jit_append(struct former_list *list, struct former_list *more)
{
    struct former_entry *e;
    while ((e = list_pop(more)) != NULL) {
        list_append(list, e);
    }
}

static void
jit_decide(void *state, const struct moment *m, struct decision *decision)
{
    struct jit *j = state;
    const struct former_ask ask = {.now_ns = m->now_ns,
                                   .free_ns = j->free_ns,
                                   .under_way = m->under_way,
                                   .rows_max = j->rows_max,
                                   .bytes_max = (size_t)1 << 40,
                                   .run = &j->run,
                                   .stage = &j->stage};
    struct former_plan plan;
    former_expire(j->former, &ask, &decision->dropped);
    former_plan(j->former, &ask, &plan);
    if (plan.close_ns <= m->now_ns) {
        struct former_list shed;
        former_take(j->former, &ask, &decision->batch, &shed);
        jit_append(&decision->dropped, &shed);
        former_plan(j->former, &ask, &plan);
    }
    if (decision->batch.count > 0) {
        decision->too_late = jit_too_late(j, m, &decision->batch);
        jit_closed(j, m, (uint32_t)decision->batch.rows);
    }
    int64_t expiry_ns = former_next_expiry(j->former, &ask);
    decision->wake_ns = expiry_ns < plan.close_ns ? expiry_ns : plan.close_ns;
}

static void
jit_finished(void *state, const struct run *run)
{
    struct jit *j = state;
    cost_observe(&j->run, run->rows, run->took_ns);
    cost_observe(&j->stage, run->rows, run->staged_ns);
    j->under_way--;
    j->free_ns = run->ended_ns;
    if (j->under_way > 0) {
        int64_t start_ns = run->ended_ns > j->staged_ns ? run->ended_ns : j->staged_ns;
        j->free_ns = start_ns + cost_mean(&j->run, j->rows_last);
    }
}

const struct policy_ops policy_jit = {
    .size = sizeof(struct jit),
    .init = jit_init,
    .fini = jit_fini,
    .arrive = jit_arrive,
    .decide = jit_decide,
    .finished = jit_finished,
};
