/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor over a JSON text (RFC 8259) from an untrusted sender: the caller pulls the
 * values it wants and skips the others; nothing is built. Memory comes from the arena
 * and only for strings with escapes; nesting, strings and numbers are bounded; time is
 * linear in the text. Pure.
 *
 * The first failure is kept in `status`, its words (JSON pointer, reason, line and
 * column) in the fault; from then on every call does nothing and reads as "no more", so
 * a caller checks once at the end. (Not named after libjansson's own json_string() and
 * the like: libavro would bind to ours.)
 */
#ifndef SCHEMAS_JSON_READ_H
#define SCHEMAS_JSON_READ_H

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"
#include "schemas/number.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 32, JSON_TEXT_MAX = 1 << 20 };

enum json_value {
    VALUE_OBJECT,
    VALUE_ARRAY,
    VALUE_TEXT,
    VALUE_NUMBER,
    VALUE_BOOL,
    VALUE_NULL,
    VALUE_NONE, /* no value begins here */
};

/** Where in an open object or array the cursor is. */
struct json_step {
    bool object;
    size_t count;    /* members or elements begun */
    struct span key; /* of the current member, as written */
};

struct json_read {
    const uint8_t *begin;
    const uint8_t *at;
    const uint8_t *end;
    struct arena *arena;
    struct fault *fault;
    enum status status;
    uint32_t depth; /* steps in use */
    struct json_step steps[JSON_DEPTH_MAX];
};

/** A string as it stands in the text. */
struct json_string {
    struct span raw; /* between the quotes; valid UTF-8 */
    bool escaped;
};

void json_read_init(struct json_read *j,
                    struct span text,
                    struct arena *arena,
                    struct fault *fault);

/** What begins at the cursor, by its first byte. */
enum json_value json_read_peek(struct json_read *j);

/** Enters an object or an array; anything else is a failure that says so. */
void json_read_enter(struct json_read *j, enum json_value kind);

/**
 * Moves to the next member; false behind the last one, whose object is left then.
 *
 * @param[out] key decoded; NULL if not wanted
 */
bool json_read_member(struct json_read *j, struct span *key);

/** Moves to the next element; false behind the last one, whose array is left then. */
bool json_read_element(struct json_read *j);

/* The value at the cursor; of another kind: a failure, and an empty value. */
struct span json_read_text(struct json_read *j); /* decoded; U+0000 is refused */
bool json_read_bool(struct json_read *j);
struct number json_read_number(struct json_read *j);
int64_t json_read_int64(struct json_read *j);

/** The string at the cursor, undecoded; json_read_unescape() yields at most raw.size
 * bytes.
 */
struct json_string json_read_string(struct json_read *j);

/** Decodes a string; invalid escapes are a failure. @return bytes written */
size_t
json_read_unescape(struct json_read *j, const struct json_string *s, uint8_t *out);

/** Passes over a string. */
void json_read_pass(struct json_read *j);

/** Passes over a null; false, and nothing happens, if there is another value. */
bool json_read_null(struct json_read *j);

/** Passes over a value of any kind; it is still checked in full. */
void json_read_skip(struct json_read *j);

/** Fails unless only white space follows. */
void json_read_finish(struct json_read *j);

/** Records a failure at the cursor, unless there was one before. */
void json_read_refuse(struct json_read *j, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);

/** White space; the inner loops of readers of large arrays need it in line. */
static inline const uint8_t *
json_read_space(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) {
        at++;
    }
    return at;
}

#endif
