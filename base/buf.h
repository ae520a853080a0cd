/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing run of bytes with a limit fixed at init. An append that would pass the
 * limit, or finds no memory, marks the buffer failed and changes nothing; so a writer
 * appends many pieces and checks once at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/span.h"
#include "base/status.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *data;
    size_t size;        /* bytes written */
    size_t capacity;    /* bytes allocated */
    size_t limit;       /* bytes at most */
    enum status status; /* STATUS_OK, STATUS_TOO_LARGE or STATUS_NO_MEMORY; sticky */
};

/** @param[in] limit most bytes it may ever hold */
void buf_init(struct buf *b, size_t limit);

/** Frees the bytes; the buffer may be used again after buf_init(). Accepts a zeroed
 * one.
 */
void buf_fini(struct buf *b);

/** Forgets the content and the failure, keeps the memory. */
void buf_reset(struct buf *b);

/** Room for `size` more bytes to be written by the caller; NULL when failed. */
uint8_t *buf_reserve(struct buf *b, size_t size);

void buf_append(struct buf *b, const void *data, size_t size);
void buf_append_byte(struct buf *b, uint8_t byte);
void buf_append_text(struct buf *b, const char *text);
void buf_append_format(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

/**
 * Hands the memory over; the buffer is empty afterwards.
 *
 * @return bytes to be freed with free(), NULL if nothing was written
 * @owner the caller
 */
uint8_t *buf_take(struct buf *b, size_t *size);

static inline struct span
buf_span(const struct buf *b)
{
    return span_of(b->data, b->size);
}

#endif
