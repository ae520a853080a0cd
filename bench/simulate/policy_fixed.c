/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Static batching: so many requests, or what is there once the oldest has waited for
 * the delay (Mosec, TensorFlow Serving). Without a delay it is greedy: whatever waits
 * when the device is free (Triton's default), or, two deep, also while it runs.
 */
#include "base/clock.h"
#include "bench/simulate/list.h"
#include "bench/simulate/policy.h"

struct fixed {
    struct former_list waiting;
    uint32_t rows_max;
    int64_t delay_ns;
    unsigned depth;
};

static void
fixed_init(void *state, const struct policy *policy, const struct device *d)
{
    struct fixed *f = state;
    f->rows_max = policy->rows_max == 0 ? d->rows_max : policy->rows_max;
    f->delay_ns = policy->delay_ns;
    f->depth = policy->depth;
}

static void
fixed_fini(void *state)
{
    (void)state;
}

static void
fixed_arrive(void *state, struct former_entry *e)
{
    struct fixed *f = state;
    list_append(&f->waiting, e);
}

static void
fixed_decide(void *state, const struct moment *m, struct decision *decision)
{
    struct fixed *f = state;
    decision->wake_ns = TIME_NEVER;
    if (f->waiting.count == 0 || m->under_way >= f->depth) {
        return;
    }
    int64_t due_ns = f->waiting.first->arrived_ns + f->delay_ns;
    if (f->waiting.count < f->rows_max && m->now_ns < due_ns) {
        decision->wake_ns = due_ns;
        return;
    }
    while (f->waiting.count > 0 && decision->batch.count < f->rows_max) {
        list_append(&decision->batch, list_pop(&f->waiting));
    }
}

static void
fixed_finished(void *state, const struct run *run)
{
    (void)state;
    (void)run;
}

const struct policy_ops policy_fixed = {
    .size = sizeof(struct fixed),
    .init = fixed_init,
    .fini = fixed_fini,
    .arrive = fixed_arrive,
    .decide = fixed_decide,
    .finished = fixed_finished,
};
