/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device of the simulator: serial, S(n) = alpha + beta n with noise, fed by a
 * staging step P(n) that may overlap with a run. Padded devices run the next power of
 * two.
 */
#ifndef BENCH_SIMULATE_DEVICE_H
#define BENCH_SIMULATE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

struct device {
    double alpha_ns;     /* of a run, whatever its rows */
    double beta_ns;      /* of a run, per row */
    double stage_ns;     /* of staging, whatever the rows */
    double stage_row_ns; /* of staging, per row */
    double noise;        /* standard deviation of a run, relative */
    uint32_t rows_max;   /* of a batch */
    bool padded;
    int64_t slo_ns; /* of its requests, unless a load says otherwise */
};

/** Rows that really run for so many. */
uint32_t device_padded_rows(const struct device *d, uint32_t rows);

/** S(n) without noise. */
int64_t device_run_ns(const struct device *d, uint32_t rows);

/** P(n). */
int64_t device_stage_ns(const struct device *d, uint32_t rows);

/** Rows per second in full batches one behind the other. */
double device_capacity(const struct device *d);

#endif
