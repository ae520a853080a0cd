/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every policy through every scenario, and the bars that the outcome must hold. The
 * program prints them, the test asserts them.
 */
#ifndef BENCH_SIMULATE_CAMPAIGN_H
#define BENCH_SIMULATE_CAMPAIGN_H

#include "bench/simulate/reference.h"
#include "bench/simulate/scenario.h"

#include <stdbool.h>
#include <stddef.h>

enum { RESULTS_MAX = 256, BARS_MAX = 24 };

struct result {
    const struct scenario *scenario;
    const struct policy *policy;
    struct outcome all;
    struct outcome kinds[GROUPS];
    struct breaches breaches;
    double rows_mean; /* of a batch */
    bool unstable;
};

struct campaign {
    bool quick;
    struct result results[RESULTS_MAX];
    size_t count;
};

struct bar {
    char text[120];
    double value;
    double limit;
    bool at_most; /* or at least */
    bool holds;
};

/** @param[in] policy only this one; NULL = all */
void campaign_run(struct campaign *c, bool quick, const struct policy *policy);

/** NULL if that pair did not run. */
const struct result *
campaign_find(const struct campaign *c, const char *scenario, const char *policy);

/** The bars for which all that they compare has run. @return how many */
size_t campaign_judge(const struct campaign *c, struct bar bars[static BARS_MAX]);

#endif
