/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the requests of a run ended, and whether any rule was broken on the way. Several
 * runs may be added up in one score.
 */
#ifndef BENCH_SIMULATE_SCORE_H
#define BENCH_SIMULATE_SCORE_H

#include "bench/simulate/stream.h"

enum { TENANTS_MAX = 16, QUARTERS = 4 };

/** Requests counted together. */
struct tally {
    uint64_t offered;
    uint64_t good; /* answered inside their deadline */
    int64_t *latencies_ns;
    size_t count; /* answered */
    size_t capacity;
};

/** Rules that no policy may break; all must stay 0. */
struct breaches {
    uint64_t over_limit; /* batches of too many rows */
    uint64_t twice;      /* requests that ended twice */
    uint64_t never;      /* requests that never ended */
    uint64_t disorder;   /* requests that overtook an equal one */
    uint64_t too_late; /* run although they would miss by the policy's own reckoning */
};

struct score {
    struct tally all;
    struct tally kinds[GROUPS];
    struct breaches breaches;
    uint64_t batches;
    uint64_t rows;
    double quarter_ns[QUARTERS]; /* sums of latencies by the time of arrival */
    uint64_t quarter_count[QUARTERS];
};

/** What a person reads of a tally. */
struct outcome {
    double mean_ms;
    double p99_ms;
    double max_ms;
    double good; /* per cent of the offered */
};

void score_init(struct score *s);
void score_fini(struct score *s);

/** @param[in] done_ns when it was answered; 0 = it was dropped */
void
score_add(struct score *s, const struct load *load, struct request *r, int64_t done_ns);

/** Sorts the tally's latencies. */
struct outcome tally_outcome(struct tally *t);

/** The backlog grew all the time, so that latency says nothing. */
bool score_is_unstable(const struct score *s);

#endif
