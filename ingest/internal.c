/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Without a token file the token is one that everybody knows: it keeps pages of a
 * browser out, whose requests cannot carry the header, but not other programs of the
 * machine. So it will do for a loopback address only, and not at all where callers
 * have keys: whoever could call would be every tenant.
 */
#include "ingest/internal.h"

#include "base/log.h"
#include "ingest/listen.h"
#include "ingest/peer_call.h"
#include "ingest/problem.h"
#include "ingest/service.h"

#include <string.h>

static bool
is_wildcard(const char *address)
{
    static const char *const every[] = {"0.0.0.0:", "[::]:", "*:", ":"};
    for (size_t i = 0; i < sizeof(every) / sizeof(every[0]); i++) {
        if (strncmp(address, every[i], strlen(every[i])) == 0) {
            return true;
        }
    }
    return false;
}

enum status
internal_check(const struct ingest_config *config, struct fault *fault)
{
    const char *listen = config->internal_listen;
    if (listen == NULL) {
        return STATUS_OK;
    }
    if (!listen_is_loopback(listen) && config->internal_token_file == NULL) {
        return fault_set(fault, STATUS_INVALID,
                         "internal.listen=%s: other machines could call it and would "
                         "be believed to be ingests; give --internal.token.file, the "
                         "same for every ingest",
                         listen);
    }
    if (is_wildcard(listen) && config->internal_advertised == NULL) {
        return fault_set(fault, STATUS_INVALID,
                         "internal.listen=%s: say by --internal.advertised=host:port "
                         "where the other ingests reach this one",
                         listen);
    }
    return STATUS_OK;
}

static enum status
listener_open(struct ingest *ingest, struct fault *fault)
{
    const struct ingest_config *config = &ingest->config;
    struct http_server_config http;
    http_server_defaults(&http);
    http.listen = config->internal_listen;
    http.body_limit = (size_t)config->body_bytes_max;
    http.connections_max = (unsigned)config->connections_max;
    http.head_timeout_ns = config->head_timeout_ns;
    http.body_timeout_ns = config->body_timeout_ns;
    http.idle_timeout_ns = config->idle_timeout_ns;
    return http_server_create(&ingest->internal, ingest->loop, &http, ingest_handle,
                              ingest, fault);
}

enum status
internal_open(struct ingest *ingest, struct fault *fault)
{
    const struct ingest_config *config = &ingest->config;
    if (config->internal_listen == NULL || ingest->bus->dev) {
        return STATUS_OK;
    }
    if (config->keys_file != NULL && config->internal_token_file == NULL) {
        log_warn(
            "internal_off",
            log_text("reason", "with http.keys.file it needs internal.token.file"));
        return STATUS_OK;
    }
    if (!listen_is_loopback(config->http_listen) &&
        listen_is_loopback(config->internal_listen)) {
        log_info("internal_is_loopback",
                 log_text("internal_listen", config->internal_listen),
                 log_text("note", "ingests on other machines cannot reach this one"));
    }
    enum status status =
        peer_caller_open(&ingest->peers, ingest->loop, config->internal_token_file,
                         (size_t)config->connections_max, fault);
    return status == STATUS_OK ? listener_open(ingest, fault) : status;
}

const char *
internal_advertised(const struct ingest *ingest)
{
    if (ingest->internal == NULL) {
        return NULL;
    }
    const char *told = ingest->config.internal_advertised;
    return told == NULL ? http_server_address(ingest->internal) : told;
}

bool
internal_is_peer(const struct ingest *ingest, const struct http_exchange *x)
{
    return ingest->internal != NULL && http_server_of(x) == ingest->internal;
}

bool
internal_admits(struct ingest *ingest, struct http_exchange *x)
{
    if (!internal_is_peer(ingest, x) ||
        peer_token_matches(ingest->peers, http_header(x, PEER_TOKEN_HEADER))) {
        return true;
    }
    problem_respond(x, &(struct problem){.status = STATUS_INVALID,
                                         .http_code = 403,
                                         .detail = "for other ingests only"});
    return false;
}

/* Its key was looked at by the instance that it called. */
bool
internal_tenant(struct ingest *ingest,
                struct http_exchange *x,
                const struct tenant **tenant)
{
    struct span name = http_header(x, PEER_TENANT_HEADER);
    enum status status = STATUS_INVALID;
    if (tenant_name_is_valid(name)) {
        status = tenants_know(ingest->tenants, name, tenant);
    }
    if (status != STATUS_OK) {
        problem_respond(x, &(struct problem){.status = STATUS_UNAVAILABLE,
                                             .detail = "not a tenant"});
    }
    return status == STATUS_OK;
}
