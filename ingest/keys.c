/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted by id once it is read, then searched by halves. */
#include "ingest/keys.h"

#include "ingest/key_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct key {
    struct key_line line;
    int number; /* of its line */
    const struct tenant *tenant;
};

struct keys {
    struct key *items;
    size_t count;
    size_t capacity;
};

static int
by_id(const void *a, const void *b)
{
    const struct key *left = a;
    const struct key *right = b;
    return strcmp(left->line.id, right->line.id);
}

static int
by_tenant(const void *a, const void *b)
{
    const struct key *left = a;
    const struct key *right = b;
    int order = strcmp(left->line.tenant, right->line.tenant);
    return order != 0 ? order : right->line.has_limits - left->line.has_limits;
}

static enum status
take_line(struct keys *keys, char *text, int number, struct fault *fault)
{
    size_t begin = strspn(text, " \t\r\n");
    if (text[begin] == '\0' || text[begin] == '#') {
        return STATUS_OK;
    }
    if (keys->count == KEYS_MAX) {
        return fault_set(fault, STATUS_FULL, "more than %d keys", KEYS_MAX);
    }
    if (keys->count == keys->capacity) {
        size_t capacity = keys->capacity == 0 ? 64 : keys->capacity * 2;
        struct key *items = realloc(keys->items, capacity * sizeof(*items));
        if (items == NULL) {
            return fault_set(fault, STATUS_NO_MEMORY, "no memory for the keys");
        }
        keys->items = items;
        keys->capacity = capacity;
    }
    struct key *key = &keys->items[keys->count];
    *key = (struct key){.number = number};
    enum status status = key_line_read(span_of_text(text), &key->line, fault);
    keys->count += status == STATUS_OK ? 1 : 0;
    return status;
}

static enum status
read_lines(struct keys *keys, FILE *file, int *number, struct fault *fault)
{
    char text[KEY_LINE_MAX + 2];
    enum status status = STATUS_OK;
    while (status == STATUS_OK && fgets(text, sizeof(text), file) != NULL) {
        ++*number;
        status = take_line(keys, text, *number, fault);
    }
    if (status == STATUS_OK && ferror(file) != 0) {
        status = fault_set(fault, STATUS_IO, "it cannot be read to its end");
    }
    return status;
}

/* Two keys of a tenant, for a change over, may both say its limits: the same ones. */
static bool
limits_agree(const struct key *a, const struct key *b)
{
    const struct tenant_limits *x = &a->line.limits;
    const struct tenant_limits *y = &b->line.limits;
    return strcmp(a->line.tenant, b->line.tenant) != 0 || !b->line.has_limits ||
           (x->inflight_max == y->inflight_max &&
            x->inflight_bytes_max == y->inflight_bytes_max &&
            !(x->rate_per_s < y->rate_per_s || x->rate_per_s > y->rate_per_s) &&
            !(x->burst < y->burst || x->burst > y->burst));
}

static enum status
check_together(struct keys *keys, int *number, struct fault *fault)
{
    if (keys->count == 0) {
        return fault_set(fault, STATUS_INVALID, "it holds no key");
    }
    qsort(keys->items, keys->count, sizeof(*keys->items), by_tenant);
    for (size_t i = 1; i < keys->count; i++) {
        *number = keys->items[i].number;
        if (!limits_agree(&keys->items[i - 1], &keys->items[i])) {
            return fault_set(fault, STATUS_INVALID,
                             "tenant %s has other limits on line %d",
                             keys->items[i].line.tenant, keys->items[i - 1].number);
        }
    }
    qsort(keys->items, keys->count, sizeof(*keys->items), by_id);
    for (size_t i = 1; i < keys->count; i++) {
        *number = keys->items[i].number;
        if (by_id(&keys->items[i - 1], &keys->items[i]) == 0) {
            return fault_set(fault, STATUS_INVALID, "key id %s is on line %d as well",
                             keys->items[i].line.id, keys->items[i - 1].number);
        }
    }
    return STATUS_OK;
}

static enum status
know_tenants(struct keys *keys, struct tenants *tenants, struct fault *fault)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct key *key = &keys->items[i];
        enum status status =
            tenants_know(tenants, span_of_text(key->line.tenant), &key->tenant);
        if (status != STATUS_OK) {
            return fault_set(fault, status, "tenant %s cannot be taken: %s",
                             key->line.tenant, status_name(status));
        }
    }
    return STATUS_OK;
}

/* Digests of 256 random bits tell nothing, but who may write them may log in. */
static enum status
check_mode(FILE *file, struct fault *fault)
{
    struct stat info;
    if (fstat(fileno(file), &info) != 0) {
        return fault_set(fault, STATUS_IO, "its mode cannot be read");
    }
    if ((info.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
        return fault_set(fault, STATUS_INVALID,
                         "its mode is %03o: others may read or write it; give it 600 "
                         "or 640 (chmod 600)",
                         (unsigned)(info.st_mode & 0777));
    }
    return STATUS_OK;
}

static enum status
read_file(struct keys *keys,
          const char *path,
          struct tenants *tenants,
          struct fault *fault)
{
    struct fault why = {.text = ""};
    int number = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        char text[128];
        return fault_set(fault, STATUS_IO, "http.keys.file %s: %s", path,
                         strerror_r(errno, text, sizeof(text)));
    }
    enum status status = check_mode(file, &why);
    if (status == STATUS_OK) {
        status = read_lines(keys, file, &number, &why);
    }
    fclose(file);
    if (status == STATUS_OK) {
        status = check_together(keys, &number, &why);
    }
    if (status == STATUS_OK) {
        status = know_tenants(keys, tenants, &why);
    }
    return status == STATUS_OK
               ? STATUS_OK
               : fault_set(fault, status, "http.keys.file %.80s, line %d: %.120s", path,
                           number, why.text);
}

enum status
keys_read(struct keys **out,
          const char *path,
          struct tenants *tenants,
          struct fault *fault)
{
    struct keys *keys = calloc(1, sizeof(*keys));
    if (keys == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the keys");
    }
    enum status status = read_file(keys, path, tenants, fault);
    if (status != STATUS_OK) {
        keys_destroy(&keys);
        return status;
    }
    *out = keys;
    return STATUS_OK;
}

void
keys_apply_limits(const struct keys *keys, struct tenants *tenants)
{
    tenants_unlimit(tenants);
    for (size_t i = 0; i < keys->count; i++) {
        const struct key *key = &keys->items[i];
        if (key->line.has_limits) {
            tenant_limit(tenants, key->tenant, &key->line.limits);
        }
    }
}

void
keys_destroy(struct keys **keys)
{
    struct keys *k = *keys;
    *keys = NULL;
    if (k != NULL) {
        free(k->items);
        free(k);
    }
}

size_t
keys_count(const struct keys *keys)
{
    return keys->count;
}

static int
compare_id(const void *wanted, const void *item)
{
    const char *id = wanted;
    const struct key *key = item;
    return strcmp(id, key->line.id);
}

enum status
keys_find(const struct keys *keys,
          struct span key,
          int64_t wall_s,
          struct key_holder *holder)
{
    static const struct key nobody;
    struct span id = key_id_of(key);
    char text[KEY_ID_MAX + 1] = "";
    if (id.size > 0 && id.size <= KEY_ID_MAX) {
        memcpy(text, id.data, id.size);
    }
    const struct digest presented = digest_of(key);
    const struct key *found =
        bsearch(text, keys->items, keys->count, sizeof(*keys->items), compare_id);
    const struct key *compared = found == NULL ? &nobody : found;
    bool right = digest_equal(&presented, &compared->line.digest);
    if (found == NULL || !right || wall_s > found->line.expires_s) {
        return STATUS_NOT_FOUND;
    }
    *holder = (struct key_holder){.tenant = found->tenant,
                                  .scopes = found->line.scopes,
                                  .key_id = span_of_text(found->line.id)};
    return STATUS_OK;
}
