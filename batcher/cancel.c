/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list in the order of arrival, which is the order of forgetting, and a map into it.
 * The map knows ids only, so the tenant is mixed into its key; what is found is
 * compared as a whole.
 */
#include "batcher/cancel.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a, 64 bit. */
#define HASH_BASIS UINT64_C(14695981039346656037)
#define HASH_PRIME UINT64_C(1099511628211)

struct cancel {
    struct cancel *next;
    int64_t until_ns;
    struct uuid id;
    size_t tenant_size;
    uint8_t tenant[];
};

static struct uuid
key_of(const struct uuid *id, struct span tenant)
{
    struct uuid key = *id;
    uint64_t hash = HASH_BASIS;
    for (size_t i = 0; i < tenant.size; i++) {
        hash = (hash ^ tenant.data[i]) * HASH_PRIME;
    }
    for (size_t i = 0; i < sizeof hash; i++) {
        key.bytes[i] ^= (uint8_t)(hash >> 8 * i);
    }
    return key;
}

static struct span
tenant_of(const struct cancel *one)
{
    return span_of(one->tenant, one->tenant_size);
}

void
cancels_init(struct cancels *c, size_t count_max, int64_t keep_ns, uint64_t seed)
{
    *c = (struct cancels){.count_max = count_max, .keep_ns = keep_ns};
    c->end = &c->first;
    map_init(&c->by_key, count_max, seed);
}

static void
oldest_forget(struct cancels *c)
{
    struct cancel *oldest = c->first;
    struct uuid key = key_of(&oldest->id, tenant_of(oldest));
    c->first = oldest->next;
    if (c->first == NULL) {
        c->end = &c->first;
    }
    map_remove(&c->by_key, &key);
    free(oldest);
}

void
cancels_fini(struct cancels *c)
{
    while (c->first != NULL) {
        oldest_forget(c);
    }
    map_fini(&c->by_key);
}

enum status
cancels_add(struct cancels *c,
            const struct uuid *id,
            struct span tenant,
            int64_t now_ns)
{
    while (c->first != NULL &&
           (c->first->until_ns <= now_ns || c->by_key.count >= c->count_max)) {
        oldest_forget(c);
    }
    struct cancel *one = malloc(sizeof *one + tenant.size);
    if (one == NULL) {
        return STATUS_NO_MEMORY;
    }
    *one = (struct cancel){
        .until_ns = now_ns + c->keep_ns, .id = *id, .tenant_size = tenant.size};
    if (tenant.size > 0) {
        memcpy(one->tenant, tenant.data, tenant.size);
    }
    struct uuid key = key_of(id, tenant);
    enum status status = map_insert(&c->by_key, &key, one);
    if (status != STATUS_OK) {
        free(one);
        return status == STATUS_CONFLICT ? STATUS_OK : status;
    }
    *c->end = one;
    c->end = &one->next;
    return STATUS_OK;
}

bool
cancels_has(const struct cancels *c,
            const struct uuid *id,
            struct span tenant,
            int64_t now_ns)
{
    if (c->first == NULL) {
        return false;
    }
    struct uuid key = key_of(id, tenant);
    const struct cancel *one = map_find(&c->by_key, &key);
    return one != NULL && one->until_ns > now_ns && uuid_equal(&one->id, id) &&
           span_equal(tenant_of(one), tenant);
}
