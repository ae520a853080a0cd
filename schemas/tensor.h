/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tensor as the Open Inference Protocol's binary form has it: little-endian,
 * row-major, no padding; a BYTES element is a 4-byte length and its bytes. The bytes
 * are borrowed (from a Kafka record, a body or a slab).
 */
#ifndef SCHEMAS_TENSOR_H
#define SCHEMAS_TENSOR_H

#include "base/datatype.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TENSOR_RANK_MAX = 8 };

struct tensor {
    struct span name;
    enum datatype datatype;
    uint32_t rank;
    int64_t
        shape[TENSOR_RANK_MAX]; /* rank entries; -1 = variable, in a tensor_spec only */
    struct span data;
};

/** What a model wants or gives: a tensor without data; the first dimension of a
 * batching model is its batch dimension and -1. */
struct tensor_spec {
    struct span name;
    enum datatype datatype;
    uint32_t rank;
    int64_t shape[TENSOR_RANK_MAX];
};

/**
 * Number of elements, the product of the shape (1 for rank 0).
 *
 * @return STATUS_OK; STATUS_INVALID for a negative dimension or an overflow
 */
MUST_CHECK enum status
tensor_elements(const int64_t *shape, uint32_t rank, int64_t *count);

/** Whether the data is just what datatype and shape ask for (walks BYTES elements). */
MUST_CHECK enum status tensor_check(const struct tensor *t, struct fault *fault);

#endif
