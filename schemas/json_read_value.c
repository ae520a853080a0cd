/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values without structure: strings, numbers, true, false and null. A string
 * without escapes is lent as it stands in the text.
 */
#include "schemas/json_read.h"
#include "schemas/utf8.h"

/** First byte that is not a plain ASCII character of a string. */
static const uint8_t *
skip_plain(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\') {
        at++;
    }
    return at;
}

/** Bytes of the special character at the cursor, escapes not yet looked into; 0 after a
 * failure. */
static size_t
special_length(struct json_read *j, const uint8_t *at)
{
    size_t length = 0;
    if (at < j->end && *at == '\\') {
        length = j->end - at >= 2 ? 2 : 0;
    } else if (at < j->end && *at >= 0x80) {
        length = utf8_length(at, j->end);
        if (length == 0) {
            j->at = at;
            json_read_refuse(j, STATUS_INVALID, "invalid UTF-8 in a string");
            return 0;
        }
    } else if (at < j->end) {
        j->at = at;
        json_read_refuse(j, STATUS_INVALID, "control character 0x%02x", *at);
        return 0;
    }
    if (length == 0) {
        json_read_refuse(j, STATUS_INVALID, "string without an end");
    }
    return length;
}

struct json_string
json_read_string(struct json_read *j)
{
    struct json_string s = {.escaped = false};
    if (json_read_peek(j) != VALUE_TEXT) {
        json_read_refuse(j, STATUS_INVALID, "expected a string");
        return s;
    }
    const uint8_t *begin = j->at + 1;
    const uint8_t *at = skip_plain(begin, j->end);
    while (at == j->end || *at != '"') {
        size_t length = special_length(j, at);
        if (length == 0) {
            return (struct json_string){.escaped = false};
        }
        s.escaped |= *at == '\\';
        at = skip_plain(at + length, j->end);
    }
    if (at - begin > JSON_TEXT_MAX) {
        json_read_refuse(j, STATUS_TOO_LARGE, "string longer than %d bytes",
                         JSON_TEXT_MAX);
        return s;
    }
    s.raw = span_of(begin, (size_t)(at - begin));
    j->at = at + 1;
    return s;
}

/** Four hexadecimal digits, or a value over 0xFFFF. */
static uint32_t
hex4(const uint8_t *at, const uint8_t *end)
{
    if (end - at < 4) {
        return UINT32_MAX;
    }
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = at[i];
        uint8_t lower = c | 0x20;
        if ((uint8_t)(c - '0') <= 9) {
            code = code << 4 | (uint32_t)(c - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            code = code << 4 | (uint32_t)(lower - 'a' + 10);
        } else {
            return UINT32_MAX;
        }
    }
    return code;
}

/**
 * The character behind `\u`, of a surrogate pair if need be.
 *
 * @return bytes read behind the `\u`; 0 if it is none
 */
static size_t
unescape_code(const uint8_t *at, const uint8_t *end, uint32_t *code)
{
    *code = hex4(at, end);
    if (*code > 0xFFFF) {
        return 0;
    }
    if (*code < 0xD800 || *code > 0xDFFF) {
        return 4;
    }
    if (*code > 0xDBFF || end - at < 10 || at[4] != '\\' || at[5] != 'u') {
        return 0;
    }
    uint32_t low = hex4(at + 6, end);
    if (low < 0xDC00 || low > 0xDFFF) {
        return 0;
    }
    *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
    return 10;
}

/** What the letter behind a backslash stands for; 0 if nothing. */
static uint8_t
unescape_letter(uint8_t letter)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const char *found = letter == 0 ? NULL : strchr(letters, letter);
    return found == NULL ? 0 : (uint8_t)meanings[found - letters];
}

/** Decodes one escape, of which `at` is the backslash; 0 after a failure. */
static size_t
unescape_one(struct json_read *j, const uint8_t *at, const uint8_t *end, uint8_t **out)
{
    uint8_t plain = unescape_letter(at[1]);
    if (plain != 0) {
        *(*out)++ = plain;
        return 2;
    }
    uint32_t code = 0;
    size_t length = at[1] == 'u' ? unescape_code(at + 2, end, &code) : 0;
    if (length == 0) {
        j->at = at;
        json_read_refuse(j, STATUS_INVALID, "invalid escape in a string");
        return 0;
    }
    *out += utf8_write(*out, code);
    return 2 + length;
}

size_t
json_read_unescape(struct json_read *j, const struct json_string *s, uint8_t *out)
{
    uint8_t *to = out;
    const uint8_t *end = s->raw.data + s->raw.size;
    for (const uint8_t *at = s->raw.data; at < end;) {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        size_t length = unescape_one(j, at, end, &to);
        if (length == 0) {
            return 0;
        }
        at += length;
    }
    return (size_t)(to - out);
}

struct span
json_read_text(struct json_read *j)
{
    struct json_string s = json_read_string(j);
    if (!s.escaped) {
        return s.raw;
    }
    uint8_t *decoded = arena_alloc(j->arena, s.raw.size);
    if (decoded == NULL) {
        json_read_refuse(j, STATUS_NO_MEMORY, "no memory for a string");
        return (struct span){.size = 0};
    }
    size_t size = json_read_unescape(j, &s, decoded);
    if (memchr(decoded, 0, size) != NULL) {
        json_read_refuse(j, STATUS_INVALID, "U+0000 in a string");
        return (struct span){.size = 0};
    }
    return span_of(decoded, size);
}

void
json_read_pass(struct json_read *j)
{
    struct json_string s = json_read_string(j);
    if (!s.escaped) {
        return;
    }
    const uint8_t *end = s.raw.data + s.raw.size;
    for (const uint8_t *at = s.raw.data; at < end;) {
        uint8_t ignored[4];
        uint8_t *out = ignored;
        size_t length = *at == '\\' ? unescape_one(j, at, end, &out) : 1;
        at = length == 0 ? end : at + length;
    }
}

/** Passes over a word if it stands at the cursor, and is not the front of another. */
static bool
take_word(struct json_read *j, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(j->end - j->at) < size || memcmp(j->at, word, size) != 0) {
        return false;
    }
    j->at += size;
    return true;
}

bool
json_read_bool(struct json_read *j)
{
    if (json_read_peek(j) == VALUE_BOOL) {
        if (take_word(j, "true")) {
            return true;
        }
        if (take_word(j, "false")) {
            return false;
        }
    }
    json_read_refuse(j, STATUS_INVALID, "expected true or false");
    return false;
}

bool
json_read_null(struct json_read *j)
{
    if (json_read_peek(j) != VALUE_NULL) {
        return false;
    }
    if (!take_word(j, "null")) {
        json_read_refuse(j, STATUS_INVALID, "expected a value");
    }
    return true;
}

struct number
json_read_number(struct json_read *j)
{
    struct number n = {.exact = true, .integral = true};
    if (json_read_peek(j) != VALUE_NUMBER) {
        json_read_refuse(j, STATUS_INVALID, "expected a number");
        return n;
    }
    enum status status = number_scan(j->at, j->end, &n);
    if (status == STATUS_TOO_LARGE) {
        json_read_refuse(j, STATUS_INVALID, "number longer than %d characters",
                         NUMBER_TEXT_MAX);
    } else if (status != STATUS_OK) {
        json_read_refuse(j, STATUS_INVALID, "malformed number");
    } else {
        j->at += n.text.size;
    }
    return n;
}

int64_t
json_read_int64(struct json_read *j)
{
    const uint8_t *begin = json_read_space(j->at, j->end);
    struct number n = json_read_number(j);
    int64_t value = 0;
    if (j->status == STATUS_OK && number_to_int64(&n, &value) != STATUS_OK) {
        j->at = begin;
        json_read_refuse(j, STATUS_INVALID,
                         n.integral ? "integer out of range" : "expected an integer");
    }
    return value;
}
