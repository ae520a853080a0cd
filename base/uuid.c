/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UUIDv7 from a pool of random bytes: one getrandom call serves a hundred ids (a call
 * per id costs half a microsecond). The pool is refilled whole, never partly reused.
 */
#include "base/uuid.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static void
source_refill(struct uuid_source *source)
{
    size_t have = 0;
    while (have < sizeof(source->pool)) {
        ssize_t n = getrandom(source->pool + have, sizeof(source->pool) - have, 0);
        if (n < 0 && errno != EINTR) {
            abort(); /* Linux gives random bytes once booted; without them ids collide
                      */
        }
        have += n > 0 ? (size_t)n : 0;
    }
    source->used = 0;
}

static void
source_take(struct uuid_source *source, uint8_t *out, unsigned size)
{
    if (source->used + size > sizeof(source->pool)) {
        source_refill(source);
    }
    memcpy(out, source->pool + source->used, size);
    source->used += size;
}

void
uuid_source_init(struct uuid_source *source)
{
    source->used = sizeof(source->pool);
}

struct uuid
uuid_mint(struct uuid_source *source, int64_t wall_us)
{
    struct uuid id;
    uint64_t ms = (uint64_t)(wall_us / 1000);
    for (unsigned i = 0; i < 6; i++) {
        id.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    }
    source_take(source, id.bytes + 6, UUID_BYTES - 6);
    id.bytes[6] = (uint8_t)(0x70 | (id.bytes[6] & 0x0f));
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3f));
    return id;
}

void
uuid_vary(struct uuid_source *source, struct uuid *id)
{
    source_take(source, id->bytes + UUID_BYTES - 2, 2);
}

struct uuid
uuid_custom(const uint8_t bytes[static UUID_BYTES])
{
    struct uuid id;
    memcpy(id.bytes, bytes, UUID_BYTES);
    id.bytes[6] = (uint8_t)(0x80 | (id.bytes[6] & 0x0f));
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3f));
    return id;
}

void
uuid_format(const struct uuid *id, char text[static UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    unsigned at = 0;
    for (unsigned i = 0; i < UUID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            text[at++] = '-';
        }
        text[at++] = digits[id->bytes[i] >> 4];
        text[at++] = digits[id->bytes[i] & 0x0f];
    }
}

static int
nibble_of(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum status
uuid_parse(struct span text, struct uuid *id)
{
    if (text.size != UUID_TEXT) {
        return STATUS_INVALID;
    }
    struct uuid read;
    unsigned at = 0;
    for (unsigned i = 0; i < UUID_BYTES; i++) {
        if (at == 8 || at == 13 || at == 18 || at == 23) {
            if (text.data[at++] != '-') {
                return STATUS_INVALID;
            }
        }
        int high = nibble_of(text.data[at]);
        int low = nibble_of(text.data[at + 1]);
        if (high < 0 || low < 0) {
            return STATUS_INVALID;
        }
        read.bytes[i] = (uint8_t)(high << 4 | low);
        at += 2;
    }
    *id = read;
    return STATUS_OK;
}
