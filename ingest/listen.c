/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From options to listeners. Without authentication only the machine itself may call:
 * what is not surely a loopback address counts as public, names other than localhost
 * among it.
 */
#include "ingest/listen.h"

#include "base/log.h"
#include "ingest/admin.h"
#include "ingest/service.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>

enum {
    HOST_MAX = 64,
    ADMIN_CONNECTIONS = 64,
    OTHER_DESCRIPTORS = 512 /* Kafka's sockets, the store, webhooks, the spare ones */
};

bool
listen_is_loopback(const char *address)
{
    const char *colon = strrchr(address, ':');
    const char *end = colon == NULL ? address + strlen(address) : colon;
    if (end - address >= 2 && address[0] == '[' && end[-1] == ']') {
        address++;
        end--;
    }
    char host[HOST_MAX];
    size_t size = (size_t)(end - address);
    if (size == 0 || size >= sizeof(host)) {
        return false;
    }
    memcpy(host, address, size);
    host[size] = '\0';
    struct in_addr v4;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    struct in6_addr v6;
    if (inet_pton(AF_INET6, host, &v6) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&v6);
    }
    return strcmp(host, "localhost") == 0;
}

static enum status
pair_check(const char *prefix,
           const char *certificate,
           const char *key,
           struct fault *fault)
{
    if ((certificate == NULL) == (key == NULL)) {
        return STATUS_OK;
    }
    return fault_set(fault, STATUS_INVALID, "%s.tls.%s is given without %s.tls.%s",
                     prefix, key == NULL ? "certificate" : "key", prefix,
                     key == NULL ? "key" : "certificate");
}

enum status
listen_check(const struct ingest_config *config, struct fault *fault)
{
    enum status status =
        pair_check("http", config->http_certificate, config->http_key, fault);
    if (status == STATUS_OK) {
        status =
            pair_check("admin", config->admin_certificate, config->admin_key, fault);
    }
    return status;
}

/* How many of the wanted connections there are descriptors for. */
static unsigned
connections_possible(unsigned wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return wanted;
    }
    rlim_t needed = (rlim_t)wanted + OTHER_DESCRIPTORS;
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= needed) {
        return wanted;
    }
    unsigned possible = limit.rlim_cur > 2 * OTHER_DESCRIPTORS
                            ? (unsigned)limit.rlim_cur - OTHER_DESCRIPTORS
                            : (unsigned)limit.rlim_cur / 2;
    log_warn("connections_limited", log_int("wanted", (int64_t)wanted),
             log_int("possible", (int64_t)possible),
             log_int("descriptors", (int64_t)limit.rlim_cur));
    return possible;
}

enum status
listen_open(struct ingest *ingest,
            http_head_fn head,
            http_handler_fn handler,
            struct fault *fault)
{
    const struct ingest_config *config = &ingest->config;
    struct http_server_config http;
    http_server_defaults(&http);
    http.listen = config->http_listen;
    http.head_fn = head;
    http.tls_certificate = config->http_certificate;
    http.tls_key = config->http_key;
    http.body_limit = (size_t)config->body_bytes_max;
    http.connections_max = connections_possible((unsigned)config->connections_max);
    http.head_timeout_ns = config->head_timeout_ns;
    http.body_timeout_ns = config->body_timeout_ns;
    http.idle_timeout_ns = config->idle_timeout_ns;
    http.write_timeout_ns = config->write_timeout_ns;
    enum status status =
        http_server_create(&ingest->http, ingest->loop, &http, handler, ingest, fault);
    if (status != STATUS_OK || config->admin_listen == NULL) {
        return status;
    }
    http.listen = config->admin_listen;
    http.head_fn = NULL;
    http.tls_certificate = config->admin_certificate;
    http.tls_key = config->admin_key;
    http.connections_max = ADMIN_CONNECTIONS;
    return http_server_create(&ingest->admin, ingest->loop, &http, admin_handle, ingest,
                              fault);
}

static void
reload_one(struct http_server *server, const char *certificate)
{
    struct fault fault = {.text = ""};
    if (server == NULL || certificate == NULL) {
        return;
    }
    if (http_server_reload_tls(server, &fault) == STATUS_OK) {
        log_info("certificate_reloaded", log_text("file", certificate));
    } else {
        log_error("certificate_kept", log_text("file", certificate),
                  log_text("why", fault.text));
    }
}

void
listen_reload(struct ingest *ingest)
{
    reload_one(ingest->http, ingest->config.http_certificate);
    reload_one(ingest->admin, ingest->config.admin_certificate);
}
