/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of a producer's two lanes a record takes, from the rate of the last moments.
 * Linger 0 wins below some 1,500 records a second and collapses above; with a gap
 * between the two thresholds a rate near one of them does not swing. Pure.
 */
#ifndef BUS_LANE_H
#define BUS_LANE_H

#include <stdbool.h>
#include <stdint.h>

enum lane { LANE_QUIET, LANE_BUSY, LANE_COUNT };

enum { LANE_BUSY_ABOVE = 1500, LANE_QUIET_BELOW = 1000 }; /* records a second */

struct lane_meter {
    enum lane lane;
    int64_t window_ns; /* start of the current window; 0 before the first record */
    uint32_t current;  /* records in it */
    uint32_t previous; /* records in the one before */
};

/** Counts one record and says where it goes. @param[in] now_ns never goes back */
enum lane lane_choose(struct lane_meter *m, int64_t now_ns);

/** Whether records come at a busy rate still. */
bool lane_is_busy(const struct lane_meter *m, int64_t now_ns);

#endif
