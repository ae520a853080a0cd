/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing numbers. A float needs 6 to 9 digits, a double 15 to 17 (a subnormal fewer):
 * the digits are computed once at full length, then shorter roundings of them are tried
 * and the first that provably reads back as the same number is taken. printf is the
 * fallback for what cannot be proved cheaply.
 */
#include "schemas/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

enum {
    FLOAT_DIGITS = 9,
    FLOAT_DROP = 3, /* digits that a float may do without */
    DOUBLE_DIGITS = 17,
    DOUBLE_DROP = 2,
    POSITIONAL_MAX = 16, /* more digits before the point: with an exponent */
    POSITIONAL_MIN = -3, /* more zeros behind the point: with an exponent */
};

/** digits × 10^exponent */
struct decimal {
    uint64_t digits;
    int32_t exponent;
};

static const uint64_t powers[] = {1,
                                  10,
                                  100,
                                  1000,
                                  10000,
                                  100000,
                                  1000000,
                                  10000000,
                                  100000000,
                                  1000000000,
                                  10000000000,
                                  100000000000,
                                  1000000000000,
                                  10000000000000,
                                  100000000000000,
                                  1000000000000000,
                                  10000000000000000,
                                  100000000000000000};

/** The first `count` digits of a positive value, the last one rounded. */
static struct decimal
leading_digits(double value, int32_t count)
{
    int binary = 0;
    (void)frexp(value, &binary);
    /* log10(2) in 20 fraction bits: floor(log10(value)) or one less */
    int32_t decade = (int32_t)(((int64_t)(binary - 1) * 315653) >> 20);
    struct decimal d = {.exponent = decade - count + 1};
    long double scaled = number_scale((long double)value, -d.exponent);
    if (scaled >= (long double)powers[count]) {
        scaled /= 10;
        d.exponent++;
    }
    d.digits = (uint64_t)llrintl(scaled);
    return d;
}

/** The decimal without its last `drop` digits, rounded. */
static struct decimal
shorten(struct decimal d, int32_t drop)
{
    uint64_t unit = powers[drop];
    return (struct decimal){.digits = (d.digits + unit / 2) / unit,
                            .exponent = d.exponent + drop};
}

static bool
shortest_float(float value, struct decimal *out)
{
    struct decimal full = leading_digits((double)value, FLOAT_DIGITS);
    int32_t drop = value < FLT_MIN ? FLOAT_DIGITS - 1 : FLOAT_DROP;
    for (; drop >= 0; drop--) {
        *out = shorten(full, drop);
        float back = 0;
        if (number_round_float(out->digits, out->exponent, &back) && back == value) {
            return true;
        }
    }
    return false;
}

static bool
shortest_double(double value, struct decimal *out)
{
    struct decimal full = leading_digits(value, DOUBLE_DIGITS);
    int32_t drop = value < DBL_MIN ? DOUBLE_DIGITS - 1 : DOUBLE_DROP;
    for (; drop >= 0; drop--) {
        *out = shorten(full, drop);
        double back = 0;
        if (number_round_double(out->digits, out->exponent, &back) && back == value) {
            return true;
        }
    }
    return false;
}

size_t
number_write_uint64(char out[static NUMBER_WRITE_MAX], uint64_t value)
{
    char reversed[NUMBER_WRITE_MAX];
    size_t size = 0;
    do {
        reversed[size++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    for (size_t i = 0; i < size; i++) {
        out[i] = reversed[size - 1 - i];
    }
    return size;
}

size_t
number_write_int64(char out[static NUMBER_WRITE_MAX], int64_t value)
{
    char digits[NUMBER_WRITE_MAX];
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t size = number_write_uint64(digits, magnitude);
    size_t sign = value < 0;
    out[0] = '-';
    memcpy(out + sign, digits, size);
    return sign + size;
}

static char *
put(char *at, const char *text, int32_t size)
{
    memcpy(at, text, (size_t)size);
    return at + size;
}

static char *
put_zeros(char *at, int32_t count)
{
    memset(at, '0', (size_t)count);
    return at + count;
}

/** 12.5, 0.0125, 12000.0; `point` = digits before the point. */
static char *
put_positional(char *at, const char *digits, int32_t count, int32_t point)
{
    if (point <= 0) {
        at = put_zeros(put(at, "0.", 2), -point);
        return put(at, digits, count);
    }
    if (point < count) {
        at = put(put(at, digits, point), ".", 1);
        return put(at, digits + point, count - point);
    }
    at = put_zeros(put(at, digits, count), point - count);
    return put(at, ".0", 2);
}

/** 1.25e-30 */
static char *
put_scientific(char *at, const char *digits, int32_t count, int32_t point)
{
    at = put(at, digits, 1);
    if (count > 1) {
        at = put(put(at, ".", 1), digits + 1, count - 1);
    }
    at = put(at, "e", 1);
    return at + number_write_int64(at, point - 1);
}

static size_t
write_decimal(char *out, bool negative, struct decimal d)
{
    while (d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    char digits[NUMBER_WRITE_MAX];
    int32_t count = (int32_t)number_write_uint64(digits, d.digits);
    int32_t point = count + d.exponent;
    char *at = negative ? put(out, "-", 1) : out;
    at = point >= POSITIONAL_MIN && point <= POSITIONAL_MAX
             ? put_positional(at, digits, count, point)
             : put_scientific(at, digits, count, point);
    return (size_t)(at - out);
}

/** What both widths have in common: no number, and zero; 0 for all the rest. */
static size_t
write_special(char *out, double value)
{
    if (!isfinite(value)) {
        return (size_t)(put(out, "null", 4) - out);
    }
    if (value != 0) {
        return 0;
    }
    bool sign = signbit(value) != 0;
    return (size_t)(put(sign ? put(out, "-", 1) : out, "0.0", 3) - out);
}

size_t
number_write_float(char out[static NUMBER_WRITE_MAX], float value)
{
    size_t special = write_special(out, (double)value);
    if (special > 0) {
        return special;
    }
    struct decimal d;
    if (shortest_float(fabsf(value), &d)) {
        return write_decimal(out, value < 0, d);
    }
    return (size_t)snprintf(out, NUMBER_WRITE_MAX, "%.9g", (double)value);
}

size_t
number_write_double(char out[static NUMBER_WRITE_MAX], double value)
{
    size_t special = write_special(out, value);
    if (special > 0) {
        return special;
    }
    struct decimal d;
    if (shortest_double(fabs(value), &d)) {
        return write_decimal(out, value < 0, d);
    }
    return (size_t)snprintf(out, NUMBER_WRITE_MAX, "%.17g", value);
}
