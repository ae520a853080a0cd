/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading numbers. Three roads to a float or double, each taken only if it is sure:
 * double arithmetic (digits below 2^53, |exponent| <= 22: one correctly rounded
 * operation), long double arithmetic (at least 64 bits of mantissa, error bounded),
 * and strtof/strtod on the token. A road is sure when the result, moved down and up by
 * more than its error, still rounds to the same number.
 */
#include "schemas/number.h"

#include <errno.h>
#include <float.h>
#include <stdlib.h>

enum {
    DIGITS_MAX = 19,        /* any 19 digits fit 64 bits */
    EXPONENT_LIMIT = 9999,  /* larger ones are cut to this: 0 or infinity anyway */
    DOUBLE_POWER_MAX = 22,  /* 10^22 is the last power exact in a double */
    LONG_POWER_MAX = 27,    /* 10^27 is the last power exact in 64 bits of mantissa */
    LONG_EXPONENT_MAX = 400 /* beyond it the fallback decides */
};

static const double double_powers[DOUBLE_POWER_MAX + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static const long double long_powers[LONG_POWER_MAX + 1] = {
    1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,  1e7L,  1e8L,  1e9L,
    1e10L, 1e11L, 1e12L, 1e13L, 1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L,
    1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};

_Static_assert(LDBL_MANT_DIG >= 64, "the error bounds assume 64 bits of mantissa");

/** Appends decimal digits to *value (which may wrap) and returns their end. */
static inline const uint8_t *
scan_digits(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
    uint64_t sum = *value;
    for (; at < end && (uint8_t)(*at - '0') <= 9; at++) {
        sum = sum * 10 + (uint8_t)(*at - '0');
    }
    *value = sum;
    return at;
}

/** Scans the sign and digits behind an `e`; NULL if there are none. */
static const uint8_t *
scan_exponent(const uint8_t *at, const uint8_t *end, int32_t *exponent)
{
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) {
        at++;
    }
    const uint8_t *first = at;
    int32_t value = 0;
    for (; at < end && (uint8_t)(*at - '0') <= 9; at++) {
        value = value * 10 + (*at - '0');
        value = value > EXPONENT_LIMIT ? EXPONENT_LIMIT : value;
    }
    *exponent = negative ? -value : value;
    return at == first ? NULL : at;
}

/** Whether the digits between two places, leading zeros aside, are at most 19. */
static bool
digits_fit(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == '0' || *at == '.')) {
        at++;
    }
    ptrdiff_t count = 0;
    for (; at < end; at++) {
        count += *at != '.';
    }
    return count <= DIGITS_MAX;
}

/** Scans a fraction and an exponent part, where there are any; NULL if malformed. */
static const uint8_t *
scan_rest(const uint8_t *at, const uint8_t *end, struct number *n, const uint8_t **last)
{
    if (at < end && *at == '.') {
        const uint8_t *fraction = ++at;
        at = scan_digits(at, end, &n->digits);
        if (at == fraction) {
            return NULL;
        }
        n->integral = false;
        /* Only a length that is refused anyway is cut. */
        ptrdiff_t size = at - fraction;
        n->exponent = size > EXPONENT_LIMIT ? -EXPONENT_LIMIT : -(int32_t)size;
    }
    *last = at;
    if (at < end && (*at == 'e' || *at == 'E')) {
        int32_t scale = 0;
        at = scan_exponent(at + 1, end, &scale);
        n->integral = false;
        n->exponent += scale;
    }
    return at;
}

enum status
number_scan(const uint8_t *at, const uint8_t *end, struct number *n)
{
    const uint8_t *begin = at;
    n->negative = at < end && *at == '-';
    at += n->negative;
    const uint8_t *first = at;
    const uint8_t *last = at;
    n->digits = 0;
    n->exponent = 0;
    n->integral = true;
    at = scan_digits(at, end, &n->digits);
    if (at == first || (*first == '0' && at - first > 1)) {
        return STATUS_INVALID;
    }
    at = scan_rest(at, end, n, &last);
    if (at == NULL) {
        return STATUS_INVALID;
    }
    if (at - begin > NUMBER_TEXT_MAX) {
        return STATUS_TOO_LARGE;
    }
    n->text = span_of(begin, (size_t)(at - begin));
    n->exact = last - first <= DIGITS_MAX || digits_fit(first, last);
    return STATUS_OK;
}

long double
number_scale(long double value, int32_t exponent)
{
    int32_t left = exponent < 0 ? -exponent : exponent;
    while (left > 0) {
        int32_t power = left > LONG_POWER_MAX ? LONG_POWER_MAX : left;
        long double factor = long_powers[power];
        value = exponent < 0 ? value / factor : value * factor;
        left -= power;
    }
    return value;
}

/**
 * digits × 10^exponent with a relative error below *error: each operation of
 * number_scale() errs by half of 2^-63 at most; twice that is allowed, and two more for
 * the comparison itself.
 */
static bool
scale_long(uint64_t digits, int32_t exponent, long double *value, long double *error)
{
    if (exponent < -LONG_EXPONENT_MAX || exponent > LONG_EXPONENT_MAX) {
        return false;
    }
    int32_t steps = (exponent < 0 ? -exponent : exponent) / LONG_POWER_MAX + 1;
    *value = number_scale((long double)digits, exponent);
    *error = (long double)(steps + 2) * 0x1p-63L;
    return true;
}

bool
number_round_float(uint64_t digits, int32_t exponent, float *out)
{
    if (digits < (UINT64_C(1) << 53) && exponent >= -DOUBLE_POWER_MAX &&
        exponent <= DOUBLE_POWER_MAX) {
        double value = exponent < 0 ? (double)digits / double_powers[-exponent]
                                    : (double)digits * double_powers[exponent];
        *out = (float)(value * (1 - 0x1p-51));
        if (*out == (float)(value * (1 + 0x1p-51))) {
            return true;
        }
    }
    long double value = 0;
    long double error = 0;
    if (!scale_long(digits, exponent, &value, &error)) {
        return false;
    }
    *out = (float)(value * (1 - error));
    return *out == (float)(value * (1 + error));
}

bool
number_round_double(uint64_t digits, int32_t exponent, double *out)
{
    if (digits < (UINT64_C(1) << 53) && exponent >= -DOUBLE_POWER_MAX &&
        exponent <= DOUBLE_POWER_MAX) {
        *out = exponent < 0 ? (double)digits / double_powers[-exponent]
                            : (double)digits * double_powers[exponent];
        return true;
    }
    long double value = 0;
    long double error = 0;
    if (!scale_long(digits, exponent, &value, &error)) {
        return false;
    }
    *out = (double)(value * (1 - error));
    return *out == (double)(value * (1 + error));
}

/** The token as the C library wants it. */
static void
copy_token(const struct number *n, char out[static NUMBER_TEXT_MAX + 1])
{
    memcpy(out, n->text.data, n->text.size);
    out[n->text.size] = '\0';
}

float
number_to_float(const struct number *n)
{
    float value = 0;
    if (n->exact && number_round_float(n->digits, n->exponent, &value)) {
        return n->negative ? -value : value;
    }
    char token[NUMBER_TEXT_MAX + 1];
    copy_token(n, token);
    return strtof(token, NULL);
}

double
number_to_double(const struct number *n)
{
    double value = 0;
    if (n->exact && number_round_double(n->digits, n->exponent, &value)) {
        return n->negative ? -value : value;
    }
    char token[NUMBER_TEXT_MAX + 1];
    copy_token(n, token);
    return strtod(token, NULL);
}

enum status
number_to_int64(const struct number *n, int64_t *out)
{
    if (!n->integral) {
        return STATUS_INVALID;
    }
    uint64_t limit = (uint64_t)INT64_MAX + n->negative;
    if (!n->exact || n->digits > limit) {
        return STATUS_TOO_LARGE;
    }
    *out = n->negative ? (int64_t)(0 - n->digits) : (int64_t)n->digits;
    return STATUS_OK;
}

enum status
number_to_uint64(const struct number *n, uint64_t *out)
{
    if (!n->integral) {
        return STATUS_INVALID;
    }
    if (n->exact) {
        *out = n->digits;
        return n->negative && n->digits != 0 ? STATUS_TOO_LARGE : STATUS_OK;
    }
    if (n->negative) {
        return STATUS_TOO_LARGE;
    }
    char token[NUMBER_TEXT_MAX + 1];
    copy_token(n, token);
    errno = 0;
    *out = strtoull(token, NULL, 10);
    return errno == ERANGE ? STATUS_TOO_LARGE : STATUS_OK;
}
