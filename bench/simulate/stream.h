/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks, and when: a Poisson stream whose rate may jump between two levels, of one
 * or two kinds of requests. All is drawn from the seed, so each policy meets the very
 * same requests.
 */
#ifndef BENCH_SIMULATE_STREAM_H
#define BENCH_SIMULATE_STREAM_H

#include "batcher/former.h"
#include "bench/simulate/random.h"

#include <stdbool.h>
#include <stdint.h>

/** Requests that are counted together. */
enum { GROUPS = 2 };

/** One kind of requests. */
struct kind {
    double share; /* of all; of the last kind: the rest */
    int64_t slo_ns;
    uint32_t level;
    uint32_t tenants;      /* this many, equally busy */
    uint32_t first_tenant; /* the number of the first */
};

struct load {
    double rate; /* mean, per second */
    bool bursty; /* 3 times the mean for a quarter of the time, a third of it else */
    int64_t duration_ns;
    uint64_t seed;
    struct kind kinds[GROUPS];
    unsigned kind_count;
};

/** A request; what it asks for stands in its entry. */
struct request {
    struct former_entry entry;
    struct request *free; /* in the engine's pool */
    unsigned kind;
    uint64_t number; /* ascending by arrival */
    bool ended;
};

static inline struct request *
request_of(struct former_entry *entry)
{
    return (struct request *)(void *)((char *)entry - offsetof(struct request, entry));
}

struct stream {
    const struct load *load;
    struct random random;
    double at_ns; /* of the request drawn last */
    struct random phases;
    double phase_end_ns;
    bool busy;
    uint64_t count;
};

void stream_init(struct stream *s, const struct load *load);

/**
 * The next request, written whole.
 *
 * @return false once the load has lasted its time
 */
bool stream_next(struct stream *s, struct request *r);

#endif
