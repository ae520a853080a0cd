/* SPDX-License-Identifier: Apache-2.0 */
/* JSON strings, and the small pieces that documents are made of. */
#include "schemas/number.h"
#include "schemas/oip_write.h"
#include "schemas/utf8.h"

/** First byte that cannot be copied as it is. */
static const uint8_t *
skip_plain(const uint8_t *at, const uint8_t *end)
{
    while (at < end && *at >= 0x20 && *at < 0x7F && *at != '"' && *at != '\\') {
        at++;
    }
    return at;
}

static void
write_escape(uint8_t byte, struct buf *b)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
    switch (byte) {
    case '"':
    case '\\':
        text[1] = (char)byte;
        buf_append(b, text, 2);
        return;
    case '\n':
        buf_append(b, "\\n", 2);
        return;
    case '\r':
        buf_append(b, "\\r", 2);
        return;
    case '\t':
        buf_append(b, "\\t", 2);
        return;
    default:
        buf_append(b, text, sizeof(text));
        return;
    }
}

/** Writes the character at the front; returns bytes read. */
static size_t
write_special(const uint8_t *at, const uint8_t *end, struct buf *b)
{
    if (*at < 0x80) {
        write_escape(*at, b);
        return 1;
    }
    size_t length = utf8_length(at, end);
    if (length == 0) {
        buf_append(b, "\xEF\xBF\xBD", 3);
        return 1;
    }
    buf_append(b, at, length);
    return length;
}

static void
write_characters(const uint8_t *at, const uint8_t *end, struct buf *b)
{
    while (at < end) {
        const uint8_t *stop = skip_plain(at, end);
        if (stop > at) {
            buf_append(b, at, (size_t)(stop - at));
        }
        at = stop < end ? stop + write_special(stop, end, b) : end;
    }
}

void
oip_write_text(struct span text, struct buf *b)
{
    buf_append_byte(b, '"');
    if (text.size > 0) {
        write_characters(text.data, text.data + text.size, b);
    }
    buf_append_byte(b, '"');
}

void
oip_write_key(struct buf *b, const char *name)
{
    buf_append_byte(b, '"');
    buf_append_text(b, name);
    buf_append(b, "\":", 2);
}

void
oip_write_number(struct buf *b, int64_t value)
{
    char text[NUMBER_WRITE_MAX];
    buf_append(b, text, number_write_int64(text, value));
}

void
oip_write_shape(struct buf *b, const int64_t *shape, uint32_t rank)
{
    buf_append_byte(b, '[');
    for (uint32_t i = 0; i < rank; i++) {
        if (i > 0) {
            buf_append_byte(b, ',');
        }
        oip_write_number(b, shape[i]);
    }
    buf_append_byte(b, ']');
}
