/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every length and count is compared with what is left before it is believed, so the
 * work is bounded by the bytes that really came.
 */
#include "schemas/avro_read.h"

#include "schemas/avro_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { LONG_BYTES_MAX = 10 };

void
avro_reader_init(struct avro_reader *r,
                 struct span bytes,
                 struct span body,
                 struct arena *arena,
                 struct fault *fault)
{
    r->start = bytes.data;
    r->at = body.data;
    r->end = body.size == 0 ? body.data : body.data + body.size;
    r->arena = arena;
    r->fault = fault;
    r->status = STATUS_OK;
    r->depth = 0;
    r->path[0] = (struct avro_step){.name = "record", .index = AVRO_NO_INDEX};
}

/* "inputs[2].shape" */
static void
path_format(const struct avro_reader *r, char *text, size_t size)
{
    size_t used = 0;
    for (unsigned i = 0; i <= r->depth && used < size; i++) {
        const struct avro_step *step = &r->path[i];
        const char *dot = i == 0 ? "" : ".";
        int n = step->index == AVRO_NO_INDEX
                    ? snprintf(text + used, size - used, "%s%s", dot, step->name)
                    : snprintf(text + used, size - used, "%s%s[%" PRId64 "]", dot,
                               step->name, step->index);
        used += n < 0 ? 0 : (size_t)n;
    }
}

__attribute__((cold)) void
avro_fail(struct avro_reader *r,
          const uint8_t *at,
          enum status status,
          const char *format,
          ...)
{
    if (r->status != STATUS_OK) {
        return;
    }
    r->status = status;
    r->at = r->end;
    char path[96];
    path_format(r, path, sizeof(path));
    char detail[128];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    fault_set(r->fault, status, "%s: %s, at byte %zu", path, detail,
              (size_t)(at - r->start));
}

static size_t
bytes_left(const struct avro_reader *r)
{
    return (size_t)(r->end - r->at);
}

uint64_t
avro_read_varint(struct avro_reader *r)
{
    const uint8_t *from = r->at;
    uint64_t value = 0;
    for (unsigned i = 0; i < LONG_BYTES_MAX; i++) {
        if (r->at == r->end) {
            avro_fail(r, from, STATUS_INVALID, "the record ends inside a number");
            return 0;
        }
        uint8_t byte = *r->at++;
        if (i == LONG_BYTES_MAX - 1 && byte > 1) {
            break;
        }
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            return value;
        }
    }
    avro_fail(r, from, STATUS_INVALID, "a number of more than 64 bits");
    return 0;
}

int64_t
avro_read_number(struct avro_reader *r, int64_t min, int64_t max)
{
    const uint8_t *from = r->at;
    int64_t value = avro_read_long(r);
    if (value < min || value > max) {
        avro_fail(r, from, STATUS_INVALID,
                  "%" PRId64 " is not from %" PRId64 " to %" PRId64, value, min, max);
        return 0;
    }
    return value;
}

uint32_t
avro_read_index(struct avro_reader *r, uint32_t count)
{
    return (uint32_t)avro_read_number(r, 0, (int64_t)count - 1);
}

double
avro_read_double(struct avro_reader *r)
{
    if (bytes_left(r) < sizeof(uint64_t)) {
        avro_fail(r, r->at, STATUS_INVALID, "the record ends inside a double");
        return 0;
    }
    uint64_t bits = 0;
    for (unsigned i = 0; i < sizeof(bits); i++) {
        bits |= (uint64_t)*r->at++ << (8 * i);
    }
    double value = 0;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

bool
avro_read_boolean(struct avro_reader *r)
{
    if (r->at == r->end || *r->at > 1) {
        avro_fail(r, r->at, STATUS_INVALID, "no boolean");
        return false;
    }
    return *r->at++ == 1;
}

void
avro_read_fixed(struct avro_reader *r, uint8_t *bytes, size_t size)
{
    if (bytes_left(r) < size) {
        avro_fail(r, r->at, STATUS_INVALID, "the record ends inside %zu bytes", size);
        memset(bytes, 0, size);
        return;
    }
    memcpy(bytes, r->at, size);
    r->at += size;
}

struct span
avro_read_bytes(struct avro_reader *r, size_t max)
{
    const uint8_t *from = r->at;
    int64_t length = avro_read_long(r);
    if (length < 0 || (uint64_t)length > bytes_left(r)) {
        avro_fail(r, from, STATUS_INVALID,
                  "a length of %" PRId64 " with %zu bytes left", length, bytes_left(r));
        return (struct span){0};
    }
    if ((uint64_t)length > max) {
        avro_fail(r, from, STATUS_TOO_LARGE, "a length of %" PRId64 ", at most %zu",
                  length, max);
        return (struct span){0};
    }
    struct span bytes = span_of(r->at, (size_t)length);
    r->at += length;
    return bytes;
}

struct span
avro_read_text(struct avro_reader *r, size_t min, size_t max)
{
    const uint8_t *from = r->at;
    struct span text = avro_read_bytes(r, max);
    if (text.size < min) {
        avro_fail(r, from, STATUS_INVALID, "must not be empty");
        return (struct span){0};
    }
    size_t valid = avro_text_valid(text);
    if (valid < text.size) {
        avro_fail(r, text.data + valid, STATUS_INVALID, "no UTF-8, or a zero byte");
        return (struct span){0};
    }
    return text;
}

/* A count below zero is that of a block which also says its size in bytes. */
static void
begin_block(struct avro_reader *r, struct avro_items *items)
{
    const uint8_t *from = r->at;
    int64_t count = avro_read_long(r);
    uint64_t magnitude = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
    if (magnitude > items->max - items->count) {
        avro_fail(r, from, STATUS_TOO_LARGE,
                  "a block of %" PRIu64 " items after %zu, at most %zu in all",
                  magnitude, items->count, items->max);
        return;
    }
    items->block_end = NULL;
    if (count < 0) {
        int64_t size = avro_read_long(r);
        if (size < 0 || (uint64_t)size > bytes_left(r)) {
            avro_fail(r, from, STATUS_INVALID,
                      "a block of %" PRId64 " bytes with %zu left", size,
                      bytes_left(r));
            return;
        }
        items->block_end = r->at + size;
    }
    items->left = (size_t)magnitude;
}

bool
avro_next_item(struct avro_reader *r, struct avro_items *items)
{
    struct avro_step *step = &r->path[r->depth];
    if (items->left == 0) {
        step->index = AVRO_NO_INDEX;
        if (items->block_end != NULL && items->block_end != r->at) {
            avro_fail(r, r->at, STATUS_INVALID, "the block is not of the size it says");
        }
        begin_block(r, items);
        if (r->status != STATUS_OK || items->left == 0) {
            return false;
        }
    }
    if (r->status != STATUS_OK) {
        return false;
    }
    step->index = (int64_t)items->count;
    items->left--;
    items->count++;
    return true;
}
