/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of http.keys.file, and what a caller presents. A key is
 * `leat_KEYID_SECRET`; the file has its digest, never the key:
 *
 *   KEYID SHA256 tenant=acme scopes=infer,read expires=2027-01-31 inflight=1000
 *       bytes=64MiB rate=100 burst=200
 *
 * (on one line; `expires` and the limits may be missing). Pure.
 */
#ifndef INGEST_KEY_LINE_H
#define INGEST_KEY_LINE_H

#include "base/digest.h"
#include "base/span.h"
#include "base/status.h"
#include "ingest/tenant.h"

#include <stdbool.h>
#include <stdint.h>

enum { KEY_ID_MAX = 32, KEY_LINE_MAX = 1024 };

struct key_line {
    char id[KEY_ID_MAX + 1];
    struct digest digest; /* of the whole key */
    char tenant[TENANT_NAME_MAX + 1];
    unsigned scopes;   /* of enum tenant_scope */
    int64_t expires_s; /* since 1970; INT64_MAX = never */
    bool has_limits;   /* at least one is given */
    struct tenant_limits limits;
};

/**
 * Reads a line that is neither empty nor a comment.
 *
 * @param[out] line set only on STATUS_OK
 * @param[out] fault what is wrong; never anything of a secret
 * @return STATUS_OK; STATUS_INVALID
 */
MUST_CHECK enum status
key_line_read(struct span text, struct key_line *line, struct fault *fault);

/** The KEYID of what a caller presents; size 0: it does not look like a key. */
struct span key_id_of(struct span key);

#endif
