/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks. Every request belongs to a tenant, which comes from the caller's key and
 * from nothing else; without http.keys.file everybody is the tenant "default" with all
 * scopes. A tenant once known lives as long as the ingest, also when the keys are read
 * anew, so requests under way may point to it.
 */
#ifndef INGEST_TENANT_H
#define INGEST_TENANT_H

#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a key allows; a route names those of which one is enough. */
enum tenant_scope {
    SCOPE_INFER = 1, /* submit, cancel, and read what became of it */
    SCOPE_READ = 2,  /* read jobs, models, numbers */
    SCOPE_ADMIN = 4, /* change what the server does */
    SCOPE_ANY = 7
};

/** Bounds of one tenant; 0 = none. */
struct tenant_limits {
    int64_t inflight_max; /* requests that wait for Kafka or for an answer */
    int64_t inflight_bytes_max;
    double rate_per_s; /* submissions */
    double burst;      /* submissions at once after a rest; 0 = a second's worth */
};

enum { TENANT_NAME_MAX = 64, TENANTS_MAX = 4096 };

#define TENANT_DEFAULT "default"

struct tenant;
struct tenants; /* all that are known */
struct share;   /* what one tenant has in flight: share.h */

/** @param[in] fallback limits of tenants that have none of their own; copied */
MUST_CHECK enum status
tenants_create(struct tenants **out, const struct tenant_limits *fallback);
void tenants_destroy(struct tenants **tenants);

/** Of callers without a key. */
const struct tenant *tenants_default(const struct tenants *tenants);

/**
 * The tenant of that name; it becomes known if it was not.
 *
 * @return STATUS_OK; STATUS_INVALID: not a name; STATUS_FULL over TENANTS_MAX;
 *         STATUS_NO_MEMORY
 */
MUST_CHECK enum status
tenants_know(struct tenants *tenants, struct span name, const struct tenant **out);

/** 1 to TENANT_NAME_MAX letters, digits, dots, dashes and underscores. */
bool tenant_name_is_valid(struct span name);

/** Its limits from now on; what is in flight stays counted. */
void tenant_limit(struct tenants *tenants,
                  const struct tenant *t,
                  const struct tenant_limits *limits);

/** All tenants have the fallback's limits again. */
void tenants_unlimit(struct tenants *tenants);

struct span tenant_name(const struct tenant *t);

/** The limits that count now. */
const struct tenant_limits *tenant_limits(const struct tenant *t);

/** What it has in flight; changed by admission only. */
struct share *tenant_share(const struct tenant *t);

#endif
