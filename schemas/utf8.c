/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Table 3-7 of the Unicode Standard: the lead byte says how many bytes follow and which
 * range the first of them may have; the others are 80..BF.
 */
#include "schemas/utf8.h"

#include <stdbool.h>

static bool
continues(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

static size_t
three_bytes(const uint8_t *at)
{
    uint8_t low = at[0] == 0xE0 ? 0xA0 : 0x80;
    uint8_t high = at[0] == 0xED ? 0x9F : 0xBF;
    return at[1] >= low && at[1] <= high && continues(at[2]) ? 3 : 0;
}

static size_t
four_bytes(const uint8_t *at)
{
    uint8_t low = at[0] == 0xF0 ? 0x90 : 0x80;
    uint8_t high = at[0] == 0xF4 ? 0x8F : 0xBF;
    bool well = at[1] >= low && at[1] <= high && continues(at[2]) && continues(at[3]);
    return well ? 4 : 0;
}

size_t
utf8_length(const uint8_t *at, const uint8_t *end)
{
    uint8_t lead = at[0];
    ptrdiff_t left = end - at;
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xC2 && lead <= 0xDF && left >= 2) {
        return continues(at[1]) ? 2 : 0;
    }
    if (lead >= 0xE0 && lead <= 0xEF && left >= 3) {
        return three_bytes(at);
    }
    if (lead >= 0xF0 && lead <= 0xF4 && left >= 4) {
        return four_bytes(at);
    }
    return 0;
}

size_t
utf8_write(uint8_t out[static 4], uint32_t code)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xC0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xE0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (code & 0x3F));
    return 4;
}
