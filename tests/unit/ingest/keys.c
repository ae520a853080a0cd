/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the keys file, the file as a whole, and who presents which key. */
#include "ingest/keys.h"

#include "ingest/key_line.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_A "leat_a1_secretsecretsecret"
#define KEY_B "leat_b1_othersecretothersecret"
#define DIGEST                                                                         \
    "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" /* a */

static struct key_line line;
static struct fault fault;
static struct tenants *tenants;
static struct keys *keys;
static char path[] = "/tmp/leat-keys-XXXXXX";

static enum status
read_line(const char *text)
{
    line = (struct key_line){0};
    return key_line_read(span_of_text(text), &line, &fault);
}

static void
setup(void)
{
    const struct tenant_limits none = {0};
    cr_assert_eq(tenants_create(&tenants, &none), STATUS_OK);
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
}

static void
teardown(void)
{
    keys_destroy(&keys);
    tenants_destroy(&tenants);
    unlink(path);
}

TestSuite(keys, .init = setup, .fini = teardown);

/** A line of the file: `rest` stands behind the digest of the key. */
static void
add(const char *key, const char *rest)
{
    char hex[DIGEST_HEX];
    struct digest digest = digest_of(span_of_text(key));
    digest_format(&digest, hex);
    struct span id = key_id_of(span_of_text(key));
    FILE *file = fopen(path, "ae");
    cr_assert_not_null(file);
    fprintf(file, "%.*s %.*s %s\n", (int)id.size, (const char *)id.data, DIGEST_HEX,
            hex, rest);
    fclose(file);
}

static enum status
read_keys(void)
{
    keys_destroy(&keys);
    fault = (struct fault){.text = ""};
    enum status status = keys_read(&keys, path, tenants, &fault);
    if (status == STATUS_OK) {
        keys_apply_limits(keys, tenants);
    }
    return status;
}

static enum status
find(const char *key, int64_t wall_s, struct key_holder *holder)
{
    return keys_find(keys, span_of_text(key), wall_s, holder);
}

Test(digest, is_sha_256)
{
    char hex[DIGEST_HEX];
    struct digest digest = digest_of(span_of_text("a"));
    digest_format(&digest, hex);
    cr_assert_eq(memcmp(hex, DIGEST, DIGEST_HEX), 0);
    struct digest again;
    cr_assert_eq(digest_parse(span_of(hex, DIGEST_HEX), &again), STATUS_OK);
    cr_assert(digest_equal(&digest, &again));
    again.bytes[31] ^= 1;
    cr_assert_not(digest_equal(&digest, &again));
    cr_assert_eq(digest_parse(span_of(hex, DIGEST_HEX - 2), &again), STATUS_INVALID);
    hex[3] = 'g';
    cr_assert_eq(digest_parse(span_of(hex, DIGEST_HEX), &again), STATUS_INVALID);
}

Test(key_line, says_whose_key_what_it_allows_until_when_and_how_much)
{
    cr_assert_eq(read_line("k1 " DIGEST " tenant=acme scopes=infer,admin "
                           "expires=1970-01-02T00:00:01Z inflight=7 bytes=64KiB "
                           "rate=2.5 burst=10\r\n"),
                 STATUS_OK, "%s", fault.text);
    cr_assert_str_eq(line.id, "k1");
    cr_assert_str_eq(line.tenant, "acme");
    cr_assert_eq(line.scopes, SCOPE_INFER | SCOPE_ADMIN);
    cr_assert_eq(line.expires_s, 86401);
    cr_assert(line.has_limits);
    cr_assert_eq(line.limits.inflight_max, 7);
    cr_assert_eq(line.limits.inflight_bytes_max, 65536);
    cr_assert_float_eq(line.limits.rate_per_s, 2.5, 1e-9);
    cr_assert_float_eq(line.limits.burst, 10, 1e-9);
}

Test(key_line, lasts_for_ever_or_to_the_end_of_a_day)
{
    cr_assert_eq(read_line("k1 " DIGEST " tenant=a scopes=read"), STATUS_OK);
    cr_assert_eq(line.expires_s, INT64_MAX);
    cr_assert_not(line.has_limits);
    cr_assert_eq(read_line("k1 " DIGEST " tenant=a scopes=read expires=1970-01-02"),
                 STATUS_OK);
    cr_assert_eq(line.expires_s, 2 * 86400 - 1);
}

Test(key_line, is_refused_where_it_breaks_a_rule)
{
    static const char *const bad[] = {
        "k1",
        "k1 abc tenant=a scopes=read",
        "k-1 " DIGEST " tenant=a scopes=read",
        "k1 " DIGEST,
        "k1 " DIGEST " tenant=a",
        "k1 " DIGEST " scopes=read",
        "k1 " DIGEST " tenant= scopes=read",
        "k1 " DIGEST " tenant=a/b scopes=read",
        "k1 " DIGEST " tenant=a scopes=write",
        "k1 " DIGEST " tenant=a scopes=",
        "k1 " DIGEST " tenant=a scopes=read tenant=b",
        "k1 " DIGEST " tenant=a scopes=read colour=red",
        "k1 " DIGEST " tenant=a scopes=read stray",
        "k1 " DIGEST " tenant=a scopes=read expires=never",
        "k1 " DIGEST " tenant=a scopes=read expires=2026-02-31",
        "k1 " DIGEST " tenant=a scopes=read rate=0",
        "k1 " DIGEST " tenant=a scopes=read rate=-1",
        "k1 " DIGEST " tenant=a scopes=read rate=nan",
        "k1 " DIGEST " tenant=a scopes=read inflight=0",
        "k1 " DIGEST " tenant=a scopes=read inflight=many",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fault = (struct fault){.text = ""};
        cr_assert_eq(read_line(bad[i]), STATUS_INVALID, "%s", bad[i]);
        cr_assert_neq(fault.text[0], '\0', "%s", bad[i]);
    }
    char longest[KEY_LINE_MAX + 1];
    memset(longest, 'k', sizeof(longest));
    cr_assert_eq(key_line_read(span_of(longest, sizeof(longest)), &line, &fault),
                 STATUS_INVALID);
}

Test(keys, tell_who_presents_one)
{
    add(KEY_A, "tenant=acme scopes=infer inflight=3");
    add(KEY_B, "tenant=bolt scopes=read,admin expires=2026-12-31");
    cr_assert_eq(read_keys(), STATUS_OK, "%s", fault.text);
    struct key_holder holder;
    cr_assert_eq(find(KEY_A, 0, &holder), STATUS_OK);
    cr_assert(span_is_text(tenant_name(holder.tenant), "acme"));
    cr_assert_eq(holder.scopes, SCOPE_INFER);
    cr_assert(span_is_text(holder.key_id, "a1"));
    cr_assert_eq(tenant_limits(holder.tenant)->inflight_max, 3);
    cr_assert_eq(find(KEY_B, 0, &holder), STATUS_OK);
    cr_assert(span_is_text(tenant_name(holder.tenant), "bolt"));
    cr_assert_eq(tenant_limits(holder.tenant)->inflight_max, 0);
}

Test(keys, know_nobody_by_a_wrong_unknown_or_expired_key)
{
    add(KEY_A, "tenant=acme scopes=infer expires=1970-01-01");
    cr_assert_eq(read_keys(), STATUS_OK, "%s", fault.text);
    struct key_holder holder;
    cr_assert_eq(find(KEY_A, 86399, &holder), STATUS_OK);
    cr_assert_eq(find(KEY_A, 86400, &holder), STATUS_NOT_FOUND);
    cr_assert_eq(find(KEY_B, 0, &holder), STATUS_NOT_FOUND);
    cr_assert_eq(find(KEY_A "x", 0, &holder), STATUS_NOT_FOUND);
    cr_assert_eq(find("leat_a1_", 0, &holder), STATUS_NOT_FOUND);
    cr_assert_eq(find("a1", 0, &holder), STATUS_NOT_FOUND);
    cr_assert_eq(find("", 0, &holder), STATUS_NOT_FOUND);
    cr_assert_eq(keys_find(keys, span_of(NULL, 0), 0, &holder), STATUS_NOT_FOUND);
}

Test(keys, are_not_read_from_a_file_that_others_may_read)
{
    add(KEY_A, "tenant=acme scopes=infer");
    cr_assert_eq(chmod(path, 0644), 0);
    cr_assert_eq(read_keys(), STATUS_INVALID);
    cr_assert_not_null(strstr(fault.text, "chmod 600"), "%s", fault.text);
    cr_assert_eq(chmod(path, 0640), 0);
    cr_assert_eq(read_keys(), STATUS_OK, "%s", fault.text);
}

Test(keys, are_taken_whole_or_not_at_all)
{
    cr_assert_eq(read_keys(), STATUS_INVALID, "an empty file lets nobody in");
    add(KEY_A, "tenant=acme scopes=infer rate=5");
    add(KEY_B, "tenant=acme scopes=infer rate=6");
    cr_assert_eq(read_keys(), STATUS_INVALID);
    cr_assert_not_null(strstr(fault.text, "other limits"), "%s", fault.text);
    cr_assert_eq(truncate(path, 0), 0);
    add(KEY_A, "tenant=acme scopes=infer");
    add(KEY_A, "tenant=acme scopes=read");
    cr_assert_eq(read_keys(), STATUS_INVALID);
    cr_assert_not_null(strstr(fault.text, "a1"), "%s", fault.text);
    cr_assert_eq(truncate(path, 0), 0);
    add(KEY_A, "tenant=acme scopes=infer rate=5");
    add(KEY_B, "tenant=acme scopes=read");
    cr_assert_eq(read_keys(), STATUS_OK, "%s", fault.text);
    cr_assert_eq(keys_count(keys), 2);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(read_keys(), STATUS_IO);
}

Test(keys, read_anew_keep_their_tenants_and_give_them_the_new_limits)
{
    add(KEY_A, "tenant=acme scopes=infer rate=5");
    cr_assert_eq(read_keys(), STATUS_OK, "%s", fault.text);
    struct key_holder before;
    struct key_holder after;
    cr_assert_eq(find(KEY_A, 0, &before), STATUS_OK);
    cr_assert_float_eq(tenant_limits(before.tenant)->rate_per_s, 5, 1e-9);
    cr_assert_eq(truncate(path, 0), 0);
    add(KEY_B, "tenant=acme scopes=infer");
    cr_assert_eq(read_keys(), STATUS_OK, "%s", fault.text);
    cr_assert_eq(find(KEY_B, 0, &after), STATUS_OK);
    cr_assert_eq(before.tenant, after.tenant);
    cr_assert_float_eq(tenant_limits(after.tenant)->rate_per_s, 0, 1e-9);
}

Test(tenants, are_one_by_name_and_bounded)
{
    const struct tenant_limits none = {0};
    struct tenants *all = NULL;
    cr_assert_eq(tenants_create(&all, &none), STATUS_OK);
    const struct tenant *a = NULL;
    const struct tenant *b = NULL;
    cr_assert_eq(tenants_know(all, span_of_text("default"), &a), STATUS_OK);
    cr_assert_eq(a, tenants_default(all));
    cr_assert_eq(tenants_know(all, span_of_text("Default"), &b), STATUS_OK);
    cr_assert_neq(a, b);
    cr_assert_eq(tenants_know(all, span_of_text(""), &b), STATUS_INVALID);
    cr_assert_eq(tenants_know(all, span_of("a\0b", 3), &b), STATUS_INVALID);
    for (int i = 0; i < TENANTS_MAX - 2; i++) {
        char name[16];
        snprintf(name, sizeof(name), "t%d", i);
        cr_assert_eq(tenants_know(all, span_of_text(name), &b), STATUS_OK);
    }
    cr_assert_eq(tenants_know(all, span_of_text("more"), &b), STATUS_FULL);
    tenants_destroy(&all);
}
