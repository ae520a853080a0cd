/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers go out as zigzag varints of 7 bits, shortest form. */
#include "schemas/avro_write.h"

#include "schemas/avro_text.h"

enum { LONG_BYTES_MAX = 10 };

/* Bytes written, at most LONG_BYTES_MAX. */
static size_t
long_format(int64_t value, uint8_t *out)
{
    uint64_t zigzag = (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
    size_t size = 0;
    while (zigzag >= 0x80) {
        out[size++] = (uint8_t)(zigzag | 0x80);
        zigzag >>= 7;
    }
    out[size++] = (uint8_t)zigzag;
    return size;
}

void
avro_write_long(struct buf *b, int64_t value)
{
    if (value >= 0 && value < 0x40) {
        buf_append_byte(b, (uint8_t)(value << 1));
        return;
    }
    uint8_t bytes[LONG_BYTES_MAX];
    buf_append(b, bytes, long_format(value, bytes));
}

void
avro_write_double(struct buf *b, double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    uint8_t bytes[sizeof(bits)];
    for (unsigned i = 0; i < sizeof(bits); i++) {
        bytes[i] = (uint8_t)(bits >> (8 * i));
    }
    buf_append(b, bytes, sizeof(bytes));
}

void
avro_write_boolean(struct buf *b, bool value)
{
    buf_append_byte(b, value ? 1 : 0);
}

void
avro_write_bytes(struct buf *b, struct span bytes)
{
    uint8_t length[LONG_BYTES_MAX];
    size_t size = long_format((int64_t)bytes.size, length);
    uint8_t *at = buf_reserve(b, size + bytes.size);
    if (at == NULL) {
        return;
    }
    memcpy(at, length, size);
    if (bytes.size > 0) {
        memcpy(at + size, bytes.data, bytes.size);
    }
}

void
avro_write_prose(struct buf *b, struct span text)
{
    avro_write_bytes(b, text);
    if (b->status == STATUS_OK && text.size > 0) {
        avro_text_repair(b->data + b->size - text.size, text.size);
    }
}
