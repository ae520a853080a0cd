/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures that an earlier simulator found for the same rules under the same
 * conditions. Ours must lie within a band around each: a tenth of the figure, and for
 * shares of good answers at least 3 points.
 */
#ifndef BENCH_SIMULATE_REFERENCE_H
#define BENCH_SIMULATE_REFERENCE_H

#include "bench/simulate/score.h"

#include <stdbool.h>

/** What is not given is 0. */
struct reference {
    const char *scenario;
    const char *policy;
    double mean_ms;
    double p99_ms;
    double good; /* per cent of the offered */
    bool unstable;
};

/** NULL if the pair has none. */
const struct reference *reference_find(const char *scenario, const char *policy);

/**
 * How far a figure lies from the reference, in bands: within them at or below 1.
 *
 * @param[in] better_counts false: faster or more good answers is 0
 */
double reference_distance(const struct reference *p,
                          const struct outcome *o,
                          bool unstable,
                          bool better_counts);

#endif
