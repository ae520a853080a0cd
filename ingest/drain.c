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

/* What a measured rate needs to count: steps of the committed offset, over a while. */
enum { STEPS_LEAST = 3 };
#define SPAN_LEAST_NS NS_PER_S

/* Samples are kept for as long, or for so many batches where that is longer. */
#define WINDOW_NS (20 * NS_PER_S)
enum { WINDOW_BATCHES = 20 };

#define GRAIN_NS (200 * NS_PER_MS)

/* What the batchers announce counts like so much measured time, and two batches. */
#define ANNOUNCED_NS (2 * NS_PER_S)

/* A rate measured when they were busy last is preferred to the announced one so long.
 */
#define REMEMBERED_NS (60 * NS_PER_S)

/* From the answer to the committed offset, in the mean: half of what batchers leave
 * between two commits (batcher.commit.interval is 200 ms). */
#define COMMIT_LAG_NS (100 * NS_PER_MS)

/* The flow is believed to have gone on for no longer than this. */
#define SINCE_MOST_NS (2 * NS_PER_S)

void
drain_init(struct drain *d)
{
    *d = (struct drain){.grain_ns = GRAIN_NS};
}

static double
rate_of(int64_t count, int64_t span_ns)
{
    return (double)count * (double)NS_PER_S / (double)span_ns;
}

static size_t
steps_of(const struct drain *d)
{
    size_t steps = 0;
    for (size_t i = 1; i < d->count; i++) {
        steps += d->samples[i].answered > d->samples[i - 1].answered ? 1 : 0;
    }
    return steps;
}

/* Of the line that lies closest to the samples, by least squares. */
static double
slope_per_s(const struct drain *d)
{
    double n = (double)d->count;
    double t_mean = 0;
    double y_mean = 0;
    for (size_t i = 0; i < d->count; i++) {
        t_mean += (double)(d->samples[i].at_ns - d->samples[0].at_ns) / n;
        y_mean += (double)(d->samples[i].answered - d->samples[0].answered) / n;
    }
    double ty = 0;
    double tt = 0;
    for (size_t i = 0; i < d->count; i++) {
        double t = (double)(d->samples[i].at_ns - d->samples[0].at_ns) - t_mean;
        double y = (double)(d->samples[i].answered - d->samples[0].answered) - y_mean;
        ty += t * y;
        tt += t * t;
    }
    return ty / tt * (double)NS_PER_S;
}

static void
busy_measure(struct drain *d, const struct drain_capacity *capacity, int64_t now_ns)
{
    int64_t span_ns = now_ns - d->samples[0].at_ns;
    if (span_ns < SPAN_LEAST_NS || steps_of(d) < STEPS_LEAST) {
        return;
    }
    double span = (double)span_ns;
    double known =
        capacity->per_s > 0 ? (double)(ANNOUNCED_NS + 2 * capacity->batch_ns) : 0;
    d->busy_per_s = (slope_per_s(d) * span + capacity->per_s * known) / (span + known);
    d->busy_ns = now_ns;
}

static void
samples_drop(struct drain *d, size_t gone)
{
    d->count -= gone;
    memmove(d->samples, d->samples + gone, d->count * sizeof(d->samples[0]));
}

static void
samples_thin(struct drain *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i += 2) {
        d->samples[kept++] = d->samples[i];
    }
    d->count = kept;
    d->grain_ns *= 2;
}

static void
busy_note(struct drain *d,
          const struct drain_capacity *capacity,
          struct drain_sample sample)
{
    int64_t window_ns = WINDOW_BATCHES * capacity->batch_ns;
    window_ns = window_ns > WINDOW_NS ? window_ns : WINDOW_NS;
    size_t gone = 0;
    while (gone < d->count && sample.at_ns - d->samples[gone].at_ns > window_ns) {
        gone++;
    }
    samples_drop(d, gone);
    if (d->count > 0 && sample.at_ns - d->samples[d->count - 1].at_ns < d->grain_ns) {
        return;
    }
    if (d->count == DRAIN_SAMPLES) {
        samples_thin(d);
    }
    d->samples[d->count++] = sample;
    busy_measure(d, capacity, sample.at_ns);
}

static void
flow_note(struct drain *d, int64_t now_ns, int64_t answered)
{
    int64_t span_ns = now_ns - d->last.at_ns;
    if (span_ns <= 0) {
        return;
    }
    double part = d->flow_per_s > 0 ? (double)span_ns / (double)(span_ns + FLOW_NS) : 1;
    double flow = rate_of(answered - d->last.answered, span_ns);
    d->flow_per_s += part * (flow - d->flow_per_s);
}

/* Batchers came or went: each does what each did before. */
static void
capacity_follow(struct drain *d, const struct drain_capacity *capacity)
{
    if (d->in_hand == capacity->in_hand) {
        return;
    }
    if (d->in_hand > 0) {
        d->busy_per_s *= (double)capacity->in_hand / (double)d->in_hand;
    }
    d->in_hand = capacity->in_hand;
    d->count = 0;
}

void
drain_note(struct drain *d,
           const struct drain_capacity *capacity,
           int64_t now_ns,
           int64_t answered,
           int64_t waiting)
{
    if (d->last.at_ns != 0) {
        flow_note(d, now_ns, answered);
    }
    capacity_follow(d, capacity);
    d->last = (struct drain_sample){.at_ns = now_ns, .answered = answered};
    int64_t least = d->count > 0 ? capacity->in_hand : 2 * capacity->in_hand;
    if (waiting - drain_since(d, now_ns) > least) {
        busy_note(d, capacity, d->last);
    } else {
        d->count = 0;
        d->grain_ns = GRAIN_NS;
    }
}

double
drain_per_s(const struct drain *d,
            const struct drain_capacity *capacity,
            int64_t now_ns)
{
    bool measured = d->busy_per_s > 0 && now_ns - d->busy_ns < REMEMBERED_NS;
    return measured || capacity->per_s <= 0 ? d->busy_per_s : capacity->per_s;
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
drain_wait_ns(const struct drain_capacity *capacity, double per_s, int64_t before)
{
    if (per_s <= 0) {
        return -1;
    }
    int64_t wait_ns = (int64_t)((double)before * (double)NS_PER_S / per_s);
    return wait_ns > capacity->batch_ns ? wait_ns : capacity->batch_ns;
}
