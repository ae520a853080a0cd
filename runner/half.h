/* SPDX-License-Identifier: Apache-2.0 */
/* IEEE 754 binary16, FP16: 1 sign, 5 exponent (bias 15), 10 fraction bits. Pure. */
#ifndef RUNNER_HALF_H
#define RUNNER_HALF_H

#include <stdint.h>

float half_to_float(uint16_t half);

/** The nearest one, of two the even; infinity from 65,520 on. */
uint16_t half_from_float(float value);

#endif
