/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule of BentoML's dispatcher (src/bentoml/_internal/marshal/dispatcher.py),
 * better off than the original: it is given the exact a and b of a batch's time a n +
 * b, looks at once instead of each millisecond, and serves the earliest deadline first.
 * One latency limit: the head is canceled when its wait plus the time of the whole
 * queue reaches it; an idle device waits while n (wait of the newest + a) is below 0.95
 * of the mean such wait at the last 50 batches.
 */
#include "base/clock.h"
#include "bench/simulate/list.h"
#include "bench/simulate/policy.h"

enum { BENTOML_SAMPLES = 50 };
#define BENTOML_DECAY 0.95

struct bentoml {
    struct heap waiting;
    uint32_t rows_max;
    double row_ns;   /* a */
    double fixed_ns; /* b */
    double limit_ns;
    int64_t newest_ns; /* arrival of the newest */
    double waits_ns[BENTOML_SAMPLES];
    double waits_sum_ns;
    unsigned waits; /* in all */
};

static void
bentoml_init(void *state, const struct policy *policy, const struct device *d)
{
    struct bentoml *b = state;
    (void)policy;
    deadline_heap_init(&b->waiting);
    b->rows_max = d->rows_max;
    b->row_ns = d->beta_ns + d->stage_row_ns;
    b->fixed_ns = d->alpha_ns + d->stage_ns;
    b->limit_ns = (double)d->slo_ns;
}

static void
bentoml_fini(void *state)
{
    struct bentoml *b = state;
    heap_fini(&b->waiting);
}

static void
bentoml_arrive(void *state, struct former_entry *e)
{
    struct bentoml *b = state;
    deadline_heap_add(&b->waiting, e);
    b->newest_ns = e->arrived_ns;
}

/** The head has no time left for itself and all behind it. */
static bool
bentoml_is_late(const struct bentoml *b, const struct moment *m)
{
    double n = (double)b->waiting.count;
    if (n == 0) {
        return false;
    }
    double waited_ns =
        (double)(m->now_ns - deadline_heap_head(&b->waiting)->arrived_ns);
    if (n > 1) {
        return waited_ns + b->row_ns * n + b->fixed_ns >= b->limit_ns;
    }
    return m->under_way > 0 && waited_ns >= b->limit_ns;
}

/** Until when an idle device is held, not after now if it is not. */
static int64_t
bentoml_hold_ns(const struct bentoml *b)
{
    unsigned count = b->waits < BENTOML_SAMPLES ? b->waits : BENTOML_SAMPLES;
    if (count == 0 || b->waiting.count >= b->rows_max) {
        return b->newest_ns;
    }
    double mean_ns = b->waits_sum_ns / count;
    double hold_ns = BENTOML_DECAY * mean_ns / (double)b->waiting.count - b->row_ns;
    return b->newest_ns + (int64_t)hold_ns;
}

static void
bentoml_learn(struct bentoml *b, double wait_ns)
{
    double *slot = &b->waits_ns[b->waits++ % BENTOML_SAMPLES];
    b->waits_sum_ns += wait_ns - *slot;
    *slot = wait_ns;
}

static void
bentoml_decide(void *state, const struct moment *m, struct decision *decision)
{
    struct bentoml *b = state;
    decision->wake_ns = TIME_NEVER;
    while (bentoml_is_late(b, m)) {
        deadline_heap_move(&b->waiting, &decision->dropped);
    }
    if (b->waiting.count == 0 || m->under_way > 0) {
        return;
    }
    int64_t hold_ns = bentoml_hold_ns(b);
    if (hold_ns > m->now_ns) {
        decision->wake_ns = hold_ns;
        return;
    }
    while (b->waiting.count > 0 && decision->batch.count < b->rows_max) {
        deadline_heap_move(&b->waiting, &decision->batch);
    }
    bentoml_learn(b, (double)(m->now_ns - decision->batch.last->arrived_ns));
}

static void
bentoml_finished(void *state, const struct run *run)
{
    (void)state;
    (void)run;
}

const struct policy_ops policy_bentoml = {
    .size = sizeof(struct bentoml),
    .init = bentoml_init,
    .fini = bentoml_fini,
    .arrive = bentoml_arrive,
    .decide = bentoml_decide,
    .finished = bentoml_finished,
};
