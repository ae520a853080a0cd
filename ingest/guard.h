/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets exchanges in: `Authorization: Bearer KEY` or `X-API-Key: KEY` against the keys
 * of http.keys.file, never anything of the query. Whoever is not known gets one 401,
 * whatever was wrong; whose key lacks the scope gets 403. Without a file everybody is
 * the default tenant and may do everything.
 */
#ifndef INGEST_GUARD_H
#define INGEST_GUARD_H

#include "base/http_server.h"
#include "base/status.h"
#include "ingest/tenant.h"

#include <stdbool.h>

struct guard;

/**
 * @param[in] keys_file borrowed; NULL: no keys
 * @param[in] tenants borrowed
 * @return as keys_read()
 */
MUST_CHECK enum status guard_create(struct guard **out,
                                    const char *keys_file,
                                    struct tenants *tenants,
                                    struct fault *fault);
void guard_destroy(struct guard **guard);

/** Reads the keys anew; if the file is bad the old ones stay, and it is logged. */
void guard_reload(struct guard *guard);

/** Whether callers are told apart. */
bool guard_has_keys(const struct guard *guard);

/**
 * Finds out who asks. May be called as soon as the head is there.
 *
 * @param[in]  scopes of which one is enough; 0: open to everybody, then the tenant is
 *             the default one without a look at the key
 * @param[out] tenant set only on true
 * @return false: the exchange is answered
 */
bool guard_admits(struct guard *guard,
                  struct http_exchange *x,
                  unsigned scopes,
                  int64_t now_ns,
                  const struct tenant **tenant);

#endif
