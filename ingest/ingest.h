/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door of the ingest room: HTTP in, requests to Kafka, answers out. One ingest is
 * one loop; more cores are used by running more instances, which share the reply
 * partitions through the group `leat.results`.
 */
#ifndef INGEST_INGEST_H
#define INGEST_INGEST_H

#include "base/loop.h"
#include "base/option.h"
#include "base/status.h"
#include "bus/config.h"
#include "results/results.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ingest;

struct ingest_config {
    const char *http_listen;     /* http.listen */
    const char *admin_listen;    /* admin.listen; NULL = off */
    int64_t body_bytes_max;      /* http.body.max */
    int64_t connections_max;     /* http.connections.max */
    int64_t head_timeout_ns;     /* http.head.timeout */
    int64_t body_timeout_ns;     /* http.body.timeout */
    int64_t idle_timeout_ns;     /* http.idle.timeout */
    int64_t infer_timeout_ns;    /* infer.timeout */
    int64_t inflight_bytes_max;  /* admission.inflight.bytes */
    int64_t inflight_max;        /* admission.inflight.requests */
    int64_t tenant_inflight_max; /* admission.tenant.requests; 0 = none; so the next */
    int64_t tenant_bytes_max;    /* admission.tenant.bytes */
    double tenant_rate_per_s;    /* admission.tenant.rate */
    double tenant_burst;         /* admission.tenant.burst; 0 = a second's worth */
    int64_t accept_timeout_ns;   /* admission.accept.timeout: longest wait for Kafka's
                                    acknowledgement before 503 */
    int64_t drain_timeout_ns;    /* drain.timeout */
    const char *keys_file;       /* http.keys.file; NULL = callers are not told apart */
    const char *internal_listen; /* internal.listen; NULL = off */
    const char *internal_advertised; /* internal.advertised; NULL = what was bound */
    const char *internal_token_file; /* internal.token.file; NULL = loopback only */
    bool cancel_on_disconnect;       /* cancel.on.disconnect */
    bool insecure;                   /* http.insecure: allow a non-loopback listen */
};

extern const struct option ingest_options[];
extern const size_t ingest_option_count;

MUST_CHECK enum status ingest_create(struct ingest **out,
                                     struct loop *loop,
                                     const struct bus_config *bus,
                                     const struct ingest_config *config,
                                     const struct results_config *results,
                                     struct fault *fault);

/** Address of the HTTP listener really bound, "127.0.0.1:41233". */
const char *ingest_address(const struct ingest *ingest);

/** Address of the admin listener, NULL if off. */
const char *ingest_admin_address(const struct ingest *ingest);

/** Address of the listener for other ingests, NULL if off. */
const char *ingest_internal_address(const struct ingest *ingest);

/** Whether requests can be answered now; otherwise `waiting_for` says in words what
 * for.
 */
bool ingest_ready(const struct ingest *ingest, const char **waiting_for);

/** Whether http.keys.file may have this line, and in words why not. */
MUST_CHECK enum status ingest_check_key_line(const char *line, struct fault *fault);

/** SIGHUP: reads the keys and the secrets of webhooks anew. */
void ingest_reload(struct ingest *ingest);

/** SIGTERM: refuse new work, answer what is held, then stop the loop. */
void ingest_drain(struct ingest *ingest);

void ingest_destroy(struct ingest **ingest);

#endif
