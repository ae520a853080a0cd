/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields RateLimit-Policy and RateLimit of an answer, for tenants that have a rate.
 * @source draft-ietf-httpapi-ratelimit-headers-10
 */
#ifndef INGEST_RATE_LIMIT_H
#define INGEST_RATE_LIMIT_H

#include "base/http_server.h"
#include "ingest/tenant.h"

/** Adds them to the answer that is to come, as the tenant's bucket stands now. */
void rate_limit_tell(struct http_exchange *x, const struct tenant *tenant);

#endif
