/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast a model's requests are answered, from what its group commits. Two rates: the
 * flow, smoothed, whatever it is that limits it; and what the batchers can do, measured
 * only while more waits than they have in hand, since otherwise it is the callers who
 * set the pace. Committed offsets move in steps of a batch and are seen late, so the
 * latter is the slope of a line through many of them, and what the batchers announce
 * weighs as much as the first seconds of measuring. Pure.
 */
#ifndef INGEST_DRAIN_H
#define INGEST_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DRAIN_SAMPLES = 64 };

struct drain_sample {
    int64_t at_ns;
    int64_t answered;
};

struct drain {
    struct drain_sample samples[DRAIN_SAMPLES]; /* while the batchers are busy */
    size_t count;                               /* 0: they are not */
    int64_t grain_ns;         /* samples closer than this are left out */
    struct drain_sample last; /* as noted; at_ns 0: nothing yet */
    double flow_per_s;
    double busy_per_s; /* measured when they were busy last; 0 = never */
    int64_t busy_ns;   /* when that was */
    int64_t in_hand;   /* of the capacity noted last; 0 = none yet */
};

/** What is in the batchers' hands while they are busy, and can do by their own word. */
struct drain_capacity {
    int64_t in_hand;  /* a batch of each instance; at least 1 */
    double per_s;     /* announced; 0 = not known */
    int64_t batch_ns; /* that one batch takes; 0 = not known */
};

void drain_init(struct drain *d);

/**
 * @param[in] answered all that is answered so far, never falls
 * @param[in] waiting  stored and not answered, at the same moment
 */
void drain_note(struct drain *d,
                const struct drain_capacity *capacity,
                int64_t now_ns,
                int64_t answered,
                int64_t waiting);

/** Requests answered a second when many wait; 0 = not known. */
double drain_per_s(const struct drain *d,
                   const struct drain_capacity *capacity,
                   int64_t now_ns);

/** What is likely answered by now although it was not committed when last noted. */
int64_t drain_since(const struct drain *d, int64_t now_ns);

/**
 * When a request will be answered. That it goes with a whole batch and that the batch
 * which runs is half over cancel out, in the mean.
 *
 * @param[in] before requests that go before it, running ones included
 * @return ns from now; -1 = not known
 */
int64_t
drain_wait_ns(const struct drain_capacity *capacity, double per_s, int64_t before);

#endif
