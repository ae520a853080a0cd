/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A borrowed run of bytes: the currency in which records, bodies and tensors are
 * passed without copying. A span never owns; whoever hands one out says how long
 * the bytes behind it live. Text in a span has no terminating NUL.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *data; /* NULL only if size is 0 */
    size_t size;         /* bytes */
};

static inline struct span
span_of(const void *data, size_t size)
{
    return (struct span){.data = data, .size = size};
}

static inline struct span
span_of_text(const char *text)
{
    return (struct span){.data = (const uint8_t *)text, .size = strlen(text)};
}

static inline bool
span_equal(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool
span_is_text(struct span a, const char *text)
{
    return span_equal(a, span_of_text(text));
}

#endif
