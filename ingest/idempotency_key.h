/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of an Idempotency-Key header: a string as structured fields write it (RFC
 * 8941 section 3.3.3), in quotes; without quotes as well, since that is what most
 * clients send. Pure.
 */
#ifndef INGEST_IDEMPOTENCY_KEY_H
#define INGEST_IDEMPOTENCY_KEY_H

#include "base/span.h"
#include "base/status.h"

#include <stddef.h>

enum { IDEMPOTENCY_KEY_MAX = 255 };

struct idempotency_key {
    char text[IDEMPOTENCY_KEY_MAX];
    size_t size;
};

/**
 * @param[out] key set only on STATUS_OK, 1 to IDEMPOTENCY_KEY_MAX characters
 * @return STATUS_OK; STATUS_INVALID
 */
MUST_CHECK enum status
idempotency_key_parse(struct span header, struct idempotency_key *key);

#endif
