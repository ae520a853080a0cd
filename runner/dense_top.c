/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See dense_top.h. k passes, each for the first value behind the last one found: k is
 * small, and a row of some thousand values stays in the cache.
 */
#include "runner/dense_top.h"

#include <math.h>
#include <stdbool.h>

void
dense_top(
    const float *values, uint32_t width, uint32_t k, int32_t *classes, float *scores)
{
    float last = INFINITY;
    int32_t last_index = -1;
    for (uint32_t found = 0; found < k; found++) {
        float best = NAN;
        int32_t index = -1;
        for (uint32_t i = 0; i < width; i++) {
            bool is_behind =
                values[i] < last || (values[i] == last && (int32_t)i > last_index);
            if (is_behind && (index < 0 || values[i] > best)) {
                best = values[i];
                index = (int32_t)i;
            }
        }
        classes[found] = index;
        scores[found] = best;
        last = best;
        last_index = index;
    }
}
