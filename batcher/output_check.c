/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A NaN is an exponent of ones with a mantissa that is not 0 (IEEE 754), so without its
 * sign it is larger than infinity, compared as an integer. Blocks of a fixed number of
 * elements without a branch inside, so that compilers make vector code of them.
 */
#include "batcher/output_check.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK = 64, ELEMENT_BYTES_MAX = 8 };

#define FP16_INFINITY 0x7c00
#define BF16_INFINITY 0x7f80
#define FP32_INFINITY 0x7f800000
#define FP64_INFINITY INT64_C(0x7ff0000000000000)

static inline bool
words_above(const uint8_t *at, int16_t infinity)
{
    int16_t above = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        uint16_t bits;
        memcpy(&bits, at + i * sizeof bits, sizeof bits);
        above = (int16_t)(above | ((int16_t)(le16toh(bits) & INT16_MAX) > infinity));
    }
    return above != 0;
}

static inline bool
singles_above(const uint8_t *at)
{
    int32_t above = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        uint32_t bits;
        memcpy(&bits, at + i * sizeof bits, sizeof bits);
        above |= (int32_t)(le32toh(bits) & INT32_MAX) > FP32_INFINITY;
    }
    return above != 0;
}

static inline bool
doubles_above(const uint8_t *at)
{
    int64_t above = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        uint64_t bits;
        memcpy(&bits, at + i * sizeof bits, sizeof bits);
        above |= (int64_t)(le64toh(bits) & INT64_MAX) > FP64_INFINITY;
    }
    return above != 0;
}

static bool
block_has_nan(enum datatype datatype, const uint8_t *at)
{
    switch (datatype) {
    case DATATYPE_FP16:
        return words_above(at, FP16_INFINITY);
    case DATATYPE_BF16:
        return words_above(at, BF16_INFINITY);
    case DATATYPE_FP32:
        return singles_above(at);
    case DATATYPE_FP64:
        return doubles_above(at);
    default:
        return false;
    }
}

static bool
can_hold_nan(enum datatype datatype)
{
    return datatype == DATATYPE_FP16 || datatype == DATATYPE_BF16 ||
           datatype == DATATYPE_FP32 || datatype == DATATYPE_FP64;
}

static bool
tensor_has_nan(const struct tensor *t)
{
    if (!can_hold_nan(t->datatype)) {
        return false;
    }
    size_t step = BLOCK * datatype_size(t->datatype);
    size_t at = 0;
    for (; t->data.size - at >= step; at += step) {
        if (block_has_nan(t->datatype, t->data.data + at)) {
            return true;
        }
    }
    if (at == t->data.size) {
        return false;
    }
    uint8_t rest[BLOCK * ELEMENT_BYTES_MAX];
    memcpy(rest, t->data.data + at, t->data.size - at);
    memset(rest + (t->data.size - at), 0, step - (t->data.size - at));
    return block_has_nan(t->datatype, rest);
}

const struct tensor *
output_with_nan(const struct tensor *outputs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (tensor_has_nan(&outputs[i])) {
            return &outputs[i];
        }
    }
    return NULL;
}
