/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clipper's rule (Crankshaw et al., NSDI 2017, section 4.3.1): greedy; the batch limit
 * begins at 1, grows by one after a full batch that took less than the SLO, and falls
 * by a tenth after one that took more. Given earliest deadline first, which the
 * original has not.
 */
#include "base/clock.h"
#include "bench/simulate/list.h"
#include "bench/simulate/policy.h"

#define AIMD_ADD 1.0
#define AIMD_CUT 0.9

struct aimd {
    struct heap waiting;
    uint32_t rows_max;
    int64_t slo_ns;
    double limit;
};

static void
aimd_init(void *state, const struct policy *policy, const struct device *d)
{
    struct aimd *a = state;
    (void)policy;
    deadline_heap_init(&a->waiting);
    a->rows_max = d->rows_max;
    a->slo_ns = d->slo_ns;
    a->limit = 1;
}

static void
aimd_fini(void *state)
{
    struct aimd *a = state;
    heap_fini(&a->waiting);
}

static void
aimd_arrive(void *state, struct former_entry *e)
{
    struct aimd *a = state;
    deadline_heap_add(&a->waiting, e);
}

static void
aimd_decide(void *state, const struct moment *m, struct decision *decision)
{
    struct aimd *a = state;
    decision->wake_ns = TIME_NEVER;
    if (m->under_way > 0) {
        return;
    }
    while (a->waiting.count > 0 && decision->batch.count < (size_t)a->limit) {
        deadline_heap_move(&a->waiting, &decision->batch);
    }
}

static void
aimd_finished(void *state, const struct run *run)
{
    struct aimd *a = state;
    if (run->staged_ns + run->took_ns > a->slo_ns) {
        a->limit *= AIMD_CUT;
        a->limit = a->limit < 1 ? 1 : a->limit;
    } else if (run->rows >= (uint32_t)a->limit) {
        a->limit += AIMD_ADD;
        a->limit = a->limit > a->rows_max ? a->rows_max : a->limit;
    }
}

const struct policy_ops policy_aimd = {
    .size = sizeof(struct aimd),
    .init = aimd_init,
    .fini = aimd_fini,
    .arrive = aimd_arrive,
    .decide = aimd_decide,
    .finished = aimd_finished,
};
