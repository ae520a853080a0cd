/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Busy begins when twice of what the batchers have in hand waits and ends when no more
 * than that does.
 */
#include "ingest/drain.h"

#include "base/clock.h"

#include <string.h>

/* The flow is smoothed over about this. */
#define FLOW_NS NS_PER_S

/* What a measured rate needs to count: steps that lie a while apart. */
enum { STEPS_LEAST = 3 };
#define SPAN_LEAST_NS NS_PER_S

/* Older steps are forgotten; a rate measured when busy last is preferred to the
 * announced one for as long. */
#define STEPS_NS (30 * NS_PER_S)
#define BEST_NS  (60 * NS_PER_S)

/* From the answer to the committed offset, in the mean: half of what batchers leave
 * between two commits (batcher.commit.interval is 200 ms). */
#define COMMIT_LAG_NS (100 * NS_PER_MS)

/* The flow is believed to have gone on for no longer than this. */
#define SINCE_MOST_NS (2 * NS_PER_S)

void
drain_init(struct drain *d)
{
    *d = (struct drain){0};
}

static double
per_s(int64_t count, int64_t span_ns)
{
    return (double)count * (double)NS_PER_S / (double)span_ns;
}

/* The rate over the steps; 0 while they are too few. Once the next step is overdue the
 * time without it counts as well. */
static double
measured(const struct drain *d, int64_t now_ns)
{
    if (d->count < STEPS_LEAST) {
        return 0;
    }
    const struct drain_step *first = &d->steps[0];
    const struct drain_step *last = &d->steps[d->count - 1];
    int64_t longest_ns = 0;
    for (size_t i = 1; i < d->count; i++) {
        int64_t gap_ns = d->steps[i].at_ns - d->steps[i - 1].at_ns;
        longest_ns = gap_ns > longest_ns ? gap_ns : longest_ns;
    }
    bool overdue = now_ns - last->at_ns > 2 * longest_ns;
    int64_t span_ns = (overdue ? now_ns : last->at_ns) - first->at_ns;
    return span_ns < SPAN_LEAST_NS ? 0
                                   : per_s(last->answered - first->answered, span_ns);
}

static void
step_add(struct drain *d, int64_t now_ns, int64_t answered)
{
    size_t gone = d->count == DRAIN_STEPS ? 1 : 0;
    while (d->count - gone > STEPS_LEAST && now_ns - d->steps[gone].at_ns > STEPS_NS) {
        gone++;
    }
    d->count -= gone;
    memmove(d->steps, d->steps + gone, d->count * sizeof(d->steps[0]));
    d->steps[d->count++] = (struct drain_step){.at_ns = now_ns, .answered = answered};
}

static void
flow_note(struct drain *d, int64_t now_ns, int64_t answered)
{
    int64_t span_ns = now_ns - d->last.at_ns;
    if (span_ns <= 0) {
        return;
    }
    double part = d->flow_per_s > 0 ? (double)span_ns / (double)(span_ns + FLOW_NS) : 1;
    double flow = per_s(answered - d->last.answered, span_ns);
    d->flow_per_s += part * (flow - d->flow_per_s);
}

void
drain_note(struct drain *d,
           const struct drain_capacity *capacity,
           int64_t now_ns,
           int64_t answered,
           int64_t waiting)
{
    bool first = d->last.at_ns == 0;
    bool moved = !first && answered > d->last.answered;
    if (!first) {
        flow_note(d, now_ns, answered);
    }
    d->last = (struct drain_step){.at_ns = now_ns, .answered = answered};
    double best_per_s = measured(d, now_ns);
    if (best_per_s > 0) {
        d->best_per_s = best_per_s;
        d->best_ns = now_ns;
    }
    int64_t least = d->count > 0 ? capacity->in_hand : 2 * capacity->in_hand;
    if (waiting - drain_since(d, now_ns) <= least) {
        d->count = 0;
    } else if (moved) {
        step_add(d, now_ns, answered);
    }
}

double
drain_per_s(const struct drain *d,
            const struct drain_capacity *capacity,
            int64_t now_ns)
{
    double busy_per_s = measured(d, now_ns);
    if (busy_per_s > 0) {
        return busy_per_s;
    }
    bool recent = d->best_per_s > 0 && now_ns - d->best_ns < BEST_NS;
    return recent || capacity->per_s <= 0 ? d->best_per_s : capacity->per_s;
}

int64_t
drain_since(const struct drain *d, int64_t now_ns)
{
    if (d->last.at_ns == 0) {
        return 0;
    }
    int64_t since_ns = now_ns - d->last.at_ns + COMMIT_LAG_NS;
    since_ns = since_ns > SINCE_MOST_NS ? SINCE_MOST_NS : since_ns;
    return (int64_t)(d->flow_per_s * (double)since_ns / (double)NS_PER_S);
}

int64_t
drain_wait_ns(const struct drain_capacity *capacity, double drain, int64_t before)
{
    if (drain <= 0) {
        return -1;
    }
    double queue_ns = (double)before * (double)NS_PER_S / drain;
    int64_t wait_ns = (int64_t)queue_ns + capacity->batch_ns / 2;
    return wait_ns > capacity->batch_ns ? wait_ns : capacity->batch_ns;
}
