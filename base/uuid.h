/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Job ids: UUIDv7 (RFC 9562 section 5.7), a millisecond timestamp and 74 random bits.
 * The record key in Kafka is the 36-character text; in memory an id is its 16 bytes.
 */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { UUID_BYTES = 16, UUID_TEXT = 36 };

struct uuid {
    uint8_t bytes[UUID_BYTES];
};

/** Source of random bits, refilled from getrandom in blocks. Not shared by threads. */
struct uuid_source {
    uint8_t pool[1024];
    unsigned used; /* bytes of pool already given; starts at sizeof pool */
};

/** @thread the one that owns the source */
void uuid_source_init(struct uuid_source *source);

/**
 * A new version 7 id.
 *
 * @param[in] wall_us now, microseconds since 1970
 * @thread the one that owns the source
 */
struct uuid uuid_mint(struct uuid_source *source, int64_t wall_us);

/** Replaces the last two bytes by fresh random bits; version and variant stay. */
void uuid_vary(struct uuid_source *source, struct uuid *id);

/** A version 8 id (RFC 9562 section 5.8) from bytes of one's own. @thread any */
struct uuid uuid_custom(const uint8_t bytes[static UUID_BYTES]);

/** Lower-case 8-4-4-4-12 form, no NUL. @thread any */
void uuid_format(const struct uuid *id, char text[static UUID_TEXT]);

/**
 * Reads the 36-character form, either case, any version.
 *
 * @param[out] id set only on STATUS_OK
 * @return STATUS_OK; STATUS_INVALID
 */
MUST_CHECK enum status uuid_parse(struct span text, struct uuid *id);

/** Wall time in µs of which a version 7 id tells; 0 for any other. @thread any */
static inline int64_t
uuid_minted_us(const struct uuid *id)
{
    int64_t ms = 0;
    for (int i = 0; i < 6; i++) {
        ms = ms << 8 | id->bytes[i];
    }
    return id->bytes[6] >> 4 == 7 ? ms * 1000 : 0;
}

static inline bool
uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, UUID_BYTES) == 0;
}

#endif
