/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A draft walks through the steps in order; each either moves it on or says why not.
 * The answer is expected before the record is sent, because the reply may overtake the
 * delivery report.
 */
#include "ingest/submit.h"

#include "base/clock.h"
#include "base/http_call.h"
#include "ingest/admit.h"
#include "ingest/answer_form.h"
#include "ingest/infer_body.h"
#include "ingest/metrics.h"
#include "ingest/outcome.h"
#include "ingest/problem.h"
#include "ingest/service.h"
#include "ingest/timeout.h"
#include "schemas/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RECORD_OVERHEAD = 512,
    RECORD_BYTES_MAX = 256 * 1024 * 1024,
    US_PER_MS = 1000,
    TRACE_HEADERS = 2
};

/* How long a job is waited for where the in-process broker's bound depends on it. */
#define DEV_JOB_WAIT_NS (600 * NS_PER_S)

/* For the answer that a held request expired to come from the batcher. */
#define EXPIRY_GRACE_NS (100 * NS_PER_MS)

struct draft {
    struct ingest *ingest;
    struct http_exchange *x;
    const struct submit_call *call;
    struct oip_request body;
    struct span version; /* as asked for; empty = any */
    const struct catalogue_model *model;
    const struct model_info *info;
    struct publish_aim aim;
    struct submission *s;
    int64_t timeout_ms; /* of the header; 0 = none */
    int64_t wait_ns;
    int64_t wall_us;
    int64_t retry_after_s; /* of a refusal; 0 = as its status has it */
    struct fault fault;
};

static enum status
gate(struct draft *d)
{
    struct ingest *ingest = d->ingest;
    if (ingest->draining) {
        return fault_set(&d->fault, STATUS_CLOSED, "shutting down");
    }
    if (!publish_connected(ingest->publish)) {
        return fault_set(&d->fault, STATUS_UNAVAILABLE, "Kafka cannot be reached");
    }
    if (!results_open(ingest->results)) {
        return fault_set(&d->fault, STATUS_UNAVAILABLE, "waiting for: %s",
                         results_waiting_for(ingest->results));
    }
    return STATUS_OK;
}

static enum status
check_webhook(struct draft *d)
{
    struct span url = d->body.webhook.url;
    if (url.size == 0) {
        return STATUS_OK;
    }
    if (!results_webhooks_enabled(d->ingest->results)) {
        return fault_set(&d->fault, STATUS_UNSUPPORTED,
                         "webhook: this server has no signing secret "
                         "(webhook.secret.file)");
    }
    const char *text = arena_text(&d->ingest->arena, url);
    if (text == NULL || strlen(text) != url.size || http_url_check(text) != STATUS_OK) {
        return fault_set(&d->fault, STATUS_INVALID,
                         "webhook: not an http or https address");
    }
    return STATUS_OK;
}

static enum status
read_body(struct draft *d)
{
    return infer_body_read(d->x, d->call->job, &d->ingest->arena, &d->body, &d->fault);
}

static enum status
read_timeout(struct draft *d)
{
    return timeout_read(http_header(d->x, "Request-Timeout"), &d->timeout_ms,
                        &d->fault);
}

static enum status
find_model(struct draft *d)
{
    const struct submit_call *call = d->call;
    struct span name = call->job ? d->body.model : call->model;
    d->version = call->job ? d->body.model_version : call->version;
    if (name.size == 0) {
        return fault_set(&d->fault, STATUS_INVALID, "/model: missing");
    }
    const struct models_topic *models = d->ingest->models;
    d->model = catalogue_find(models_topic_catalogue(models), name);
    if (d->model != NULL) {
        d->info = catalogue_version(d->model, d->version, d->wall_us, NULL);
    }
    if (d->info != NULL) {
        return STATUS_OK;
    }
    if (!models_topic_caught_up(models)) {
        return fault_set(&d->fault, STATUS_UNAVAILABLE,
                         "the catalogue of models is still being read");
    }
    if (d->model == NULL) {
        return fault_set(&d->fault, STATUS_NOT_FOUND, "model %.*s is not known",
                         (int)name.size, (const char *)name.data);
    }
    return fault_set(&d->fault, STATUS_NOT_FOUND,
                     "model %.*s has no version or label %.*s", (int)name.size,
                     (const char *)name.data, (int)d->version.size,
                     (const char *)d->version.data);
}

static enum status
check_model(struct draft *d)
{
    enum status status = oip_fit_raw(&d->body, d->info, &d->ingest->arena, &d->fault);
    if (status != STATUS_OK) {
        return status;
    }
    int64_t rows = 0;
    return oip_check_model(&d->body, d->info, &rows, &d->fault);
}

static size_t
record_bytes(const struct oip_request *body)
{
    size_t bytes = RECORD_OVERHEAD;
    for (size_t i = 0; i < body->input_count; i++) {
        bytes += body->inputs[i].data.size + body->inputs[i].name.size;
    }
    return bytes;
}

static enum status
id_take(struct draft *d, struct uuid *id)
{
    if (d->call->id == NULL) {
        return results_mint(d->ingest->results, d->wall_us, id);
    }
    *id = *d->call->id;
    return STATUS_OK;
}

/* How long the caller has patience; 0 = has no deadline. */
static int64_t
patience_ns(const struct draft *d)
{
    int64_t timeout_ns = timeout_shortest_ms(d->timeout_ms, &d->body) * NS_PER_MS;
    if (d->call->mode != SUBMISSION_HELD) {
        return timeout_ns;
    }
    int64_t wait_ns = d->call->wait_ns;
    return timeout_ns > 0 && timeout_ns < wait_ns ? timeout_ns : wait_ns;
}

static enum status
let_in(struct draft *d, size_t bytes, int64_t now_ns)
{
    struct admission_ask ask = {.tenant = d->call->tenant,
                                .bytes = bytes,
                                .patience_ns = patience_ns(d),
                                .now_ns = now_ns};
    struct admission_refusal why = {.detail = ""};
    enum status status = ingest_admit(d->ingest, d->x, d->model, &ask, &why);
    if (status == STATUS_OK) {
        return status;
    }
    d->retry_after_s = why.retry_after_s;
    return fault_set(&d->fault, status, "%s", why.detail);
}

/* Is let in, then chooses the partition, then mints: a quantum that ends changes where
 * the id has to belong. */
static enum status
enter(struct draft *d)
{
    struct ingest *ingest = d->ingest;
    size_t bytes = record_bytes(&d->body);
    int64_t now_ns = loop_now(ingest->loop);
    enum status status = let_in(d, bytes, now_ns);
    if (status != STATUS_OK) {
        return status;
    }
    struct uuid id;
    status = publish_aim(ingest->publish, d->model, d->info, now_ns, &d->aim);
    if (status == STATUS_OK) {
        status = id_take(d, &id);
    }
    if (status == STATUS_OK) {
        status = submission_take(ingest, &id, d->call->tenant, &d->s);
    }
    if (status != STATUS_OK) {
        admission_give(&ingest->admission, d->call->tenant, bytes, now_ns);
        return fault_set(&d->fault, status, "no request can be taken now");
    }
    d->s->charged_bytes = bytes;
    d->s->began_ns = now_ns;
    d->s->model = d->model->number;
    d->s->mode = d->call->mode;
    snprintf(d->s->preference, sizeof(d->s->preference), "%s", d->call->preference);
    return STATUS_OK;
}

static enum status
remember_answer(struct draft *d)
{
    enum status status =
        answer_form_copy(&d->body, &d->s->answer, &d->s->answer_memory);
    return status == STATUS_OK
               ? status
               : fault_set(&d->fault, status, "no memory for the request");
}

/* Wall time in ms after which nobody wants the answer; 0 = none. A held request is
 * waited for a little longer than that: that it expired is said by the batcher. */
static int64_t
deadline_ms(struct draft *d)
{
    int64_t now_ms = d->wall_us / US_PER_MS;
    int64_t timeout_ms = timeout_shortest_ms(d->timeout_ms, &d->body);
    d->wait_ns = d->call->wait_ns;
    if (d->call->mode != SUBMISSION_HELD) {
        return timeout_ms > 0 ? now_ms + timeout_ms : 0;
    }
    if (timeout_ms > 0 && timeout_ms < d->wait_ns / NS_PER_MS) {
        d->wait_ns = timeout_ms * NS_PER_MS;
    }
    int64_t deadline_ms = now_ms + (d->wait_ns + NS_PER_MS - 1) / NS_PER_MS;
    d->wait_ns += EXPIRY_GRACE_NS;
    return deadline_ms;
}

static void
encode_queued(struct draft *d, const struct request *r)
{
    const struct reply reply = {
        .id = r->id,
        .model = r->model,
        .model_version = r->model_version,
        .status = REPLY_QUEUED,
        .timing.submitted_us = r->submitted_us,
        .tenant = r->tenant,
        .webhook = r->webhook,
    };
    d->s->queued = buf_borrow(&d->ingest->submissions, RECORD_BYTES_MAX);
    reply_encode(&reply, &d->s->queued);
}

static enum status
encode(struct draft *d)
{
    const struct oip_request *body = &d->body;
    struct submission *s = d->s;
    const struct request r = {
        .id = s->id,
        .model = d->model->name,
        .model_version = d->version,
        .inputs = body->inputs,
        .input_count = body->input_count,
        .outputs = body->outputs,
        .output_count = body->output_count,
        .parameters = body->parameters,
        .parameter_count = body->parameter_count,
        .webhook = body->webhook,
        .tenant = tenant_name(d->call->tenant),
        .priority = body->priority,
        .submitted_us = d->wall_us,
        .deadline_ms = deadline_ms(d),
    };
    s->record = buf_borrow(&d->ingest->submissions, RECORD_BYTES_MAX);
    request_encode(&r, &s->record);
    if (s->mode != SUBMISSION_HELD || d->call->id != NULL) {
        encode_queued(d, &r);
    }
    if (s->record.status != STATUS_OK || s->queued.status != STATUS_OK) {
        return fault_set(&d->fault, STATUS_NO_MEMORY, "no memory for the record");
    }
    http_body_release(d->x); /* the record says it all */
    return STATUS_OK;
}

static enum status
expect(struct draft *d)
{
    struct submission *s = d->s;
    struct ingest *ingest = d->ingest;
    if (s->mode == SUBMISSION_ASYNC && !ingest->bus->dev) {
        return STATUS_OK; /* nobody waits; results_queued() makes it findable */
    }
    int64_t wait_ns = s->mode == SUBMISSION_ASYNC ? DEV_JOB_WAIT_NS : d->wait_ns;
    s->ends_ns = s->began_ns + wait_ns;
    enum status status = results_expect(ingest->results, &s->id, s->ends_ns,
                                        outcome_answered, s, &s->wait);
    if (status != STATUS_OK) {
        s->wait = NULL;
        return fault_set(&d->fault, status, "too many requests are waited for");
    }
    return STATUS_OK;
}

/* W3C trace context goes along, so that a trace does not end here. */
static size_t
trace_headers(struct http_exchange *x, struct record_header *headers)
{
    static const char *const names[TRACE_HEADERS] = {"traceparent", "tracestate"};
    size_t count = 0;
    for (size_t i = 0; i < TRACE_HEADERS; i++) {
        struct span value = http_header(x, names[i]);
        if (value.size > 0) {
            headers[count++] = (struct record_header){.name = names[i], .value = value};
        }
    }
    return count;
}

static enum status
send_request(struct draft *d)
{
    struct submission *s = d->s;
    char key[UUID_TEXT];
    uuid_format(&s->id, key);
    struct record_header headers[TRACE_HEADERS];
    struct outgoing out = {
        .key = span_of(key, sizeof(key)),
        .value = buf_span(&s->record),
        .headers = headers,
        .header_count = trace_headers(d->x, headers),
        .arg = s,
    };
    enum status status = publish_request(d->ingest->publish, &d->aim, &out);
    if (status == STATUS_OK) {
        s->lent++;
        backlog_sent(d->ingest->backlog, s->model, d->wall_us);
        return STATUS_OK;
    }
    if (status == STATUS_NOT_FOUND) {
        return fault_set(&d->fault, STATUS_UNAVAILABLE,
                         "the request topic of the model does not exist");
    }
    if (status == STATUS_TOO_LARGE) {
        return fault_set(&d->fault, status,
                         "as a record the request has %zu bytes, more than Kafka takes",
                         out.value.size);
    }
    return fault_set(&d->fault, status, "Kafka's client does not take the request now");
}

/* From here on the request may be run whatever happens to its QUEUED record. */
static void
send_queued(struct draft *d)
{
    struct submission *s = d->s;
    char key[UUID_TEXT];
    uuid_format(&s->id, key);
    struct outgoing out = {
        .key = span_of(key, sizeof(key)), .value = buf_span(&s->queued), .arg = s};
    enum status status = publish_queued(d->ingest->publish, &out);
    if (status == STATUS_OK) {
        s->lent++;
        return;
    }
    outcome_refuse(s, status == STATUS_NOT_FOUND ? STATUS_UNAVAILABLE : status,
                   "the job was sent but cannot be recorded as queued", true);
}

static void
refuse(struct draft *d)
{
    struct submission *s = d->s;
    struct ingest *ingest = d->ingest;
    const struct problem problem = {.status = d->fault.status,
                                    .detail = d->fault.text,
                                    .retry_after_s = d->retry_after_s};
    if (s != NULL) {
        s->x = NULL;
        if (s->wait != NULL) {
            results_forget(ingest->results, s->wait);
            s->wait = NULL;
        }
        submission_settle(s);
    }
    problem_respond(d->x, &problem);
}

typedef enum status (*step_fn)(struct draft *);

/* @return whether all went well; else the exchange is answered */
static bool
steps_take(struct draft *d, const step_fn *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum status status = steps[i](d);
        if (status != STATUS_OK) {
            d->fault.status = status;
            refuse(d);
            return false;
        }
    }
    return true;
}

static bool
draft_check(struct draft *d)
{
    static const step_fn steps[] = {
        gate, read_timeout, read_body, check_webhook, find_model, check_model,
    };
    return steps_take(d, steps, sizeof(steps) / sizeof(steps[0]));
}

static bool
draft_send(struct draft *d)
{
    static const step_fn steps[] = {enter, remember_answer, encode, expect,
                                    send_request};
    return steps_take(d, steps, sizeof(steps) / sizeof(steps[0]));
}

void
submit(struct ingest *ingest, struct http_exchange *x, const struct submit_call *call)
{
    struct draft d = {
        .ingest = ingest, .x = x, .call = call, .wall_us = clock_wall_us()};
    if (!draft_check(&d) || !draft_send(&d)) {
        return;
    }
    d.s->x = x;
    pulse_taken(ingest->pulse, d.s->began_ns);
    if (call->mode != SUBMISSION_ASYNC) {
        http_watch_gone(x, outcome_gone, d.s);
    }
    if (d.s->queued.size > 0) {
        send_queued(&d);
    }
}

bool
submit_check(struct ingest *ingest,
             struct http_exchange *x,
             const struct submit_call *call)
{
    struct draft d = {
        .ingest = ingest, .x = x, .call = call, .wall_us = clock_wall_us()};
    return draft_check(&d);
}

enum status
submit_read(struct ingest *ingest,
            struct http_exchange *x,
            const struct submit_call *call,
            struct oip_request *body,
            struct fault *fault)
{
    struct draft d = {.ingest = ingest, .x = x, .call = call};
    enum status status = read_body(&d);
    *body = d.body;
    *fault = d.fault;
    return status;
}
