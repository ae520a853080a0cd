/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a model's answer holds values that are no numbers (NaN): most often a sign of
 * a broken input or an overflow, and poison for whoever computes on. Pure.
 */
#ifndef BATCHER_OUTPUT_CHECK_H
#define BATCHER_OUTPUT_CHECK_H

#include "schemas/tensor.h"

#include <stddef.h>

/**
 * The first of an item's outputs that holds a NaN, or NULL. Infinities are numbers;
 * only FP16, BF16, FP32 and FP64 can hold one.
 */
const struct tensor *output_with_nan(const struct tensor *outputs, size_t count);

#endif
