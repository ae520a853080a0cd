/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the bytes of a tensor are what its datatype and shape say. All that comes
 * from outside, by Kafka or HTTP, passes here once; behind it the data may be indexed
 * by the shape without a further look.
 */
#include "schemas/tensor.h"

#include <inttypes.h>

enum { BYTES_PREFIX = 4 };

/* Zeros are left out of the product, so that whether it overflows does not depend on
 * the order of the dimensions. */
enum status
tensor_elements(const int64_t *shape, uint32_t rank, int64_t *count)
{
    int64_t product = 1;
    bool empty = false;
    for (uint32_t i = 0; i < rank; i++) {
        if (shape[i] < 0) {
            return STATUS_INVALID;
        }
        if (shape[i] == 0) {
            empty = true;
        } else if (__builtin_mul_overflow(product, shape[i], &product)) {
            return STATUS_INVALID;
        }
    }
    *count = empty ? 0 : product;
    return STATUS_OK;
}

static uint32_t
length_at(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

static enum status
bytes_elements_check(struct span data, uint64_t count, struct fault *fault)
{
    size_t at = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (data.size - at < BYTES_PREFIX) {
            return fault_set(fault, STATUS_INVALID,
                             "data ends before element %" PRIu64 " of %" PRIu64, i,
                             count);
        }
        uint32_t length = length_at(data.data + at);
        at += BYTES_PREFIX;
        if (length > data.size - at) {
            return fault_set(fault, STATUS_INVALID,
                             "element %" PRIu64 " says %" PRIu32
                             " bytes, of which the data has %zu",
                             i, length, data.size - at);
        }
        at += length;
    }
    if (at != data.size) {
        return fault_set(fault, STATUS_INVALID,
                         "%zu bytes of data behind the last element", data.size - at);
    }
    return STATUS_OK;
}

enum status
tensor_check(const struct tensor *t, struct fault *fault)
{
    if (t->rank > TENSOR_RANK_MAX) {
        return fault_set(fault, STATUS_TOO_LARGE, "%" PRIu32 " dimensions, at most %d",
                         t->rank, TENSOR_RANK_MAX);
    }
    int64_t count = 0;
    if (tensor_elements(t->shape, t->rank, &count) != STATUS_OK) {
        return fault_set(fault, STATUS_INVALID,
                         "shape with a negative dimension or over 2^63");
    }
    if (t->datatype == DATATYPE_BYTES) {
        return bytes_elements_check(t->data, (uint64_t)count, fault);
    }
    size_t size = datatype_size(t->datatype);
    if (t->data.size % size != 0 || t->data.size / size != (uint64_t)count) {
        return fault_set(fault, STATUS_INVALID,
                         "%zu bytes of data for %" PRId64 " elements of %s",
                         t->data.size, count, datatype_name(t->datatype));
    }
    return STATUS_OK;
}
