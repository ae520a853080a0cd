/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts the room's parts together and takes them apart, hands requests to their routes,
 * and does once a turn what is due: acknowledgements that are late, the drain.
 */
#include "ingest/ingest.h"

#include "base/clock.h"
#include "base/log.h"
#include "bus/dev_broker.h"
#include "ingest/bulk_results.h"
#include "ingest/bulk_upload.h"
#include "ingest/cancel.h"
#include "ingest/claim.h"
#include "ingest/forward.h"
#include "ingest/internal.h"
#include "ingest/key_line.h"
#include "ingest/listen.h"
#include "ingest/metrics.h"
#include "ingest/outcome.h"
#include "ingest/problem.h"
#include "ingest/running.h"
#include "ingest/service.h"

#include <stdlib.h>

enum {
    ARENA_FACTOR = 8,      /* a JSON number of two bytes becomes one of eight */
    ARENA_FLOOR = 1 << 20, /* what a body needs beside its numbers */
    KEPT_MAX = 16384,      /* answered submissions whose id is still known */
    GAUGES_NS = 250000000, /* how often gauges are set */
};

/* A record is given up for good after this; its caller has had a 503 long before. Not
 * shorter: an idempotent producer whose record timed out in flight can turn unusable
 * (librdkafka before 2.3, notes of its change log). */
#define DELIVERY_TIMEOUT_NS (60 * NS_PER_S)

/* Who waits for Kafka for as long as admission.accept.timeout wants no new ones refused
 * before. By its default the end of a broker is known within a second, probe included.
 */
#define STALL_LEAST_NS  (500 * NS_PER_MS)
#define STALL_MARGIN_NS (200 * NS_PER_MS)

/* Connections get this long to take their last answers when drained. */
#define DRAIN_FLUSH_NS NS_PER_S

static void
method_refuse(struct http_exchange *x, const char *allow)
{
    problem_respond(x, &(struct problem){
                           .status = STATUS_UNSUPPORTED,
                           .http_code = 405,
                           .detail = "the path does not know this method",
                           .allow = allow,
                       });
}

static void
serve(struct ingest *ingest,
      struct http_exchange *x,
      const struct route *route,
      struct route_match *match)
{
    bool admitted = internal_is_peer(ingest, x)
                        ? internal_tenant(ingest, x, &match->tenant)
                        : guard_admits(ingest->guard, x, route->scopes,
                                       loop_now(ingest->loop), &match->tenant);
    if (admitted) {
        arena_reset(&ingest->arena);
        route->fn(ingest, x, match);
    }
}

void
ingest_route(struct ingest *ingest, struct http_exchange *x)
{
    struct route_match match;
    enum status status = STATUS_OK;
    char allow[ROUTE_ALLOW_MAX];
    const struct route *route =
        route_find(http_method(x), http_path(x), &match, &status, allow);
    if (route != NULL) {
        serve(ingest, x, route, &match);
    } else if (status == STATUS_CONFLICT) {
        method_refuse(x, allow);
    } else {
        problem_respond(
            x, &(struct problem){.status = status, .detail = "no such resource"});
    }
}

void
ingest_handle(void *arg, struct http_exchange *x)
{
    struct ingest *ingest = arg;
    if (internal_admits(ingest, x)) {
        ingest_route(ingest, x);
    }
}

/* Who may not ask at all is told so before a body is read; the one route that takes its
 * body in pieces begins before that is here. */
static void
on_head(void *arg, struct http_exchange *x)
{
    struct ingest *ingest = arg;
    struct route_match match;
    enum status status = STATUS_OK;
    char allow[ROUTE_ALLOW_MAX];
    const struct route *route =
        route_find(http_method(x), http_path(x), &match, &status, allow);
    if (route == NULL || !guard_admits(ingest->guard, x, route->scopes,
                                       loop_now(ingest->loop), &match.tenant)) {
        return;
    }
    if (route->fn == batch_post) {
        arena_reset(&ingest->arena);
        route->fn(ingest, x, &match);
    }
}

static void
on_model(void *arg, struct catalogue_model *model)
{
    struct ingest *ingest = arg;
    enum status status = publish_prepare(ingest->publish, model);
    if (status != STATUS_OK) {
        log_warn("model_unusable", log_span("model", model->name), log_status(status));
    }
    model_orders_heard(ingest, model);
}

static size_t
models_ready(const struct ingest *ingest)
{
    const struct catalogue *catalogue = models_topic_catalogue(ingest->models);
    int64_t now_us = clock_wall_us();
    size_t count = 0;
    for (size_t i = 0; i < catalogue_count(catalogue); i++) {
        bool ready = false;
        const struct catalogue_model *model = catalogue_at(catalogue, i);
        catalogue_version(model, (struct span){0}, now_us, &ready);
        count += ready ? 1 : 0;
    }
    return count;
}

static void
gauges_set(const struct ingest *ingest)
{
    metric_set(&ingest_metrics[METRIC_INFLIGHT_REQUESTS],
               (int64_t)ingest->admission.all.requests);
    metric_set(&ingest_metrics[METRIC_INFLIGHT_BYTES],
               (int64_t)ingest->admission.all.bytes);
    metric_set(&ingest_metrics[METRIC_CONNECTIONS],
               (int64_t)http_server_connections(ingest->http));
    metric_set(&ingest_metrics[METRIC_MODELS_READY], (int64_t)models_ready(ingest));
}

static bool
records_lent(const struct ingest *ingest)
{
    const struct submission_pool *pool = &ingest->submissions;
    const struct submission *s = pool->lists[SUBMISSION_KEPT].first;
    while (s != NULL && s->lent == 0) {
        s = s->next;
    }
    return s != NULL || pool->lists[SUBMISSION_UNSTORED].first != NULL;
}

/* Ends the loop once everybody has an answer in hand, or the time is over. */
static int64_t
drain_advance(struct ingest *ingest, int64_t now_ns)
{
    if (now_ns >= ingest->drain_ends_ns) {
        outcome_close_all(ingest);
        claims_end_all(ingest->claims);
        forward_end_waits(ingest);
    }
    bool flushed = http_server_connections(ingest->http) == 0 ||
                   now_ns >= ingest->drain_ends_ns + DRAIN_FLUSH_NS;
    bool lent = (records_lent(ingest) || bulk_lists(ingest->bulk)->upload_count > 0) &&
                now_ns < ingest->drain_ends_ns;
    bool asked = ingest->internal != NULL && http_server_active(ingest->internal) > 0;
    if (http_server_active(ingest->http) == 0 && !asked && flushed && !lent) {
        loop_stop(ingest->loop);
    }
    return now_ns + 10 * NS_PER_MS;
}

static int64_t
on_turn(void *arg, int64_t now_ns)
{
    struct ingest *ingest = arg;
    int64_t due_ns = outcome_expire(ingest, now_ns);
    int64_t bulk_ns = bulk_turn(ingest, now_ns);
    due_ns = bulk_ns < due_ns ? bulk_ns : due_ns;
    int64_t errand_ns = errands_turn(ingest, now_ns);
    due_ns = errand_ns < due_ns ? errand_ns : due_ns;
    int64_t claim_ns = claims_turn(ingest->claims, now_ns);
    due_ns = claim_ns < due_ns ? claim_ns : due_ns;
    int64_t order_ns = model_orders_turn(ingest, now_ns);
    due_ns = order_ns < due_ns ? order_ns : due_ns;
    int64_t running_ns = running_turn(ingest, now_ns);
    due_ns = running_ns < due_ns ? running_ns : due_ns;
    if (now_ns >= ingest->gauges_due_ns) {
        gauges_set(ingest);
        ingest->gauges_due_ns = now_ns + GAUGES_NS;
    }
    if (ingest->draining) {
        int64_t drain_ns = drain_advance(ingest, now_ns);
        due_ns = drain_ns < due_ns ? drain_ns : due_ns;
    }
    return due_ns;
}

static enum status
kafka_open(struct ingest *ingest,
           const struct results_config *results,
           struct fault *fault)
{
    struct results_config told = *results;
    told.advertised = internal_advertised(ingest);
    enum status status =
        results_create(&ingest->results, ingest->loop, ingest->bus, &told, fault);
    if (status != STATUS_OK) {
        return status;
    }
    int64_t stall_ns = ingest->config.accept_timeout_ns - STALL_MARGIN_NS;
    const struct publish_config config = {
        .queue_bytes_max = 2 * (size_t)ingest->config.inflight_bytes_max,
        .delivery_timeout_ns = DELIVERY_TIMEOUT_NS,
        .stall_ns = stall_ns > STALL_LEAST_NS ? stall_ns : STALL_LEAST_NS,
        .request = outcome_request_reported,
        .queued = outcome_queued_reported,
        .context = ingest,
    };
    status = publish_open(&ingest->publish, ingest->loop, ingest->bus, ingest->results,
                          &config, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = canceler_open(&ingest->canceler, ingest, fault);
    if (status == STATUS_OK) {
        status = bulk_open(&ingest->bulk, ingest, fault);
    }
    if (status == STATUS_OK) {
        status = claims_open(&ingest->claims, ingest, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = models_topic_open(&ingest->models, ingest->loop, ingest->bus, on_model,
                               ingest, fault);
    if (status != STATUS_OK) {
        return status;
    }
    return backlog_open(&ingest->backlog, ingest->loop, ingest->bus,
                        models_topic_catalogue(ingest->models), ingest->publish, fault);
}

static void
limits_init(struct ingest *ingest)
{
    const struct ingest_config *config = &ingest->config;
    size_t requests = (size_t)config->inflight_max;
    size_t bytes = (size_t)config->inflight_bytes_max;
    if (ingest->bus->dev && bytes > DEV_BROKER_SAFE_BYTES) {
        bytes = DEV_BROKER_SAFE_BYTES;
    }
    admission_init(&ingest->admission, requests, bytes);
    submission_pool_init(&ingest->submissions, requests + KEPT_MAX,
                         (uint64_t)clock_mono_ns());
    arena_init(&ingest->arena,
               (size_t)config->body_bytes_max * ARENA_FACTOR + ARENA_FLOOR);
}

/* Keys on a public address travel in the clear unless a proxy in front ends TLS; that
 * is usual, so it is said and not refused. */
static enum status
callers_init(struct ingest *ingest, struct fault *fault)
{
    const struct ingest_config *config = &ingest->config;
    const struct tenant_limits limits = {
        .inflight_max = config->tenant_inflight_max,
        .inflight_bytes_max = config->tenant_bytes_max,
        .rate_per_s = config->tenant_rate_per_s,
        .burst = config->tenant_burst,
    };
    enum status status = tenants_create(&ingest->tenants, &limits);
    if (status == STATUS_OK) {
        status =
            guard_create(&ingest->guard, config->keys_file, ingest->tenants, fault);
    }
    if (status == STATUS_OK && guard_has_keys(ingest->guard) &&
        config->http_certificate == NULL && !listen_is_loopback(config->http_listen)) {
        log_warn(
            "keys_in_the_clear", log_text("http", config->http_listen),
            log_text("remedy",
                     "http.tls.certificate, or a proxy in front of it that ends TLS"));
    }
    return status;
}

static enum status
parts_open(struct ingest *ingest,
           const struct results_config *results,
           struct fault *fault)
{
    limits_init(ingest);
    enum status status = callers_init(ingest, fault);
    if (status == STATUS_OK) {
        status = pulse_create(&ingest->pulse);
    }
    if (status == STATUS_OK) {
        status = internal_open(ingest, fault);
    }
    if (status == STATUS_OK) {
        status = kafka_open(ingest, results, fault);
    }
    if (status == STATUS_OK) {
        status = listen_open(ingest, on_head, ingest_handle, fault);
    }
    if (status == STATUS_OK) {
        status = loop_each_turn(ingest->loop, on_turn, ingest);
    }
    return status;
}

enum status
ingest_create(struct ingest **out,
              struct loop *loop,
              const struct bus_config *bus,
              const struct ingest_config *config,
              const struct results_config *results,
              struct fault *fault)
{
    if (config->http_listen == NULL) {
        return fault_set(fault, STATUS_INVALID, "http.listen: missing");
    }
    if (!config->insecure && config->keys_file == NULL &&
        !listen_is_loopback(config->http_listen)) {
        return fault_set(
            fault, STATUS_INVALID,
            "http.listen=%s: other machines could call it and nobody is "
            "authenticated; give --http.keys.file=FILE (leat keys create), "
            "or --http.insecure=true if that is meant",
            config->http_listen);
    }
    enum status status = listen_check(config, fault);
    status = status == STATUS_OK ? internal_check(config, fault) : status;
    if (status != STATUS_OK) {
        return status;
    }
    struct ingest *ingest = calloc(1, sizeof(*ingest));
    if (ingest == NULL) {
        return STATUS_NO_MEMORY;
    }
    ingest->loop = loop;
    ingest->bus = bus;
    ingest->config = *config;
    metric_register(ingest_metrics, INGEST_METRIC_COUNT);
    status = parts_open(ingest, results, fault);
    if (status != STATUS_OK) {
        ingest_destroy(&ingest);
        return status;
    }
    *out = ingest;
    return STATUS_OK;
}

const char *
ingest_address(const struct ingest *ingest)
{
    return http_server_address(ingest->http);
}

const char *
ingest_admin_address(const struct ingest *ingest)
{
    return ingest->admin == NULL ? NULL : http_server_address(ingest->admin);
}

const char *
ingest_internal_address(const struct ingest *ingest)
{
    return ingest->internal == NULL ? NULL : http_server_address(ingest->internal);
}

bool
ingest_ready(const struct ingest *ingest, const char **waiting_for)
{
    *waiting_for = "";
    if (ingest->draining) {
        *waiting_for = "the end: shutting down";
    } else if (!publish_connected(ingest->publish)) {
        *waiting_for = "a connection to Kafka";
    } else if (!models_topic_caught_up(ingest->models)) {
        *waiting_for = "the catalogue of models to be read";
    } else if (!results_ready(ingest->results)) {
        *waiting_for = results_waiting_for(ingest->results);
    } else {
        return true;
    }
    return false;
}

enum status
ingest_check_key_line(const char *line, struct fault *fault)
{
    struct key_line read;
    return key_line_read(span_of_text(line), &read, fault);
}

void
ingest_reload(struct ingest *ingest)
{
    struct fault fault = {.text = ""};
    guard_reload(ingest->guard);
    listen_reload(ingest);
    if (results_reload_secrets(ingest->results, &fault) != STATUS_OK) {
        log_error("webhook_secrets_kept", log_text("reason", fault.text));
    }
}

void
ingest_drain(struct ingest *ingest)
{
    if (ingest->draining) {
        return;
    }
    ingest->draining = true;
    ingest->drain_ends_ns = loop_now(ingest->loop) + ingest->config.drain_timeout_ns;
    log_info("draining", log_int("held", (int64_t)http_server_active(ingest->http)));
    publish_flush(ingest->publish);
    upload_stop_all(bulk_lists(ingest->bulk));
    job_end_polls(ingest);
    events_end_all(ingest);
    forward_end_waits(ingest);
    http_server_drain(ingest->http);
    if (ingest->internal != NULL) {
        http_server_drain(ingest->internal);
    }
    loop_wake(ingest->loop);
}

/* Those who still wait are answered while what they wait for is closed; only then may
 * the listeners go. */
void
ingest_destroy(struct ingest **ingest)
{
    struct ingest *i = *ingest;
    *ingest = NULL;
    if (i == NULL) {
        return;
    }
    i->draining = true;
    loop_no_turn(i->loop, on_turn, i);
    canceler_close(&i->canceler);
    bulk_stop(i->bulk);
    claims_close(&i->claims);
    publish_close(&i->publish);
    backlog_close(&i->backlog);
    if (i->results != NULL) {
        job_end_polls(i);
        events_end_all(i);
        outcome_close_all(i);
        errands_close(i);
        peer_caller_close(&i->peers);
        results_destroy(&i->results);
    }
    peer_caller_close(&i->peers);
    http_server_destroy(&i->internal);
    http_server_destroy(&i->admin);
    http_server_destroy(&i->http);
    bulk_close(&i->bulk);
    models_topic_close(&i->models);
    submission_pool_fini(&i->submissions);
    pulse_destroy(&i->pulse);
    admission_fini(&i->admission);
    guard_destroy(&i->guard);
    tenants_destroy(&i->tenants);
    arena_fini(&i->arena);
    free(i);
}
