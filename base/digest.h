/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of texts that are kept or compared as digests: keys of callers, tokens. Their
 * comparison takes the same time wherever they differ. One of the homes of libcrypto.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { DIGEST_BYTES = 32, DIGEST_HEX = 2 * DIGEST_BYTES };

struct digest {
    uint8_t bytes[DIGEST_BYTES];
};

/** SHA-256 (FIPS 180-4) of the bytes. @thread any */
struct digest digest_of(struct span bytes);

/** In a time that does not depend on the content. @thread any */
bool digest_equal(const struct digest *a, const struct digest *b);

/** Lower-case hexadecimal digits, no NUL. */
void digest_format(const struct digest *digest, char hex[static DIGEST_HEX]);

/**
 * Reads 64 hexadecimal digits, either case.
 *
 * @param[out] digest set only on STATUS_OK
 * @return STATUS_OK; STATUS_INVALID
 */
MUST_CHECK enum status digest_parse(struct span hex, struct digest *digest);

#endif
