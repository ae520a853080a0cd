/* SPDX-License-Identifier: Apache-2.0 */
/* The affine curves. */
#include "bench/simulate/device.h"

uint32_t
device_padded_rows(const struct device *d, uint32_t rows)
{
    uint32_t bucket = 1;
    while (d->padded && bucket < rows) {
        bucket *= 2;
    }
    return d->padded ? bucket : rows;
}

int64_t
device_run_ns(const struct device *d, uint32_t rows)
{
    return (int64_t)(d->alpha_ns + d->beta_ns * device_padded_rows(d, rows));
}

int64_t
device_stage_ns(const struct device *d, uint32_t rows)
{
    return (int64_t)(d->stage_ns + d->stage_row_ns * rows);
}

double
device_capacity(const struct device *d)
{
    return d->rows_max * 1e9 / (double)device_run_ns(d, d->rows_max);
}
