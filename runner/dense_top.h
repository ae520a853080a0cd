/* SPDX-License-Identifier: Apache-2.0 */
/* The k largest of a row, as the CPU finds them (a device: runner/cuda/softmax.cu). */
#ifndef RUNNER_DENSE_TOP_H
#define RUNNER_DENSE_TOP_H

#include <stdint.h>

/**
 * Descending; of equal ones the lower index first. NaN is never among them.
 *
 * @param[in]  values [width]
 * @param[in]  k 1..width
 * @param[out] classes [k] indices; -1 where only NaN is left
 * @param[out] scores [k] values; NaN beside -1
 */
void dense_top(
    const float *values, uint32_t width, uint32_t k, int32_t *classes, float *scores);

#endif
