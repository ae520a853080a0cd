/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of http.keys.file, by their id: who presents one is its tenant, with its
 * scopes. Only digests are kept. A file is taken whole or not at all.
 */
#ifndef INGEST_KEYS_H
#define INGEST_KEYS_H

#include "base/span.h"
#include "base/status.h"
#include "ingest/tenant.h"

#include <stddef.h>
#include <stdint.h>

struct keys;

/** What a key says of who presents it. */
struct key_holder {
    const struct tenant *tenant;
    unsigned scopes;
    struct span key_id; /* lives as long as the keys; for the log */
};

enum { KEYS_MAX = 100000 };

/**
 * Reads the file and makes its tenants known.
 *
 * @param[out] fault names the line; also for a file that others may read
 * @return STATUS_OK; STATUS_IO; STATUS_INVALID; STATUS_FULL over KEYS_MAX or
 *         TENANTS_MAX; STATUS_NO_MEMORY; nothing is changed then but that a tenant may
 *         be known
 * @blocks for the disk
 */
MUST_CHECK enum status keys_read(struct keys **out,
                                 const char *path,
                                 struct tenants *tenants,
                                 struct fault *fault);

/** Makes the limits those of this file; tenants it does not name lose theirs. */
void keys_apply_limits(const struct keys *keys, struct tenants *tenants);

void keys_destroy(struct keys **keys);

size_t keys_count(const struct keys *keys);

/**
 * Who presents this key. Takes the same time whether its id is known or its secret
 * right.
 *
 * @return STATUS_OK; STATUS_NOT_FOUND: unknown, wrong or expired
 */
MUST_CHECK enum status keys_find(const struct keys *keys,
                                 struct span key,
                                 int64_t wall_s,
                                 struct key_holder *holder);

#endif
