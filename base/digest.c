/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing and comparing are libcrypto's; only the digits are ours. */
#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

struct digest
digest_of(struct span bytes)
{
    struct digest digest;
    SHA256(bytes.size == 0 ? (const uint8_t *)"" : bytes.data, bytes.size,
           digest.bytes);
    return digest;
}

bool
digest_equal(const struct digest *a, const struct digest *b)
{
    return CRYPTO_memcmp(a->bytes, b->bytes, DIGEST_BYTES) == 0;
}

void
digest_format(const struct digest *digest, char hex[static DIGEST_HEX])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        hex[2 * i] = digits[digest->bytes[i] >> 4];
        hex[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
}

static int
value_of(uint8_t digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    uint8_t lower = digit | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

enum status
digest_parse(struct span hex, struct digest *digest)
{
    if (hex.size != DIGEST_HEX) {
        return STATUS_INVALID;
    }
    struct digest read;
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        int high = value_of(hex.data[2 * i]);
        int low = value_of(hex.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return STATUS_INVALID;
        }
        read.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *digest = read;
    return STATUS_OK;
}
