/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `data` array of an input: numbers go from the text straight into the tensor's
 * little-endian bytes. This is where a JSON body's time is spent, so elements are taken
 * in runs between brackets. Nested arrays must be regular: at each depth all arrays
 * hold the same number of elements, and if they are nested as deep as the shape has
 * dimensions, just the number that the shape says.
 */
#include "schemas/oip_read.h"
#include "schemas/oip_shape.h"

#include <inttypes.h>
#include <math.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are stored as is");

enum { LENGTH_BYTES = 4, LENGTH_UNKNOWN = -1 };

/** Where in the nest the reader is; depths count from the data array, which is 0. */
struct nest {
    int64_t wanted; /* elements in all */
    int64_t count;  /* elements so far */
    uint32_t base;  /* depth of the cursor outside the data array */
    uint32_t leaf;  /* depth of the arrays that hold elements; JSON_DEPTH_MAX = open */
    int64_t begun[JSON_DEPTH_MAX];  /* count when the array at this depth began */
    int64_t length[JSON_DEPTH_MAX]; /* elements of an array at this depth */
};

/** Reads one element at j->at and stores it; returns the end of what was written. */
typedef uint8_t *(*element_fn)(struct json_read *j, uint8_t *out);

static uint8_t *
store(uint8_t *out, const void *value, size_t size)
{
    memcpy(out, value, size);
    return out + size;
}

/** The number at the cursor; in line, for it is most of the work. */
static inline bool
take_number(struct json_read *j, struct number *n)
{
    if (number_scan(j->at, j->end, n) == STATUS_OK) {
        j->at += n->text.size;
        return true;
    }
    *n = json_read_number(j); /* fails alike, in words */
    return false;
}

/** JSON has no words for nan and infinity, but senders try. */
static inline bool
take_real(struct json_read *j, struct number *n)
{
    uint8_t first = j->at < j->end ? *j->at : 0;
    uint8_t second = j->end - j->at > 1 ? j->at[1] : 0;
    if (first == 'N' || first == 'I' || (first == '-' && second == 'I')) {
        json_read_refuse(j, STATUS_INVALID,
                         "NaN and Infinity are not JSON; send binary data");
    }
    return take_number(j, n);
}

static void
refuse_range(struct json_read *j, const struct number *n, const char *datatype)
{
    j->at = n->text.data;
    json_read_refuse(j, STATUS_INVALID, "%.*s is out of range for %s",
                     (int)n->text.size, (const char *)n->text.data, datatype);
}

static uint8_t *
read_fp32(struct json_read *j, uint8_t *out)
{
    struct number n;
    float value = take_real(j, &n) ? number_to_float(&n) : 0;
    if (isinf(value)) {
        refuse_range(j, &n, "FP32");
    }
    return store(out, &value, sizeof(value));
}

static uint8_t *
read_fp64(struct json_read *j, uint8_t *out)
{
    struct number n;
    double value = take_real(j, &n) ? number_to_double(&n) : 0;
    if (isinf(value)) {
        refuse_range(j, &n, "FP64");
    }
    return store(out, &value, sizeof(value));
}

static uint8_t *
read_signed(struct json_read *j, uint8_t *out, enum datatype datatype)
{
    size_t size = datatype_size(datatype);
    int64_t max = INT64_MAX >> (64 - 8 * size);
    struct number n;
    int64_t value = 0;
    if (!take_number(j, &n)) {
        return out;
    }
    enum status status = number_to_int64(&n, &value);
    if (status == STATUS_INVALID) {
        j->at = n.text.data;
        json_read_refuse(j, STATUS_INVALID, "expected an integer");
    } else if (status != STATUS_OK || value > max || value < -max - 1) {
        refuse_range(j, &n, datatype_name(datatype));
    }
    return store(out, &value, size);
}

static uint8_t *
read_unsigned(struct json_read *j, uint8_t *out, enum datatype datatype)
{
    size_t size = datatype_size(datatype);
    uint64_t max = UINT64_MAX >> (64 - 8 * size);
    struct number n;
    uint64_t value = 0;
    if (!take_number(j, &n)) {
        return out;
    }
    enum status status = number_to_uint64(&n, &value);
    if (status == STATUS_INVALID) {
        j->at = n.text.data;
        json_read_refuse(j, STATUS_INVALID, "expected an integer");
    } else if (status != STATUS_OK || value > max) {
        refuse_range(j, &n, datatype_name(datatype));
    }
    return store(out, &value, size);
}

static uint8_t *
read_int8(struct json_read *j, uint8_t *out)
{
    return read_signed(j, out, DATATYPE_INT8);
}

static uint8_t *
read_int16(struct json_read *j, uint8_t *out)
{
    return read_signed(j, out, DATATYPE_INT16);
}

static uint8_t *
read_int32(struct json_read *j, uint8_t *out)
{
    return read_signed(j, out, DATATYPE_INT32);
}

static uint8_t *
read_int64(struct json_read *j, uint8_t *out)
{
    return read_signed(j, out, DATATYPE_INT64);
}

static uint8_t *
read_uint8(struct json_read *j, uint8_t *out)
{
    return read_unsigned(j, out, DATATYPE_UINT8);
}

static uint8_t *
read_uint16(struct json_read *j, uint8_t *out)
{
    return read_unsigned(j, out, DATATYPE_UINT16);
}

static uint8_t *
read_uint32(struct json_read *j, uint8_t *out)
{
    return read_unsigned(j, out, DATATYPE_UINT32);
}

static uint8_t *
read_uint64(struct json_read *j, uint8_t *out)
{
    return read_unsigned(j, out, DATATYPE_UINT64);
}

static uint8_t *
read_bool(struct json_read *j, uint8_t *out)
{
    uint8_t value = 0;
    if (json_read_peek(j) == VALUE_NUMBER) {
        struct number n = json_read_number(j);
        if (j->status == STATUS_OK && (n.text.size != 1 || n.digits > 1)) {
            refuse_range(j, &n, "BOOL");
        }
        value = n.digits == 1;
    } else {
        value = json_read_bool(j);
    }
    return store(out, &value, sizeof(value));
}

static uint8_t *
read_bytes(struct json_read *j, uint8_t *out)
{
    struct json_string s = json_read_string(j);
    uint8_t *text = out + LENGTH_BYTES;
    size_t size = s.raw.size;
    if (s.escaped) {
        size = json_read_unescape(j, &s, text);
    } else if (size > 0) {
        memcpy(text, s.raw.data, size);
    }
    uint32_t length = (uint32_t)size;
    memcpy(out, &length, LENGTH_BYTES);
    return text + size;
}

static const element_fn readers[DATATYPE_COUNT] = {
    [DATATYPE_BOOL] = read_bool,     [DATATYPE_UINT8] = read_uint8,
    [DATATYPE_UINT16] = read_uint16, [DATATYPE_UINT32] = read_uint32,
    [DATATYPE_UINT64] = read_uint64, [DATATYPE_INT8] = read_int8,
    [DATATYPE_INT16] = read_int16,   [DATATYPE_INT32] = read_int32,
    [DATATYPE_INT64] = read_int64,   [DATATYPE_FP32] = read_fp32,
    [DATATYPE_FP64] = read_fp64,     [DATATYPE_BYTES] = read_bytes,
};

/** The cursor stands at an element: reads it and those that follow at this depth. */
static uint8_t *
read_run(struct json_read *j, struct nest *nest, element_fn read, uint8_t *out)
{
    struct json_step *step = &j->steps[j->depth - 1];
    for (;;) {
        if (nest->count == nest->wanted) {
            json_read_refuse(j, STATUS_INVALID,
                             "more elements than the %" PRId64 " of the shape",
                             nest->wanted);
            return out;
        }
        out = read(j, out);
        nest->count++;
        const uint8_t *at = json_read_space(j->at, j->end);
        if (j->status != STATUS_OK || at == j->end || *at != ',') {
            return out;
        }
        const uint8_t *next = json_read_space(at + 1, j->end);
        if (next < j->end && *next == '[') {
            return out;
        }
        j->at = next;
        step->count++;
    }
}

/** Enters the array at the cursor. */
static void
open_array(struct json_read *j, struct nest *nest)
{
    json_read_enter(j, VALUE_ARRAY);
    uint32_t depth = j->depth - nest->base - 1;
    if (j->status == STATUS_OK && depth > nest->leaf) {
        json_read_refuse(j, STATUS_INVALID, "an array beside numbers");
    } else if (j->status == STATUS_OK) {
        nest->begun[depth] = nest->count;
    }
}

/** An array was left: it must be as long as the others at its depth. */
static void
close_array(struct json_read *j, struct nest *nest)
{
    uint32_t depth = j->depth - nest->base;
    int64_t length = nest->count - nest->begun[depth];
    if (nest->length[depth] == LENGTH_UNKNOWN) {
        nest->length[depth] = length;
    } else if (nest->length[depth] != length) {
        json_read_refuse(j, STATUS_INVALID,
                         "nested array of %" PRId64 " elements, others have %" PRId64,
                         length, nest->length[depth]);
    }
}

/** Whether elements may stand in an array at this depth, after what came before. */
static bool
holds_elements(const struct nest *nest, uint32_t depth)
{
    if (nest->leaf != JSON_DEPTH_MAX) {
        return nest->leaf == depth;
    }
    return depth + 1 == JSON_DEPTH_MAX || nest->length[depth + 1] == LENGTH_UNKNOWN;
}

/** Reads all elements, whatever the nesting. @return end of the bytes written */
static uint8_t *
read_nest(struct json_read *j, struct nest *nest, element_fn read, uint8_t *out)
{
    open_array(j, nest);
    while (j->depth > nest->base && j->status == STATUS_OK) {
        if (!json_read_element(j)) {
            if (j->status == STATUS_OK) {
                close_array(j, nest);
            }
            continue;
        }
        uint32_t depth = j->depth - nest->base - 1;
        if (j->at < j->end && *j->at == '[') {
            open_array(j, nest);
        } else if (!holds_elements(nest, depth)) {
            json_read_refuse(j, STATUS_INVALID, "expected a nested array");
        } else {
            nest->leaf = depth;
            out = read_run(j, nest, read, out);
        }
    }
    return out;
}

/** Whether there are as many elements as the shape says, and grouped so. */
static void
check_nest(struct json_read *j, const struct nest *nest, const struct tensor *t)
{
    char shape[OIP_SHAPE_TEXT];
    oip_shape_format(t->shape, t->rank, shape);
    if (nest->count != nest->wanted) {
        json_read_refuse(j, STATUS_INVALID,
                         "%" PRId64 " elements, the shape %s has %" PRId64, nest->count,
                         shape, nest->wanted);
        return;
    }
    if (nest->leaf + 1 != t->rank) {
        return;
    }
    int64_t length = nest->wanted;
    for (uint32_t depth = 1; depth < t->rank && length > 0; depth++) {
        length /= t->shape[depth - 1];
        if (nest->length[depth] != length) {
            json_read_refuse(j, STATUS_INVALID, "nested otherwise than the shape %s",
                             shape);
            return;
        }
    }
}

/** Bytes of text of the data array at the cursor; 0 after a failure. */
static size_t
text_size(struct json_read *j)
{
    struct json_read ahead = *j;
    json_read_skip(&ahead);
    j->status = ahead.status;
    return ahead.status == STATUS_OK ? (size_t)(ahead.at - j->at) : 0;
}

/** Bytes that the data array at the cursor may turn into; 0 after a failure. */
static size_t
room_for(struct json_read *j, const struct tensor *t, int64_t wanted)
{
    bool bytes = t->datatype == DATATYPE_BYTES;
    size_t text = bytes ? text_size(j) : (size_t)(j->end - j->at);
    /* "[1,2]": an element takes two bytes of text at least. */
    if ((uint64_t)wanted > text / 2) {
        json_read_refuse(j, STATUS_INVALID,
                         "fewer elements than the %" PRId64 " of the shape", wanted);
        return 0;
    }
    /* A string never grows by decoding. One byte more: room is never 0. */
    return bytes ? text + (size_t)wanted * LENGTH_BYTES
                 : (size_t)wanted * datatype_size(t->datatype) + 1;
}

void
oip_read_data(struct json_read *j, struct tensor *t)
{
    struct nest nest = {.base = j->depth, .leaf = JSON_DEPTH_MAX};
    if (readers[t->datatype] == NULL) {
        json_read_refuse(j, STATUS_INVALID,
                         "%s has no JSON form: send it as binary data",
                         datatype_name(t->datatype));
        return;
    }
    if (tensor_elements(t->shape, t->rank, &nest.wanted) != STATUS_OK) {
        json_read_refuse(j, STATUS_INVALID, "more than 2^63 elements");
        return;
    }
    for (uint32_t i = 0; i < JSON_DEPTH_MAX; i++) {
        nest.length[i] = LENGTH_UNKNOWN;
    }
    size_t room = room_for(j, t, nest.wanted);
    if (j->status != STATUS_OK) {
        return;
    }
    uint8_t *out = arena_alloc(j->arena, room);
    if (out == NULL) {
        json_read_refuse(j, STATUS_NO_MEMORY, "no memory for the data");
        return;
    }
    uint8_t *end = read_nest(j, &nest, readers[t->datatype], out);
    if (j->status == STATUS_OK) {
        check_nest(j, &nest, t);
    }
    t->data = span_of(out, (size_t)(end - out));
}
