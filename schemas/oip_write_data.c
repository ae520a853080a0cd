/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tensor's bytes as JSON values. Elements are loaded by memcpy: the bytes may stand
 * anywhere in a record.
 */
#include "schemas/number.h"
#include "schemas/oip_write.h"

#include <math.h>

enum { LENGTH_BYTES = 4 };

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are loaded as is");

/** Writes one fixed-size element; returns bytes written. */
typedef size_t (*element_fn)(char out[static NUMBER_WRITE_MAX], const uint8_t *at);

static size_t
write_bool(char out[static NUMBER_WRITE_MAX], const uint8_t *at)
{
    size_t size = *at == 0 ? 5 : 4;
    memcpy(out, *at == 0 ? "false" : "true", size);
    return size;
}

static size_t
write_uint8(char out[static NUMBER_WRITE_MAX], const uint8_t *at)
{
    return number_write_uint64(out, *at);
}

static size_t
write_uint16(char out[static NUMBER_WRITE_MAX], const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof(value));
    return number_write_uint64(out, value);
}

static size_t
write_uint32(char out[static NUMBER_WRITE_MAX], const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return number_write_uint64(out, value);
}

static size_t
write_uint64(char out[static NUMBER_WRITE_MAX], const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return number_write_uint64(out, value);
}

static size_t
write_int8(char out[static NUMBER_WRITE_MAX], const uint8_t *at)
{
    int8_t value;
    memcpy(&value, at, sizeof(value));
    return number_write_int64(out, value);
}

static size_t
write_int16(char out[static NUMBER_WRITE_MAX], const uint8_t *at)
{
    int16_t value;
    memcpy(&value, at, sizeof(value));
    return number_write_int64(out, value);
}

static size_t
write_int32(char out[static NUMBER_WRITE_MAX], const uint8_t *at)
{
    int32_t value;
    memcpy(&value, at, sizeof(value));
    return number_write_int64(out, value);
}

static size_t
write_int64(char out[static NUMBER_WRITE_MAX], const uint8_t *at)
{
    int64_t value;
    memcpy(&value, at, sizeof(value));
    return number_write_int64(out, value);
}

/** IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
static size_t
write_fp16(char out[static NUMBER_WRITE_MAX], const uint8_t *at)
{
    uint16_t bits;
    memcpy(&bits, at, sizeof(bits));
    int exponent = bits >> 10 & 0x1F;
    int fraction = bits & 0x3FF;
    float value = exponent == 0      ? ldexpf((float)fraction, -24)
                  : exponent == 0x1F ? INFINITY /* or nan: both are null */
                                     : ldexpf((float)(fraction + 0x400), exponent - 25);
    return number_write_float(out, (bits & 0x8000) != 0 ? -value : value);
}

/** The upper half of a binary32. */
static size_t
write_bf16(char out[static NUMBER_WRITE_MAX], const uint8_t *at)
{
    uint16_t half;
    memcpy(&half, at, sizeof(half));
    uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return number_write_float(out, value);
}

static size_t
write_fp32(char out[static NUMBER_WRITE_MAX], const uint8_t *at)
{
    float value;
    memcpy(&value, at, sizeof(value));
    return number_write_float(out, value);
}

static size_t
write_fp64(char out[static NUMBER_WRITE_MAX], const uint8_t *at)
{
    double value;
    memcpy(&value, at, sizeof(value));
    return number_write_double(out, value);
}

static const element_fn writers[DATATYPE_COUNT] = {
    [DATATYPE_BOOL] = write_bool,     [DATATYPE_UINT8] = write_uint8,
    [DATATYPE_UINT16] = write_uint16, [DATATYPE_UINT32] = write_uint32,
    [DATATYPE_UINT64] = write_uint64, [DATATYPE_INT8] = write_int8,
    [DATATYPE_INT16] = write_int16,   [DATATYPE_INT32] = write_int32,
    [DATATYPE_INT64] = write_int64,   [DATATYPE_FP16] = write_fp16,
    [DATATYPE_BF16] = write_bf16,     [DATATYPE_FP32] = write_fp32,
    [DATATYPE_FP64] = write_fp64,
};

/** Elements of a length and bytes each; bytes that are no UTF-8 become U+FFFD. */
static void
write_texts(struct span data, struct buf *b)
{
    size_t at = 0;
    while (data.size - at >= LENGTH_BYTES && b->status == STATUS_OK) {
        uint32_t length;
        memcpy(&length, data.data + at, LENGTH_BYTES);
        size_t left = data.size - at - LENGTH_BYTES;
        size_t size = length < left ? length : left;
        if (at > 0) {
            buf_append_byte(b, ',');
        }
        oip_write_text(span_of(data.data + at + LENGTH_BYTES, size), b);
        at += LENGTH_BYTES + size;
    }
}

static void
write_elements(const struct tensor *t, struct buf *b)
{
    enum { CHUNK = 64 }; /* elements written between two looks at the buffer */
    element_fn write = writers[t->datatype];
    size_t size = datatype_size(t->datatype);
    size_t count = t->data.size / size;
    char text[CHUNK * (NUMBER_WRITE_MAX + 1)];
    for (size_t i = 0; i < count && b->status == STATUS_OK;) {
        size_t used = 0;
        size_t stop = count - i < CHUNK ? count : i + CHUNK;
        for (; i < stop; i++) {
            text[used] = ',';
            used += i > 0;
            used += write(text + used, t->data.data + i * size);
        }
        buf_append(b, text, used);
    }
}

void
oip_write_data(const struct tensor *t, struct buf *b)
{
    buf_append_byte(b, '[');
    if (t->datatype == DATATYPE_BYTES) {
        write_texts(t->data, b);
    } else {
        write_elements(t, b);
    }
    buf_append_byte(b, ']');
}
