/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When requests are due, and whose they are: a schedule that never waits for answers.
 * All its randomness comes from the seed, so a run can be repeated. Reads no clock.
 */
#ifndef BENCH_FEED_PATTERN_H
#define BENCH_FEED_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

struct pattern_config {
    double rate;         /* mean per second; 0 = all at once */
    bool poisson;        /* exponential gaps instead of equal ones */
    bool bursty;         /* poisson, at 3x and 0.33x of the mean in turn */
    int64_t requests;    /* end after so many; 0 = by time */
    int64_t duration_ns; /* counted */
    int64_t warm_up_ns;  /* before, not counted */
    int64_t slo_ns;      /* 0 = no deadline */
    int64_t slo2_ns;
    double slo2_share; /* of the requests; have slo2_ns instead */
    int64_t tenants;
    double flood; /* tenant 0 sends so many times its share, on top of the others' */
    int64_t seed; /* not 0 */
};

/* One request as the schedule wants it. */
struct due {
    int64_t due_ns; /* monotonic */
    int64_t slo_ns; /* 0 = none */
    uint32_t tenant;
    bool second; /* class slo2 */
    bool counted;
};

struct pattern {
    const struct pattern_config *config;
    int64_t begin_ns; /* of what counts */
    int64_t end_ns;
    int64_t next_ns;
    int64_t phase_end_ns; /* bursty */
    bool busy;
    int64_t taken;
    uint64_t random;
};

/** @param[in] config borrowed */
void
pattern_init(struct pattern *p, const struct pattern_config *config, int64_t now_ns);

/** When the next request is due; TIME_NEVER after the last. */
int64_t pattern_next(const struct pattern *p);

/** Takes the request that pattern_next() told of; there must be one. */
struct due pattern_take(struct pattern *p);

#endif
