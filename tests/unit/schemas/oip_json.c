/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON cursor under oip_read.c: it accepts what libjansson accepts, says where a
 * text breaks, and stays cheap on texts made to hurt.
 */
#include "schemas/json_read.h"

#include <criterion/criterion.h>
#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ARENA_LIMIT = 1 << 22 };

static enum status
skip_all(struct span text, struct fault *fault)
{
    struct arena arena;
    arena_init(&arena, ARENA_LIMIT);
    struct json_read j;
    json_read_init(&j, text, &arena, fault);
    json_read_skip(&j);
    json_read_finish(&j);
    arena_fini(&arena);
    return j.status;
}

static uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static bool
jansson_accepts(const char *text, size_t size)
{
    json_error_t error;
    json_t *value = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    json_decref(value);
    return value != NULL;
}

Test(oip_json, accepts_just_what_jansson_accepts)
{
    static const char *const seeds[] = {
        "{\"a\":[1,2.5,-3e2],\"b\":{\"c\":null,\"d\":[true,false]},\"e\":\"x\"}",
        "[\"\\u00e9\\ud83d\\ude00\\n\\\"\",\"\xC3\xA9\xF0\x9F\x98\x80\",0,-0.5,[],{}]",
        " { \"k\" : [ [ ] , { } , \"\" ] } ",
        "\"\\ud800\\udc00\\/\\b\\f\\t\\r\"",
    };
    static const char alphabet[] =
        "{}[]\",:\\u0e1-+. \ntrflnsabdD89/\xC3\xA9\xED\xA0\x80";
    uint64_t state = 42424242;
    int accepted = 0;
    for (int i = 0; i < 200000; i++) {
        char text[128];
        const char *seed = seeds[next_random(&state) % 4];
        size_t size = strlen(seed);
        memcpy(text, seed, size);
        for (uint64_t edits = next_random(&state) % 4; edits > 0; edits--) {
            size_t at = next_random(&state) % size;
            char byte = alphabet[next_random(&state) % (sizeof(alphabet) - 1)];
            if ((next_random(&state) & 1) != 0) {
                text[at] = byte;
            } else {
                memmove(text + at + 1, text + at, size - at);
                text[at] = byte;
                size++;
            }
        }
        bool wanted = jansson_accepts(text, size);
        accepted += wanted;
        enum status status = skip_all(span_of(text, size), NULL);
        cr_assert_eq(status == STATUS_OK, wanted, "%.*s", (int)size, text);
    }
    cr_assert_gt(accepted, 10000);
}

Test(oip_json, says_line_column_and_pointer_of_the_failure)
{
    static const struct {
        const char *text;
        const char *fault;
    } rows[] = {
        {"{\"a\": 1,\n \"b\": tru}", "/b: expected true or false (line 2, column 7)"},
        {"[1,\n\n  2,\n ]", "/2: expected a value (line 4, column 2)"},
        {"[1 2]", "/0: expected ',' or ']' (line 1, column 4)"},
        {"{\"a\" 1}", "/a: expected ':' (line 1, column 6)"},
        {"{\"a\":{\"b\":[0,01]}}", "/a/b/1: malformed number (line 1, column 14)"},
        {"{a:1}", "expected a member name in quotes (line 1, column 2)"},
        {"{\"a\":1,}", "/a: expected a member name in quotes (line 1, column 8)"},
        {"{\"a\":1} x", "unexpected text behind the end (line 1, column 9)"},
        {"[\"\xC3\xA9\", x]", "/1: expected a value (line 1, column 7)"},
        {"[\"ab\\x\"]", "/0: invalid escape in a string (line 1, column 5)"},
        {"[\"\\ud800\"]", "/0: invalid escape in a string (line 1, column 3)"},
        {"[\"\\ud800\\u0041\"]", "/0: invalid escape in a string (line 1, column 3)"},
        {"[\"\\udc00\"]", "/0: invalid escape in a string (line 1, column 3)"},
        {"[\"\xFF\"]", "/0: invalid UTF-8 in a string (line 1, column 3)"},
        {"[\"a\nb\"]", "/0: control character 0x0a (line 1, column 4)"},
        {"[\"abc", "/0: string without an end (line 1, column 2)"},
        {"[", "/0: expected a value (line 1, column 2)"},
        {"", "expected a value (line 1, column 1)"},
        {"\xEF\xBB\xBF{}", "expected a value (line 1, column 1)"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct fault fault;
        enum status status = skip_all(span_of_text(rows[i].text), &fault);
        cr_assert_eq(status, STATUS_INVALID, "%s", rows[i].text);
        cr_assert_str_eq(fault.text, rows[i].fault);
    }
}

Test(oip_json, nests_32_levels_and_no_more)
{
    char text[2 * JSON_DEPTH_MAX + 2];
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    cr_assert_eq(skip_all(span_of(text, 2 * JSON_DEPTH_MAX), NULL), STATUS_OK);
    memset(text, '[', JSON_DEPTH_MAX + 1);
    struct fault fault;
    cr_assert_eq(skip_all(span_of(text, sizeof(text)), &fault), STATUS_INVALID);
    cr_assert_not_null(strstr(fault.text, "deeper than 32"));
}

Test(oip_json, limits_strings_to_one_mebibyte)
{
    size_t size = JSON_TEXT_MAX + 2;
    char *text = malloc(size + 1);
    memset(text, 'a', size + 1);
    text[0] = '"';
    text[size - 1] = '"';
    cr_assert_eq(skip_all(span_of(text, size), NULL), STATUS_OK);
    text[size - 1] = 'a';
    text[size] = '"';
    cr_assert_eq(skip_all(span_of(text, size + 1), NULL), STATUS_TOO_LARGE);
    free(text);
}

static double
cpu_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

struct bomb {
    const char *front;
    const char *piece;
    bool numbered; /* a counter stands behind each piece */
    const char *behind;
};

/** Repeats the piece until a text of that size is full, and reads it. */
static double
cost_of(const struct bomb *bomb, size_t size)
{
    char *text = malloc(size);
    cr_assert_not_null(text);
    size_t used = strlen(bomb->front);
    memcpy(text, bomb->front, used);
    for (unsigned i = 0; used + 64 < size; i++) {
        char number[16] = "";
        if (bomb->numbered) {
            (void)snprintf(number, sizeof(number), "%u", i);
        }
        used +=
            (size_t)sprintf(text + used, "%s%s%s", bomb->piece, number, bomb->behind);
    }
    double begin = cpu_ms();
    (void)skip_all(span_of(text, used), NULL);
    double ms = cpu_ms() - begin;
    free(text);
    return ms;
}

Test(oip_json, takes_time_for_a_bomb_that_grows_with_its_size_not_with_its_square)
{
    static const struct bomb bombs[] = {
        {"", "[", false, ""},
        {"", "{\"a\":", false, ""},
        {"{", "\"k", true, "\":1,"},
        {"{", "\"\\u0041", true, "\":0,"},
        {"[", "1e999999,", false, ""},
        {"[", "1234567890123456789012345678901234567890.5,", false, ""},
        {"[", "{},", false, ""},
        {"[", "\"\\ud83d\\ude00\",", false, ""},
        {"[\"", "\\n", false, ""},
        {"", " ", false, ""},
        {"", "\n", false, ""},
    };
    /* A ratio of CPU times, so that neither the machine nor a sanitizer decides: four
     * times the bytes may take twelve times as long, where a square would take sixteen
     * (and, for these, seconds). */
    for (size_t i = 0; i < sizeof(bombs) / sizeof(*bombs); i++) {
        double small_ms = cost_of(&bombs[i], 1 << 18);
        double ms = cost_of(&bombs[i], 1 << 20);
        cr_assert_lt(ms, 12 * small_ms + 50, "%s%s: %.2f ms after %.2f ms",
                     bombs[i].front, bombs[i].piece, ms, small_ms);
    }
}
