/* SPDX-License-Identifier: Apache-2.0 */
/* The devices and loads of the reference, and some of our own. */
#ifndef BENCH_SIMULATE_SCENARIO_H
#define BENCH_SIMULATE_SCENARIO_H

#include "bench/simulate/engine.h"

struct scenario {
    const char *name;
    const struct device *device;
    double load; /* mean rate by the device's capacity */
    bool bursty;
    int64_t seconds;
    unsigned kind_count; /* 0 = one kind with the device's SLO */
    struct kind kinds[GROUPS];
};

/** All of them; ends with a NULL name. */
extern const struct scenario scenarios[];

/** NULL if there is none of that name. */
const struct scenario *scenario_find(const char *name);

/** Adds three seeds of the scenario's length to the score. Quick: a fifth of the
 * length, and only one seed where there are no bursts. */
void scenario_run(const struct scenario *scenario,
                  const struct policy *policy,
                  bool quick,
                  struct score *score);

#endif
