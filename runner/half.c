/* SPDX-License-Identifier: Apache-2.0 */
/* See half.h. */
#include "runner/half.h"

#include <math.h>
#include <string.h>

float
half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000U) << 16;
    uint32_t exponent = (half >> 10) & 0x1fU;
    uint32_t fraction = half & 0x3ffU;
    if (exponent == 0) { /* zero or subnormal: fraction × 2^-24 */
        float value = (float)fraction * 0x1p-24F;
        return sign != 0 ? -value : value;
    }
    uint32_t wide = exponent == 0x1f ? 0xffU : exponent + 127 - 15;
    uint32_t bits = sign | wide << 23 | fraction << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint16_t
half_from_float(float value)
{
    uint16_t sign = signbit(value) ? 0x8000U : 0;
    float size = fabsf(value);
    if (isnan(value)) {
        return (uint16_t)(sign | 0x7e00U);
    }
    if (size >= 65520.0F) {
        return (uint16_t)(sign | 0x7c00U);
    }
    int exponent = 0;
    (void)frexpf(size, &exponent); /* size = f × 2^exponent, ½ ≤ f < 1 */
    exponent = exponent < -13 ? -13 : exponent;
    /* In units of the last place: up to 2047, 2048 being the next exponent. Below 2^-14
     * numbers are subnormal. */
    long units = lrintf(ldexpf(size, 11 - exponent));
    long biased = units < 1024 ? 0 : exponent + 14;
    long bits = biased == 0 ? units : biased * 1024 + units - 1024;
    return (uint16_t)(sign | bits);
}
