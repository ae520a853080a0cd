/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing byte buffer. Grows by doubling up to its limit; the first failure sticks, so
 * that writers check once.
 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST_BYTES = 256 };

void
buf_init(struct buf *b, size_t limit)
{
    *b = (struct buf){.limit = limit};
}

void
buf_fini(struct buf *b)
{
    free(b->data);
    *b = (struct buf){.limit = b->limit};
}

void
buf_reset(struct buf *b)
{
    b->size = 0;
    b->status = STATUS_OK;
}

static enum status
buf_grow(struct buf *b, size_t size)
{
    if (size > b->limit - b->size) {
        return STATUS_TOO_LARGE;
    }
    size_t need = b->size + size;
    size_t capacity = b->capacity == 0 ? BUF_FIRST_BYTES : b->capacity;
    capacity = capacity > b->limit ? b->limit : capacity;
    while (capacity < need) {
        capacity = capacity > b->limit / 2 ? b->limit : capacity * 2;
    }
    uint8_t *data = realloc(b->data, capacity);
    if (data == NULL) {
        return STATUS_NO_MEMORY;
    }
    b->data = data;
    b->capacity = capacity;
    return STATUS_OK;
}

uint8_t *
buf_reserve(struct buf *b, size_t size)
{
    if (b->status != STATUS_OK) {
        return NULL;
    }
    if (b->data == NULL || size > b->capacity - b->size) {
        b->status = buf_grow(b, size);
        if (b->status != STATUS_OK) {
            return NULL;
        }
    }
    uint8_t *at = b->data + b->size;
    b->size += size;
    return at;
}

void
buf_append(struct buf *b, const void *data, size_t size)
{
    uint8_t *at = size == 0 ? NULL : buf_reserve(b, size);
    if (at != NULL) {
        memcpy(at, data, size);
    }
}

void
buf_append_byte(struct buf *b, uint8_t byte)
{
    uint8_t *at = buf_reserve(b, 1);
    if (at != NULL) {
        *at = byte;
    }
}

void
buf_append_text(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

void
buf_append_format(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    uint8_t *at = size < 0 ? NULL : buf_reserve(b, (size_t)size + 1);
    if (at != NULL) {
        vsnprintf((char *)at, (size_t)size + 1, format, again);
        b->size--; /* the NUL */
    }
    va_end(again);
}

uint8_t *
buf_take(struct buf *b, size_t *size)
{
    uint8_t *data = b->data;
    *size = b->size;
    *b = (struct buf){.limit = b->limit};
    return data;
}
