/* SPDX-License-Identifier: Apache-2.0 */
/* What the two timing parts of gpu_check share. */
#ifndef TESTS_GPU_TIMING_H
#define TESTS_GPU_TIMING_H

#include <stddef.h>

/** Of device memory; ends the program where there is none. */
void *time_take(size_t bytes);

/** Sorts and returns the value that this share of them does not exceed. */
double time_quantile(double *values, size_t count, double share);

#endif
