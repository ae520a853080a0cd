/* SPDX-License-Identifier: Apache-2.0 */
/* Eight bytes at a time while they are plain ASCII, as most texts are throughout. */
#include "schemas/avro_text.h"

#include "schemas/utf8.h"

#include <stdbool.h>

/* A zero byte borrows from its high bit when 1 is taken from each; a false alarm beside
 * one only means the slow way. */
static bool
is_plain(uint64_t word)
{
    return ((word | (word - 0x0101010101010101U)) & 0x8080808080808080U) == 0;
}

/* Up to eight bytes as a word, short runs filled with bytes that are plain (of two
 * loads that overlap, or of single bytes taken more than once). */
static uint64_t
word_of(const uint8_t *at, size_t size)
{
    if (size >= sizeof(uint64_t)) {
        uint64_t word = 0;
        memcpy(&word, at, sizeof(word));
        return word;
    }
    if (size >= sizeof(uint32_t)) {
        uint32_t front = 0;
        uint32_t back = 0;
        memcpy(&front, at, sizeof(front));
        memcpy(&back, at + size - sizeof(back), sizeof(back));
        return (uint64_t)front << 32 | back;
    }
    return 0x0101010101000000U | (uint64_t)at[0] << 16 | (uint64_t)at[size / 2] << 8 |
           at[size - 1];
}

size_t
avro_text_valid(struct span text)
{
    size_t at = 0;
    while (at < text.size) {
        size_t left = text.size - at;
        if (is_plain(word_of(text.data + at, left))) {
            at += left < sizeof(uint64_t) ? left : sizeof(uint64_t);
            continue;
        }
        if (text.data[at] == 0) {
            break;
        }
        size_t size = utf8_length(text.data + at, text.data + text.size);
        if (size == 0) {
            break;
        }
        at += size;
    }
    return at;
}

void
avro_text_repair(uint8_t *text, size_t size)
{
    size_t at = avro_text_valid(span_of(text, size));
    while (at < size) {
        text[at] = '?';
        at += avro_text_valid(span_of(text + at, size - at));
    }
}
