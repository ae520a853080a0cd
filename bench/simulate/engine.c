/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The next event is the earliest of: a run ends, a request arrives, the policy wakes.
 * After each the policy decides. Start and end of a run are known when its batch is
 * closed, as the device is serial: the run begins when staging is done and the run
 * before it has ended. The noise of a policy's n-th run does not depend on its rows.
 */
#include "bench/simulate/engine.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

enum { NOISE_SEED = 7919 };

struct flight {
    struct former_list batch;
    int64_t closed_ns;
    int64_t staged_ns;
    int64_t start_ns;
    int64_t end_ns;
};

struct engine {
    const struct policy *policy;
    const struct device *device;
    const struct load *load;
    struct score *score;
    void *state; /* of the policy */
    struct stream stream;
    struct request *coming;              /* drawn, not arrived; NULL = none any more */
    struct request *pool;                /* free ones */
    struct flight flights[FORMER_DEPTH]; /* in the order of their runs */
    unsigned under_way;
    int64_t now_ns;
    int64_t wake_ns;
    int64_t busy_until_ns; /* end of the run closed last */
    uint64_t waiting;
    struct random noise;
    uint64_t last[GROUPS][TENANTS_MAX]; /* number run last, + 1 */
};

static void *
memory(size_t size)
{
    void *block = calloc(1, size);
    if (block == NULL) {
        fprintf(stderr, "bench-simulate: no memory\n");
        exit(71);
    }
    return block;
}

/** Draws the request that comes next. */
static void
engine_draw(struct engine *e)
{
    struct request *r = e->pool;
    if (r != NULL) {
        e->pool = r->free;
    } else {
        r = memory(sizeof *r);
    }
    if (stream_next(&e->stream, r)) {
        e->coming = r;
    } else {
        free(r);
        e->coming = NULL;
    }
}

static void
engine_end(struct engine *e, struct former_list *list, int64_t done_ns)
{
    struct former_entry *next;
    for (struct former_entry *entry = list->first; entry != NULL; entry = next) {
        next = entry->next;
        struct request *r = request_of(entry);
        score_add(e->score, e->load, r, done_ns);
        r->free = e->pool;
        e->pool = r;
    }
}

/** Requests of one tenant and kind must run in the order in which they came. */
static void
engine_watch_order(struct engine *e, const struct former_list *batch)
{
    for (struct former_entry *entry = batch->first; entry != NULL;
         entry = entry->next) {
        const struct request *r = request_of(entry);
        uint64_t *last = &e->last[r->kind][entry->tenant % TENANTS_MAX];
        e->score->breaches.disorder += r->number < *last;
        *last = r->number + 1;
    }
}

static void
engine_close(struct engine *e, const struct decision *decision)
{
    const struct device *d = e->device;
    uint32_t rows = (uint32_t)decision->batch.rows;
    struct flight *f = &e->flights[e->under_way++];
    *f = (struct flight){.batch = decision->batch, .closed_ns = e->now_ns};
    f->staged_ns = e->now_ns + device_stage_ns(d, rows);
    f->start_ns = f->staged_ns > e->busy_until_ns ? f->staged_ns : e->busy_until_ns;
    double noise = 1 + d->noise * random_normal(&e->noise);
    f->end_ns = f->start_ns + (int64_t)((double)device_run_ns(d, rows) * noise);
    e->busy_until_ns = f->end_ns;
    e->score->batches++;
    e->score->rows += rows;
    e->score->breaches.over_limit += rows > d->rows_max;
    e->score->breaches.too_late += decision->too_late;
    engine_watch_order(e, &f->batch);
    e->waiting -= f->batch.count;
}

static void
engine_decide(struct engine *e)
{
    struct decision decision;
    do {
        const struct moment m = {.now_ns = e->now_ns, .under_way = e->under_way};
        decision = (struct decision){.wake_ns = TIME_NEVER};
        e->policy->ops->decide(e->state, &m, &decision);
        e->waiting -= decision.dropped.count;
        engine_end(e, &decision.dropped, 0);
        if (decision.batch.count > 0) {
            engine_close(e, &decision);
        }
    } while (decision.batch.count > 0);
    e->wake_ns = decision.wake_ns;
    if (e->wake_ns <= e->now_ns) {
        e->wake_ns = e->now_ns + NS_PER_US;
    }
}

static void
engine_finish(struct engine *e)
{
    struct flight f = e->flights[0];
    e->flights[0] = e->flights[1];
    e->under_way--;
    const struct run run = {.rows = (uint32_t)f.batch.rows,
                            .staged_ns = f.staged_ns - f.closed_ns,
                            .took_ns = f.end_ns - f.start_ns,
                            .ended_ns = f.end_ns};
    e->policy->ops->finished(e->state, &run);
    engine_end(e, &f.batch, f.end_ns);
}

static void
engine_arrive(struct engine *e)
{
    e->policy->ops->arrive(e->state, &e->coming->entry);
    e->waiting++;
    engine_draw(e);
}

/** @return false when nothing is left to happen */
static bool
engine_step(struct engine *e)
{
    int64_t end_ns = e->under_way > 0 ? e->flights[0].end_ns : TIME_NEVER;
    int64_t arrival_ns = e->coming != NULL ? e->coming->entry.arrived_ns : TIME_NEVER;
    int64_t next_ns = end_ns < arrival_ns ? end_ns : arrival_ns;
    if (e->waiting > 0 && e->wake_ns < next_ns) {
        e->now_ns = e->wake_ns;
    } else if (next_ns == TIME_NEVER) {
        return false;
    } else {
        e->now_ns = next_ns;
        if (end_ns <= arrival_ns) {
            engine_finish(e);
        } else {
            engine_arrive(e);
        }
    }
    engine_decide(e);
    return true;
}

static void
engine_free_pool(struct engine *e)
{
    while (e->pool != NULL) {
        struct request *r = e->pool;
        e->pool = r->free;
        free(r);
    }
}

void
engine_run(const struct policy *policy,
           const struct device *device,
           const struct load *load,
           struct score *score)
{
    struct engine e = {.policy = policy,
                       .device = device,
                       .load = load,
                       .score = score,
                       .wake_ns = TIME_NEVER};
    e.state = memory(policy->ops->size);
    policy->ops->init(e.state, policy, device);
    stream_init(&e.stream, load);
    random_init(&e.noise, load->seed + NOISE_SEED);
    engine_draw(&e);
    while (engine_step(&e)) {
    }
    score->breaches.never += e.waiting;
    policy->ops->fini(e.state);
    free(e.state);
    engine_free_pool(&e);
}
