/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The number scanner against the C library: the same bits for every text, and every
 * number written reads back as itself.
 */
#include "schemas/number.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct number
scan(const char *text)
{
    struct number n;
    const uint8_t *at = (const uint8_t *)text;
    enum status status = number_scan(at, at + strlen(text), &n);
    cr_assert_eq(status, STATUS_OK, "%s", text);
    cr_assert_eq(n.text.size, strlen(text), "%s", text);
    return n;
}

static void
assert_agrees(const char *text)
{
    struct number n = scan(text);
    float f = number_to_float(&n);
    float wanted_f = strtof(text, NULL);
    cr_assert(memcmp(&f, &wanted_f, sizeof(f)) == 0, "%s as float: %a", text,
              (double)f);
    double d = number_to_double(&n);
    double wanted_d = strtod(text, NULL);
    cr_assert(memcmp(&d, &wanted_d, sizeof(d)) == 0, "%s as double: %a", text, d);
    errno = 0;
    long long integer = strtoll(text, NULL, 10);
    int64_t i = 0;
    enum status status = number_to_int64(&n, &i);
    if (n.integral && errno == 0) {
        cr_assert(status == STATUS_OK && i == integer, "%s as integer", text);
    } else {
        cr_assert_neq(status, STATUS_OK, "%s as integer", text);
    }
}

static const char *const corner_cases[] = {
    "0",
    "-0",
    "0.0",
    "-0.0",
    "0e5",
    "0e-999999",
    "1",
    "-1",
    "10",
    "1e0",
    "1E+2",
    "1e-2",
    "0.1",
    "0.5",
    "3.141592653589793",
    "9007199254740993",
    "9007199254740992.5",
    "16777217",
    "16777217.0000001",
    "33554435",
    "16777216.99999999999999",
    "0.000000000000000000000000000001",
    "1.00000005960464477539062500",
    "1.0000000596046447753906251",
    "1.1754943508222875e-38",
    "1.1754942e-38",
    "1.4e-45",
    "7e-46",
    "7.1e-46",
    "3.4028234663852886e38",
    "3.4028235677973366e38",
    "3.4028235677973365e38",
    "3.5e38",
    "1e39",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "1e309",
    "1e999999",
    "1e-999999",
    "4.9e-324",
    "2.4703282292062327e-324",
    "2.5e-324",
    "2.2250738585072011e-308",
    "2.2250738585072014e-308",
    "1e22",
    "1e23",
    "1e-22",
    "1e-23",
    "8.5e27",
    "123456789012345678901234567890",
    "1234567890123456789",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "9999999999999999999",
    "99999999999999999999",
    "0.10000000149011612",
    "0.30000001192092896",
    "6.02214076e23",
    "1.7e-27",
    "1.7e-28",
    "1e400",
    "1e401",
    "0.00000000000000000000000000000000000000000000000000000000000001",
    "4503599627370497.5",
    "4503599627370496.5",
    "5e-324",
    "1e-400",
    "1e-401"};

Test(number, agrees_with_the_c_library_on_corner_cases)
{
    for (size_t i = 0; i < sizeof(corner_cases) / sizeof(*corner_cases); i++) {
        assert_agrees(corner_cases[i]);
    }
}

Test(number, agrees_with_the_c_library_on_random_texts)
{
    uint64_t state = 88172645463325252;
    char text[80];
    for (int i = 0; i < 100000; i++) {
        uint64_t r = next_random(&state);
        uint64_t digits = next_random(&state) >> (r & 63);
        const char *sign = (r >> 8 & 1) != 0 ? "-" : "";
        int exponent = (int)(r >> 16 & 127) - 64;
        switch (r >> 32 & 3) {
        case 0:
            (void)snprintf(text, sizeof(text), "%s%llu", sign,
                           (unsigned long long)digits);
            break;
        case 1:
            (void)snprintf(text, sizeof(text), "%s0.%llu", sign,
                           (unsigned long long)digits);
            break;
        case 2:
            (void)snprintf(text, sizeof(text), "%s%llu.%llue%d", sign,
                           (unsigned long long)(digits >> 40),
                           (unsigned long long)(digits & 0xFFFFFFFFFF), exponent);
            break;
        default:
            (void)snprintf(text, sizeof(text), "%s%llue%d", sign,
                           (unsigned long long)digits, exponent * 5);
        }
        assert_agrees(text);
    }
}

Test(number, agrees_with_the_c_library_half_way_between_two_floats)
{
    uint64_t state = 2463534242;
    char text[80];
    for (int i = 0; i < 20000; i++) {
        uint32_t bits = (uint32_t)next_random(&state) & 0x7FFFFFFF;
        float low;
        memcpy(&low, &bits, sizeof(low));
        float high = nextafterf(low, INFINITY);
        if (!isfinite(high) || !isfinite(low)) {
            continue;
        }
        double middle = ((double)low + (double)high) / 2;
        for (int precision = 15; precision < 40; precision += 6) {
            (void)snprintf(text, sizeof(text), "%.*e", precision, middle);
            assert_agrees(text);
        }
    }
}

Test(number, refuses_what_json_does_not_call_a_number)
{
    static const char *const texts[] = {
        "",    "-",    "+1", ".5",  "1.",       "01",        "-01", "00",  "1e",
        "1e+", "1.e5", "e5", "NaN", "Infinity", "-Infinity", "a",   "--1", "-.5"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct number n;
        const uint8_t *at = (const uint8_t *)texts[i];
        cr_assert_eq(number_scan(at, at + strlen(texts[i]), &n), STATUS_INVALID, "%s",
                     texts[i]);
    }
}

Test(number, takes_the_longest_number_and_leaves_the_rest)
{
    struct number n;
    const uint8_t *at = (const uint8_t *)"12.5,7";
    cr_assert_eq(number_scan(at, at + 6, &n), STATUS_OK);
    cr_assert_eq(n.text.size, 4);
    cr_assert_eq(number_scan(at, at + 4, &n), STATUS_OK);
    cr_assert_eq(n.text.size, 4);
}

Test(number, refuses_a_number_of_more_than_64_characters)
{
    char text[500];
    memset(text, '7', sizeof(text));
    struct number n;
    const uint8_t *at = (const uint8_t *)text;
    cr_assert_eq(number_scan(at, at + NUMBER_TEXT_MAX, &n), STATUS_OK);
    cr_assert_eq(number_scan(at, at + NUMBER_TEXT_MAX + 1, &n), STATUS_TOO_LARGE);
    cr_assert_eq(number_scan(at, at + 400, &n), STATUS_TOO_LARGE);
}

Test(number, range_checks_unsigned_integers)
{
    uint64_t value = 0;
    struct number n = scan("18446744073709551615");
    cr_assert_eq(number_to_uint64(&n, &value), STATUS_OK);
    cr_assert_eq(value, UINT64_MAX);
    n = scan("18446744073709551616");
    cr_assert_eq(number_to_uint64(&n, &value), STATUS_TOO_LARGE);
    n = scan("-1");
    cr_assert_eq(number_to_uint64(&n, &value), STATUS_TOO_LARGE);
    n = scan("-0");
    cr_assert_eq(number_to_uint64(&n, &value), STATUS_OK);
    cr_assert_eq(value, 0);
    n = scan("1.0");
    cr_assert_eq(number_to_uint64(&n, &value), STATUS_INVALID);
}

static void
assert_float_round_trips(float value)
{
    char text[NUMBER_WRITE_MAX + 1];
    size_t size = number_write_float(text, value);
    cr_assert_lt(size, NUMBER_WRITE_MAX);
    text[size] = '\0';
    (void)scan(text);
    float back = strtof(text, NULL);
    cr_assert(memcmp(&back, &value, sizeof(back)) == 0, "%a became %s", (double)value,
              text);
}

static void
assert_double_round_trips(double value)
{
    char text[NUMBER_WRITE_MAX + 1];
    size_t size = number_write_double(text, value);
    cr_assert_lt(size, NUMBER_WRITE_MAX);
    text[size] = '\0';
    (void)scan(text);
    double back = strtod(text, NULL);
    cr_assert(memcmp(&back, &value, sizeof(back)) == 0, "%a became %s", value, text);
}

Test(number, reads_back_every_number_it_wrote)
{
    uint64_t state = 1234567;
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = next_random(&state);
        float f;
        double d;
        memcpy(&f, &bits, sizeof(f));
        memcpy(&d, &bits, sizeof(d));
        if (isfinite(f)) {
            assert_float_round_trips(f);
        }
        if (isfinite(d)) {
            assert_double_round_trips(d);
        }
        assert_float_round_trips((float)(bits % 100000) / 100);
        assert_double_round_trips((double)(bits % 100000) / 100);
    }
    assert_float_round_trips(FLT_MAX);
    assert_float_round_trips(FLT_MIN);
    assert_float_round_trips(FLT_TRUE_MIN);
    assert_double_round_trips(DBL_MAX);
    assert_double_round_trips(DBL_MIN);
    assert_double_round_trips(DBL_TRUE_MIN);
}

Test(number, writes_the_shortest_text)
{
    static const struct {
        float value;
        const char *text;
    } floats[] = {{0.0F, "0.0"},
                  {-0.0F, "-0.0"},
                  {0.1F, "0.1"},
                  {-0.3F, "-0.3"},
                  {1.0F, "1.0"},
                  {100.0F, "100.0"},
                  {16777216, "16777216.0"},
                  {0.001F, "0.001"},
                  {1e-7F, "1e-7"},
                  {1.5e-30F, "1.5e-30"},
                  {1e30F, "1e30"},
                  {3.4028235e38F, "3.4028235e38"},
                  {1e-45F, "1e-45"},
                  {0.33333334F, "0.33333334"},
                  {12.5F, "12.5"},
                  {INFINITY, "null"},
                  {-INFINITY, "null"},
                  {NAN, "null"}};
    for (size_t i = 0; i < sizeof(floats) / sizeof(*floats); i++) {
        char text[NUMBER_WRITE_MAX + 1];
        text[number_write_float(text, floats[i].value)] = '\0';
        cr_assert_str_eq(text, floats[i].text);
    }
    char text[NUMBER_WRITE_MAX + 1];
    text[number_write_double(text, 0.1)] = '\0';
    cr_assert_str_eq(text, "0.1");
    text[number_write_double(text, 1.0 / 3)] = '\0';
    cr_assert_str_eq(text, "0.3333333333333333");
    text[number_write_double(text, 5e-324)] = '\0';
    cr_assert_str_eq(text, "5e-324");
    text[number_write_int64(text, INT64_MIN)] = '\0';
    cr_assert_str_eq(text, "-9223372036854775808");
    text[number_write_uint64(text, UINT64_MAX)] = '\0';
    cr_assert_str_eq(text, "18446744073709551615");
}
