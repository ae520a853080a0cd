/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a number: what is accepted has the bits that the C library gives it, and
 * what is written reads back.
 */
#include "schemas/number.h"

#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <stdlib.h>

static void
check_read(const uint8_t *data, size_t size)
{
    struct number n;
    if (number_scan(data, data + size, &n) != STATUS_OK) {
        return;
    }
    char token[NUMBER_TEXT_MAX + 1] = {0};
    require(n.text.size >= 1 && n.text.size <= NUMBER_TEXT_MAX);
    memcpy(token, n.text.data, n.text.size);
    float f = number_to_float(&n);
    float wanted_f = strtof(token, NULL);
    require(memcmp(&f, &wanted_f, sizeof(f)) == 0);
    double d = number_to_double(&n);
    double wanted_d = strtod(token, NULL);
    require(memcmp(&d, &wanted_d, sizeof(d)) == 0);
    int64_t i = 0;
    if (number_to_int64(&n, &i) == STATUS_OK) {
        require(i == strtoll(token, NULL, 10));
    }
    uint64_t u = 0;
    if (number_to_uint64(&n, &u) == STATUS_OK) {
        require(u == strtoull(token, NULL, 10));
    }
}

static void
check_write(const uint8_t *data)
{
    float f;
    double d;
    char text[NUMBER_WRITE_MAX + 1];
    memcpy(&f, data, sizeof(f));
    memcpy(&d, data, sizeof(d));
    if (isfinite(f)) {
        text[number_write_float(text, f)] = '\0';
        float back = strtof(text, NULL);
        require(memcmp(&back, &f, sizeof(f)) == 0);
    }
    if (isfinite(d)) {
        text[number_write_double(text, d)] = '\0';
        double back = strtod(text, NULL);
        require(memcmp(&back, &d, sizeof(d)) == 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    check_read(data, size);
    if (size >= sizeof(double)) {
        check_write(data);
    }
    return 0;
}
