/* SPDX-License-Identifier: Apache-2.0 */
/* See base64.h. Six bits a character; whole bytes leave as they become known. */
#include "runner/base64.h"

enum { NO_DIGIT = 64 };

static uint32_t
digit_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + UINT32_C(26);
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + UINT32_C(52);
    }
    if (c == '+') {
        return 62;
    }
    return c == '/' ? 63 : NO_DIGIT;
}

static bool
is_line_end(uint8_t c)
{
    return c == '\n' || c == '\r';
}

/* Without the line ends and the at most two signs of padding at the end. */
static size_t
size_of_digits(struct span text)
{
    size_t size = text.size;
    int padding = 0;
    while (size > 0 && (is_line_end(text.data[size - 1]) ||
                        (text.data[size - 1] == '=' && padding++ < 2))) {
        size--;
    }
    return size;
}

enum status
base64_decode(struct span text, uint8_t *out, size_t *size)
{
    size_t end = size_of_digits(text);
    size_t digits = 0;
    uint32_t bits = 0;
    *size = 0;
    for (size_t i = 0; i < end; i++) {
        if (is_line_end(text.data[i])) {
            continue;
        }
        uint32_t digit = digit_of(text.data[i]);
        if (digit == NO_DIGIT) {
            return STATUS_INVALID;
        }
        bits = bits << 6 | digit;
        digits++;
        if (digits % 4 != 1) { /* 6, 12, 18, 24 bits: a byte more from the second on */
            out[(*size)++] = (uint8_t)(bits >> (digits % 4 == 0   ? 0
                                                : digits % 4 == 3 ? 2
                                                                  : 4));
        }
    }
    return digits % 4 == 1 ? STATUS_INVALID : STATUS_OK;
}
