/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the ingest room. */
#include "base/clock.h"
#include "ingest/ingest.h"

#define KIB         1024LL
#define MIB         (1024 * KIB)
#define GIB         (1024 * MIB)
#define FIELD(name) offsetof(struct ingest_config, name)

const struct option ingest_options[] = {
    {"http.listen", OPTION_TEXT, FIELD(http_listen), 0, 0, "127.0.0.1:8080",
     "Address of the HTTP listener; port 0 is the kernel's choice.", NULL},
    {"http.insecure", OPTION_BOOL, FIELD(insecure), 0, 0, "false",
     "Allow http.listen on an address that other machines can reach without "
     "http.keys.file: anybody who reaches it may call.",
     NULL},
    {"http.keys.file", OPTION_TEXT, FIELD(keys_file), 0, 0, "",
     "API keys of callers, hashed, one a line (leat keys create); read anew on SIGHUP. "
     "Empty: callers are not told apart.",
     NULL},
    {"http.tls.certificate", OPTION_TEXT, FIELD(http_certificate), 0, 0, "",
     "PEM file: the certificate of http.listen, then those that lead to a root; read "
     "again on SIGHUP. Empty: no TLS.",
     NULL},
    {"http.tls.key", OPTION_TEXT, FIELD(http_key), 0, 0, "",
     "PEM file: its private key, without a password.", NULL},
    {"http.body.max", OPTION_BYTES, FIELD(body_bytes_max), KIB, GIB, "8MiB",
     "Largest request body; over it 413.", NULL},
    {"http.connections.max", OPTION_INT, FIELD(connections_max), 1, 1000000, "10000",
     "Open connections at most; over it 503.", NULL},
    {"http.head.timeout", OPTION_DURATION, FIELD(head_timeout_ns), NS_PER_MS,
     3600 * NS_PER_S, "10s", "From the first byte of a request to the end of its head.",
     NULL},
    {"http.body.timeout", OPTION_DURATION, FIELD(body_timeout_ns), NS_PER_MS,
     3600 * NS_PER_S, "30s", "From the end of the head to the end of the body.", NULL},
    {"http.idle.timeout", OPTION_DURATION, FIELD(idle_timeout_ns), NS_PER_MS,
     3600 * NS_PER_S, "60s", "Between two requests of one connection.", NULL},
    {"http.write.timeout", OPTION_DURATION, FIELD(write_timeout_ns), 100 * NS_PER_MS,
     3600 * NS_PER_S, "30s",
     "A client that takes no byte of its answer for so long is disconnected.", NULL},
    {"admin.listen", OPTION_TEXT, FIELD(admin_listen), 0, 0, "",
     "Address of the admin listener (/metrics, /livez, /readyz[?verbose], /startupz); "
     "empty is off.",
     NULL},
    {"admin.tls.certificate", OPTION_TEXT, FIELD(admin_certificate), 0, 0, "",
     "As http.tls.certificate, for admin.listen.", NULL},
    {"admin.tls.key", OPTION_TEXT, FIELD(admin_key), 0, 0, "",
     "As http.tls.key, for admin.listen.", NULL},
    {"internal.listen", OPTION_TEXT, FIELD(internal_listen), 0, 0, "127.0.0.1:0",
     "Address of the listener for other ingests, which pass requests on to the one "
     "that "
     "owns a job; empty is off: each answers for its own jobs only.",
     NULL},
    {"internal.advertised", OPTION_TEXT, FIELD(internal_advertised), 0, 0, "",
     "host:port under which other ingests reach internal.listen; empty is the address "
     "bound.",
     NULL},
    {"internal.token.file", OPTION_TEXT, FIELD(internal_token_file), 0, 0, "",
     "File whose first line is the token, 16 characters or more, by which ingests know "
     "each other; needed unless internal.listen is a loopback address. With "
     "http.keys.file and without it internal.listen is off.",
     NULL},
    {"infer.timeout", OPTION_DURATION, FIELD(infer_timeout_ns), NS_PER_S,
     3600 * NS_PER_S, "30s",
     "Longest time a request is held; then 504 with the id under which its result can "
     "be read.",
     NULL},
    {"admission.inflight.requests", OPTION_INT, FIELD(inflight_max), 1, 10000000,
     "20000", "Requests that wait for Kafka or for an answer at most; over it 429.",
     NULL},
    {"admission.inflight.bytes", OPTION_BYTES, FIELD(inflight_bytes_max), 64 * KIB,
     1024 * GIB, "512MiB", "Bytes of their records at most; over it 429.", NULL},
    {"admission.tenant.requests", OPTION_INT, FIELD(tenant_inflight_max), 0, 10000000,
     "0",
     "Requests of one tenant in flight at most, unless its key says otherwise; 0: no "
     "limit but the one in all.",
     NULL},
    {"admission.tenant.bytes", OPTION_BYTES, FIELD(tenant_bytes_max), 0, 1024 * GIB,
     "0", "Bytes of their records at most; 0: no limit but the one in all.", NULL},
    {"admission.tenant.rate", OPTION_REAL, FIELD(tenant_rate_per_s), 0, 0, "0",
     "Requests of one tenant a second at most, unless its key says otherwise; 0: none.",
     NULL},
    {"admission.tenant.burst", OPTION_REAL, FIELD(tenant_burst), 0, 0, "0",
     "Requests it may send at once after a rest; 0: as many as in a second.", NULL},
    {"admission.accept.timeout", OPTION_DURATION, FIELD(accept_timeout_ns),
     10 * NS_PER_MS, 600 * NS_PER_S, "700ms",
     "Longest wait for Kafka's acknowledgement of a request before 503. New requests "
     "are "
     "refused as soon as one has waited for about as long and the broker does not "
     "answer "
     "either.",
     NULL},
    {"cancel.on.disconnect", OPTION_BOOL, FIELD(cancel_on_disconnect), 0, 0, "false",
     "When the client of a held request goes away, cancel the request: nobody knows "
     "its "
     "id. What runs already ends as usual.",
     NULL},
    {"bulk.lines.max", OPTION_INT, FIELD(bulk_lines_max), 1, 1000000000, "10000000",
     "Lines of one bulk batch at most; over it 413.", NULL},
    {"drain.timeout", OPTION_DURATION, FIELD(drain_timeout_ns), NS_PER_MS,
     3600 * NS_PER_S, "30s",
     "After SIGTERM: longest wait for the answers of requests that are held.", NULL},
};

const size_t ingest_option_count = sizeof(ingest_options) / sizeof(ingest_options[0]);
