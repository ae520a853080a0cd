/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structure of a JSON text: objects, arrays and what is skipped. Nesting is a stack
 * of steps in the cursor, so nothing recurses and a failure can name its place.
 */
#include "schemas/json_read.h"

#include <stdarg.h>
#include <stdio.h>

void
json_read_init(struct json_read *j,
               struct span text,
               struct arena *arena,
               struct fault *fault)
{
    j->begin = text.data;
    j->at = text.data;
    j->end = text.data + text.size;
    j->arena = arena;
    j->fault = fault;
    j->status = STATUS_OK;
    j->depth = 0;
}

/** Line and column of the cursor, both from 1, the column in characters. */
static void
locate(const struct json_read *j, size_t *line, size_t *column)
{
    *line = 1;
    *column = 1;
    for (const uint8_t *at = j->begin; at < j->at; at++) {
        if (*at == '\n') {
            *line += 1;
            *column = 1;
        } else {
            *column += (*at & 0xC0) != 0x80;
        }
    }
}

/** The JSON pointer (RFC 6901) to the cursor's value; cut when it gets too long. */
static void
write_pointer(const struct json_read *j, char *out, size_t room)
{
    enum { KEY_SHOWN = 40 };
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < j->depth && used < room; i++) {
        const struct json_step *step = &j->steps[i];
        if (step->count == 0) {
            return;
        }
        int size = step->key.size < KEY_SHOWN ? (int)step->key.size : KEY_SHOWN;
        int wrote = step->object
                        ? snprintf(out + used, room - used, "/%.*s", size,
                                   (const char *)step->key.data)
                        : snprintf(out + used, room - used, "/%zu", step->count - 1);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
}

void
json_read_refuse(struct json_read *j, enum status status, const char *format, ...)
{
    if (j->status != STATUS_OK) {
        return;
    }
    j->status = status;
    char reason[160];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    char pointer[100];
    write_pointer(j, pointer, sizeof(pointer));
    size_t line = 0;
    size_t column = 0;
    locate(j, &line, &column);
    (void)fault_set(j->fault, status, "%s%s%s (line %zu, column %zu)", pointer,
                    pointer[0] == '\0' ? "" : ": ", reason, line, column);
}

enum json_value
json_read_peek(struct json_read *j)
{
    j->at = json_read_space(j->at, j->end);
    if (j->at == j->end || j->status != STATUS_OK) {
        return VALUE_NONE;
    }
    switch (*j->at) {
    case '{':
        return VALUE_OBJECT;
    case '[':
        return VALUE_ARRAY;
    case '"':
        return VALUE_TEXT;
    case 't':
    case 'f':
        return VALUE_BOOL;
    case 'n':
        return VALUE_NULL;
    default:
        return *j->at == '-' || (uint8_t)(*j->at - '0') <= 9 ? VALUE_NUMBER
                                                             : VALUE_NONE;
    }
}

/** Enters the object or array whose bracket is at the cursor. */
static inline void
open_step(struct json_read *j, bool object)
{
    if (j->depth == JSON_DEPTH_MAX) {
        json_read_refuse(j, STATUS_INVALID, "nested deeper than %d levels",
                         JSON_DEPTH_MAX);
        return;
    }
    j->at++;
    struct json_step *step = &j->steps[j->depth++];
    step->object = object;
    step->count = 0;
}

void
json_read_enter(struct json_read *j, enum json_value kind)
{
    if (json_read_peek(j) == kind) {
        open_step(j, kind == VALUE_OBJECT);
        return;
    }
    json_read_refuse(j, STATUS_INVALID,
                     kind == VALUE_OBJECT ? "expected an object" : "expected an array");
}

/** Passes a comma or the closing bracket; false behind the latter and on failure. */
static inline bool
advance(struct json_read *j, uint8_t close)
{
    if (j->status != STATUS_OK) {
        return false;
    }
    struct json_step *step = &j->steps[j->depth - 1];
    j->at = json_read_space(j->at, j->end);
    uint8_t next = j->at < j->end ? *j->at : 0;
    if (next == close) {
        j->at++;
        j->depth--;
        return false;
    }
    if (step->count > 0) {
        if (next != ',') {
            json_read_refuse(j, STATUS_INVALID, "expected ',' or '%c'", close);
            return false;
        }
        j->at = json_read_space(j->at + 1, j->end);
    }
    return true;
}

bool
json_read_element(struct json_read *j)
{
    if (!advance(j, ']')) {
        return false;
    }
    j->steps[j->depth - 1].count++;
    return true;
}

bool
json_read_member(struct json_read *j, struct span *key)
{
    if (!advance(j, '}')) {
        return false;
    }
    if (j->at == j->end || *j->at != '"') {
        json_read_refuse(j, STATUS_INVALID, "expected a member name in quotes");
        return false;
    }
    const uint8_t *begin = j->at;
    if (key != NULL) {
        *key = json_read_text(j);
    } else {
        json_read_pass(j);
    }
    if (j->status != STATUS_OK) {
        return false;
    }
    struct json_step *step = &j->steps[j->depth - 1];
    step->key = span_of(begin + 1, (size_t)(j->at - begin) - 2);
    step->count++;
    j->at = json_read_space(j->at, j->end);
    if (j->at == j->end || *j->at != ':') {
        json_read_refuse(j, STATUS_INVALID, "expected ':'");
        return false;
    }
    j->at = json_read_space(j->at + 1, j->end);
    return true;
}

/** Passes over a number; the hot case of what is skipped. */
static inline void
skip_number(struct json_read *j)
{
    struct number n;
    if (number_scan(j->at, j->end, &n) == STATUS_OK) {
        j->at += n.text.size;
    } else {
        (void)json_read_number(j); /* fails alike, in words */
    }
}

/** Enters what has elements and passes over what has none. */
static inline void
skip_one(struct json_read *j)
{
    enum json_value kind = json_read_peek(j);
    switch (kind) {
    case VALUE_OBJECT:
    case VALUE_ARRAY:
        open_step(j, kind == VALUE_OBJECT);
        return;
    case VALUE_TEXT:
        json_read_pass(j);
        return;
    case VALUE_NUMBER:
        skip_number(j);
        return;
    case VALUE_BOOL:
        (void)json_read_bool(j);
        return;
    case VALUE_NULL:
        (void)json_read_null(j);
        return;
    case VALUE_NONE:
        json_read_refuse(j, STATUS_INVALID, "expected a value");
        return;
    }
}

void
json_read_skip(struct json_read *j)
{
    uint32_t floor = j->depth;
    skip_one(j);
    while (j->depth > floor && j->status == STATUS_OK) {
        bool more = j->steps[j->depth - 1].object ? json_read_member(j, NULL)
                                                  : json_read_element(j);
        if (more) {
            skip_one(j);
        }
    }
}

void
json_read_finish(struct json_read *j)
{
    j->at = json_read_space(j->at, j->end);
    if (j->at < j->end) {
        json_read_refuse(j, STATUS_INVALID, "unexpected text behind the end");
    }
}
