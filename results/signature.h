/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard Webhooks signatures, scheme v1: HMAC-SHA256 over id.timestamp.body, base64.
 * Each secret of the file signs, so that receivers can change over from one to another.
 * The home of libcrypto, together with the secrets.
 */
#ifndef RESULTS_SIGNATURE_H
#define RESULTS_SIGNATURE_H

#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum { SECRETS_MAX = 8, SECRET_BYTES_LEAST = 24, SECRET_BYTES_MAX = 64 };

struct secret {
    size_t size;
    uint8_t bytes[SECRET_BYTES_MAX];
};

struct secrets {
    size_t count;
    struct secret items[SECRETS_MAX];
};

/**
 * Reads `whsec_` + base64 of 24 to 64 bytes, one a line; empty lines and lines with #
 * are passed over.
 *
 * @return STATUS_OK; STATUS_IO: no such file; STATUS_INVALID naming the line, or if
 *         there is none
 * @blocks for the disk
 */
MUST_CHECK enum status
secrets_read(struct secrets *s, const char *path, struct fault *fault);

/** Overwrites the secrets. */
void secrets_fini(struct secrets *s);

/** Appends the value of the webhook-signature header. */
void signature_write(const struct secrets *s,
                     struct span id,
                     int64_t timestamp_s,
                     struct span body,
                     struct buf *out);

/** A key for a map: the first 16 bytes of the SHA-256 of a text. */
struct uuid;
void digest_key(struct span text, struct uuid *key);

#endif
