/* SPDX-License-Identifier: Apache-2.0 */
/* Looks nowhere but into the two headers; logs key ids, never keys. */
#include "ingest/guard.h"

#include "base/clock.h"
#include "base/log.h"
#include "ingest/keys.h"
#include "ingest/lockout.h"
#include "ingest/metrics.h"
#include "ingest/problem.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <strings.h>

enum { US_PER_S = 1000000 };

struct guard {
    const char *keys_file;
    struct tenants *tenants;
    struct keys *keys; /* NULL: everybody is let in */
    struct lockout lockout;
};

enum status
guard_create(struct guard **out,
             const char *keys_file,
             struct tenants *tenants,
             struct fault *fault)
{
    struct guard *guard = calloc(1, sizeof(*guard));
    if (guard == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the keys");
    }
    guard->keys_file = keys_file;
    guard->tenants = tenants;
    lockout_init(&guard->lockout, (uint64_t)clock_mono_ns());
    if (keys_file != NULL) {
        enum status status = keys_read(&guard->keys, keys_file, tenants, fault);
        if (status != STATUS_OK) {
            guard_destroy(&guard);
            return status;
        }
        keys_apply_limits(guard->keys, tenants);
        log_info("keys_read", log_int("count", (int64_t)keys_count(guard->keys)));
    }
    *out = guard;
    return STATUS_OK;
}

void
guard_destroy(struct guard **guard)
{
    struct guard *g = *guard;
    *guard = NULL;
    if (g != NULL) {
        keys_destroy(&g->keys);
        free(g);
    }
}

void
guard_reload(struct guard *guard)
{
    if (guard->keys_file == NULL) {
        return;
    }
    struct keys *keys = NULL;
    struct fault fault = {.text = ""};
    enum status status = keys_read(&keys, guard->keys_file, guard->tenants, &fault);
    if (status != STATUS_OK) {
        log_error("keys_not_read", log_status(status), log_text("reason", fault.text));
        return;
    }
    keys_destroy(&guard->keys);
    guard->keys = keys;
    keys_apply_limits(keys, guard->tenants);
    log_info("keys_read", log_int("count", (int64_t)keys_count(keys)));
}

bool
guard_has_keys(const struct guard *guard)
{
    return guard->keys != NULL;
}

/* The scheme's name in any case, blanks, the token (RFC 6750 section 2.1). */
static struct span
bearer_of(struct span header)
{
    static const char scheme[] = "Bearer ";
    size_t size = sizeof(scheme) - 1;
    if (header.size < size ||
        strncasecmp((const char *)header.data, scheme, size) != 0) {
        return span_of(NULL, 0);
    }
    struct span token = span_of(header.data + size, header.size - size);
    while (token.size > 0 && token.data[0] == ' ') {
        token = span_of(token.data + 1, token.size - 1);
    }
    return token;
}

static struct span
key_of(struct http_exchange *x)
{
    struct span key = http_header(x, "X-API-Key");
    return key.size > 0 ? key : bearer_of(http_header(x, "Authorization"));
}

static void
refuse_unknown(struct guard *guard,
               struct http_exchange *x,
               struct span key,
               int64_t now_ns)
{
    uint8_t peer[HTTP_PEER_BYTES];
    http_peer(x, peer);
    metric_add(&ingest_metrics[METRIC_UNAUTHORIZED], 1);
    int64_t retry_after_s =
        key.size == 0 ? 0 : lockout_fail(&guard->lockout, peer, now_ns);
    if (retry_after_s > 0) {
        problem_respond(x, &(struct problem){
                               .status = STATUS_FULL,
                               .detail = "too many wrong keys from this address",
                               .retry_after_s = retry_after_s,
                           });
        return;
    }
    if (key.size > 0) {
        char address[INET6_ADDRSTRLEN] = "";
        inet_ntop(AF_INET6, peer, address, sizeof(address));
        log_warn("key_refused", log_text("peer", address));
    }
    problem_respond(x, &(struct problem){
                           .status = STATUS_UNAUTHORIZED,
                           .detail = "a valid key is needed, as Authorization: Bearer "
                                     "KEY or X-API-Key: KEY",
                           .authenticate = true,
                       });
}

bool
guard_admits(struct guard *guard,
             struct http_exchange *x,
             unsigned scopes,
             int64_t now_ns,
             const struct tenant **tenant)
{
    if (guard->keys == NULL || scopes == 0) {
        *tenant = tenants_default(guard->tenants);
        return true;
    }
    struct span key = key_of(x);
    struct key_holder holder;
    if (keys_find(guard->keys, key, clock_wall_us() / US_PER_S, &holder) != STATUS_OK) {
        refuse_unknown(guard, x, key, now_ns);
        return false;
    }
    if ((holder.scopes & scopes) == 0) {
        metric_add(&ingest_metrics[METRIC_FORBIDDEN], 1);
        log_warn("key_lacks_scope", log_span("key", holder.key_id),
                 log_span("tenant", tenant_name(holder.tenant)));
        problem_respond(x, &(struct problem){
                               .status = STATUS_FORBIDDEN,
                               .detail = "the key's scopes do not allow this",
                           });
        return false;
    }
    *tenant = holder.tenant;
    return true;
}
