/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Found by the digest of the name: names come from the operator, but who passes
 * exchanges on to another instance names tenants as well, at any rate.
 */
#include "ingest/tenant.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/map.h"
#include "ingest/share.h"

#include <stdlib.h>
#include <string.h>

struct tenant {
    struct tenant *next; /* known before */
    size_t name_size;
    char name[TENANT_NAME_MAX];
    struct tenant_limits limits;
    struct share *share;
};

struct tenants {
    struct map by_name; /* the first bytes of the digest of the name */
    struct tenant *newest;
    const struct tenant *fallback_tenant;
    struct tenant_limits fallback;
};

static struct uuid
key_of(struct span name)
{
    struct digest digest = digest_of(name);
    struct uuid key;
    memcpy(key.bytes, digest.bytes, UUID_BYTES);
    return key;
}

enum status
tenants_create(struct tenants **out, const struct tenant_limits *fallback)
{
    struct tenants *tenants = calloc(1, sizeof(*tenants));
    if (tenants == NULL) {
        return STATUS_NO_MEMORY;
    }
    tenants->fallback = *fallback;
    map_init(&tenants->by_name, TENANTS_MAX, (uint64_t)clock_mono_ns());
    enum status status =
        tenants_know(tenants, span_of_text(TENANT_DEFAULT), &tenants->fallback_tenant);
    if (status != STATUS_OK) {
        tenants_destroy(&tenants);
        return status;
    }
    *out = tenants;
    return STATUS_OK;
}

static void
tenant_free(struct tenant *t)
{
    free(t->share);
    free(t);
}

void
tenants_destroy(struct tenants **tenants)
{
    struct tenants *all = *tenants;
    *tenants = NULL;
    if (all == NULL) {
        return;
    }
    while (all->newest != NULL) {
        struct tenant *t = all->newest;
        all->newest = t->next;
        tenant_free(t);
    }
    map_fini(&all->by_name);
    free(all);
}

const struct tenant *
tenants_default(const struct tenants *tenants)
{
    return tenants->fallback_tenant;
}

bool
tenant_name_is_valid(struct span name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-";
    if (name.size == 0 || name.size > TENANT_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] == '\0' || strchr(allowed, name.data[i]) == NULL) {
            return false;
        }
    }
    return true;
}

static struct tenant *
tenant_make(struct span name)
{
    struct tenant *t = calloc(1, sizeof(*t));
    struct share *share = calloc(1, sizeof(*share));
    if (t == NULL || share == NULL) {
        free(t);
        free(share);
        return NULL;
    }
    t->share = share;
    t->name_size = name.size;
    memcpy(t->name, name.data, name.size);
    return t;
}

enum status
tenants_know(struct tenants *tenants, struct span name, const struct tenant **out)
{
    if (!tenant_name_is_valid(name)) {
        return STATUS_INVALID;
    }
    const struct uuid key = key_of(name);
    struct tenant *t = map_find(&tenants->by_name, &key);
    if (t != NULL) {
        *out = t;
        return STATUS_OK;
    }
    t = tenant_make(name);
    if (t == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = map_insert(&tenants->by_name, &key, t);
    if (status != STATUS_OK) {
        tenant_free(t);
        return status;
    }
    t->limits = tenants->fallback;
    t->next = tenants->newest;
    tenants->newest = t;
    *out = t;
    return STATUS_OK;
}

void
tenant_limit(struct tenants *tenants,
             const struct tenant *t,
             const struct tenant_limits *limits)
{
    const struct uuid key = key_of(tenant_name(t));
    struct tenant *known = map_find(&tenants->by_name, &key);
    known->limits = *limits;
}

void
tenants_unlimit(struct tenants *tenants)
{
    for (struct tenant *t = tenants->newest; t != NULL; t = t->next) {
        t->limits = tenants->fallback;
    }
}

struct span
tenant_name(const struct tenant *t)
{
    return span_of(t->name, t->name_size);
}

const struct tenant_limits *
tenant_limits(const struct tenant *t)
{
    return &t->limits;
}

struct share *
tenant_share(const struct tenant *t)
{
    return t->share;
}
