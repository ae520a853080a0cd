/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of JSON text to machine numbers and back, without the cost of strtod and
 * printf but with their exact results: what a tensor's `data` array is made of.
 *
 * A token is scanned into up to 19 digits and a power of ten. The conversion to binary
 * is done in wider arithmetic with a bound on its error; only when the bound does not
 * settle the last bit does the token go to strtof or strtod. Pure.
 */
#ifndef SCHEMAS_NUMBER_H
#define SCHEMAS_NUMBER_H

#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NUMBER_TEXT_MAX = 64,  /* bytes of a number that is read */
    NUMBER_WRITE_MAX = 32, /* bytes of a number that is written */
};

struct number {
    struct span text; /* the token, borrowed */
    uint64_t digits;  /* significant digits as an integer; valid if exact */
    int32_t exponent; /* the value is ±digits × 10^exponent */
    bool exact;       /* the token has at most 19 significant digits */
    bool negative;
    bool integral; /* neither fraction nor exponent part */
};

/**
 * Scans the JSON number (RFC 8259 section 6) at the front of a text; what follows it is
 * not looked at.
 *
 * @return STATUS_OK; STATUS_INVALID if there is none; STATUS_TOO_LARGE over
 * NUMBER_TEXT_MAX
 */
MUST_CHECK enum status
number_scan(const uint8_t *at, const uint8_t *end, struct number *n);

/** The nearest float, as strtof() gives it; ±infinity when out of range. */
float number_to_float(const struct number *n);

/** The nearest double, as strtod() gives it; ±infinity when out of range. */
double number_to_double(const struct number *n);

/** @return STATUS_OK; STATUS_INVALID if not integral; STATUS_TOO_LARGE out of range */
MUST_CHECK enum status number_to_int64(const struct number *n, int64_t *out);
MUST_CHECK enum status number_to_uint64(const struct number *n, uint64_t *out);

/**
 * digits × 10^exponent rounded to the nearest float or double.
 *
 * @return false when the last bit cannot be settled cheaply
 */
bool number_round_float(uint64_t digits, int32_t exponent, float *out);
bool number_round_double(uint64_t digits, int32_t exponent, double *out);

/** value × 10^exponent; every 27 powers of ten may cost half a unit of 2^-63. */
long double number_scale(long double value, int32_t exponent);

/**
 * Writes a finite number as the shortest text that reads back as the same bits ("0.1",
 * "3.0", "1e-30"), a nan or infinity as "null"; no NUL.
 *
 * @return bytes written
 */
size_t number_write_float(char out[static NUMBER_WRITE_MAX], float value);
size_t number_write_double(char out[static NUMBER_WRITE_MAX], double value);
size_t number_write_uint64(char out[static NUMBER_WRITE_MAX], uint64_t value);
size_t number_write_int64(char out[static NUMBER_WRITE_MAX], int64_t value);

#endif
