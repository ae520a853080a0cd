/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An order lives until its record is reported and its caller is answered, whichever
 * comes last.
 */
#include "ingest/model_order.h"

#include "base/clock.h"
#include "base/log.h"
#include "ingest/answer.h"
#include "ingest/cancel.h"
#include "ingest/job.h"
#include "ingest/metrics.h"
#include "ingest/problem.h"
#include "ingest/service.h"
#include "schemas/codec.h"
#include "schemas/json_read.h"

#include <stdio.h>
#include <stdlib.h>

enum { ORDER_BYTES_MAX = 4096, NAME_BYTES = 256, DETAIL_BYTES = 512 };

struct model_order {
    struct control_order order; /* first: its report comes with it */
    struct model_order *next;
    struct ingest *ingest;
    struct http_exchange *x; /* NULL: answered, or gone */
    char model[NAME_BYTES];
    bool load;
    bool reported;
    int64_t issued_us;
    int64_t wait_ns; /* 0: until Kafka has it */
    int64_t ends_ns;
};

static void
order_unlink(struct model_order *o)
{
    struct model_order **link = &o->ingest->orders.first;
    while (*link != o) {
        link = &(*link)->next;
    }
    *link = o->next;
}

static void
order_release(struct model_order *o)
{
    if (o->x == NULL && o->reported) {
        order_unlink(o);
        buf_fini(&o->order.bytes);
        free(o);
    }
}

/** Takes the exchange out, so that nobody answers it again. */
static struct http_exchange *
order_end(struct model_order *o)
{
    struct http_exchange *x = o->x;
    o->x = NULL;
    return x;
}

static void
model_order_gone(void *arg, struct http_exchange *x)
{
    struct model_order *o = arg;
    (void)order_end(o);
    metric_add(&ingest_metrics[METRIC_GONE], 1);
    http_respond(x, 499, NULL, 0, NULL); /* dropped by the server; nobody reads it */
    order_release(o);
}

static void
order_succeed(struct model_order *o)
{
    struct buf body;
    buf_init(&body, ORDER_BYTES_MAX);
    buf_append_text(&body, "{}");
    answer_json(order_end(o), 200, &body);
    buf_fini(&body);
}

static void
order_fail(struct model_order *o, enum status status, const char *detail)
{
    problem_respond(order_end(o),
                    &(struct problem){.status = status, .detail = detail});
}

/** Answers if every batcher that serves the model has said what came of it. */
static void
order_look(struct model_order *o, const struct catalogue_model *model)
{
    const struct model_info *failed = NULL;
    if (o->x == NULL || !o->reported || model == NULL ||
        !catalogue_obeyed(model, o->issued_us, clock_wall_us(), &failed)) {
        return;
    }
    if (!o->load || failed == NULL) {
        order_succeed(o);
        return;
    }
    char detail[DETAIL_BYTES];
    snprintf(detail, sizeof detail, "version %.*s was not loaded by %.*s: %.*s",
             (int)failed->version.size, (const char *)failed->version.data,
             (int)failed->instance.size, (const char *)failed->instance.data,
             (int)failed->reason.size, (const char *)failed->reason.data);
    order_fail(o, STATUS_CONFLICT, detail);
}

static struct catalogue_model *
model_of(const struct model_order *o)
{
    return catalogue_find(models_topic_catalogue(o->ingest->models),
                          span_of_text(o->model));
}

static void
model_order_reported(struct control_order *order, const struct delivery *d)
{
    struct model_order *o = (struct model_order *)order;
    o->reported = true;
    if (d->status != STATUS_OK) {
        log_warn("model_order_not_stored", log_text("model", o->model),
                 log_status(d->status), log_text("reason", d->reason));
    }
    if (o->x != NULL && d->status != STATUS_OK) {
        order_fail(o, STATUS_UNAVAILABLE, "Kafka did not store the order in time");
    } else if (o->x != NULL && o->wait_ns == 0) {
        order_succeed(o);
    } else {
        order_look(o, model_of(o));
    }
    order_release(o);
}

void
model_orders_heard(struct ingest *ingest, const struct catalogue_model *model)
{
    for (struct model_order *o = ingest->orders.first; o != NULL;) {
        struct model_order *next = o->next;
        if (span_is_text(model->name, o->model)) {
            order_look(o, model);
            order_release(o);
        }
        o = next;
    }
}

int64_t
model_orders_turn(struct ingest *ingest, int64_t now_ns)
{
    int64_t due_ns = TIME_NEVER;
    for (struct model_order *o = ingest->orders.first; o != NULL;) {
        struct model_order *next = o->next;
        bool over = o->x != NULL && (now_ns >= o->ends_ns || ingest->draining);
        if (over) {
            order_fail(o, STATUS_TIMEOUT,
                       "the order is stored; not every batcher has said yet what came "
                       "of it, or none has such a model");
            order_release(o);
        } else if (o->x != NULL && o->ends_ns < due_ns) {
            due_ns = o->ends_ns;
        }
        o = next;
    }
    return due_ns;
}

/** What Triton's clients send: nothing, {} or {"parameters": {...}}; a configuration or
 * files in it would have to be kept somewhere. */
static enum status
read_order(struct ingest *ingest, struct http_exchange *x, struct fault *fault)
{
    struct span body = http_body(x);
    if (body.size == 0) {
        return STATUS_OK;
    }
    struct json_read j;
    struct span key;
    json_read_init(&j, body, &ingest->arena, fault);
    json_read_enter(&j, VALUE_OBJECT);
    while (json_read_member(&j, &key)) {
        if (!span_is_text(key, "parameters")) {
            json_read_skip(&j);
            continue;
        }
        json_read_enter(&j, VALUE_OBJECT);
        while (json_read_member(&j, &key)) {
            if (!span_is_text(key, "unload_dependents")) {
                json_read_refuse(&j, STATUS_UNSUPPORTED,
                                 "models are loaded as the repository has them");
            }
            json_read_skip(&j);
        }
    }
    json_read_finish(&j);
    return j.status;
}

/** NULL without memory, or for a name that no model can have. */
static struct model_order *
order_make(struct ingest *ingest, const struct route_match *match, bool load)
{
    struct model_order *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return NULL;
    }
    o->order.reported = model_order_reported;
    o->ingest = ingest;
    o->load = load;
    o->issued_us = clock_wall_us();
    snprintf(o->model, sizeof(o->model), "%.*s", (int)match->model.size,
             (const char *)match->model.data);
    buf_init(&o->order.bytes, ORDER_BYTES_MAX);
    const struct control control = {.type = load ? CONTROL_LOAD : CONTROL_UNLOAD,
                                    .model = match->model,
                                    .tenant = tenant_name(match->tenant),
                                    .issued_us = o->issued_us};
    control_encode(&control, &o->order.bytes);
    if (o->order.bytes.status != STATUS_OK) {
        buf_fini(&o->order.bytes);
        free(o);
        return NULL;
    }
    return o;
}

static void
order_post(struct ingest *ingest,
           struct http_exchange *x,
           const struct route_match *match,
           bool load)
{
    struct fault fault = {.text = ""};
    enum status status = read_order(ingest, x, &fault);
    int64_t wait_ns = ingest->config.infer_timeout_ns;
    if (status != STATUS_OK) {
        fault.status = status;
        problem_respond_fault(x, &fault);
        return;
    }
    if (http_query(x, "wait").data != NULL && !job_read_wait(ingest, x, &wait_ns)) {
        return;
    }
    if (ingest->draining) {
        problem_respond(
            x, &(struct problem){.status = STATUS_CLOSED, .detail = "shutting down"});
        return;
    }
    struct model_order *o = order_make(ingest, match, load);
    status = o == NULL ? STATUS_NO_MEMORY : control_send(ingest->canceler, &o->order);
    if (status != STATUS_OK) {
        if (o != NULL) {
            buf_fini(&o->order.bytes);
            free(o);
        }
        problem_respond(
            x, &(struct problem){.status = status,
                                 .detail = "the order cannot be sent to Kafka"});
        return;
    }
    o->x = x;
    o->wait_ns = wait_ns;
    o->ends_ns = loop_now(ingest->loop) + wait_ns + ingest->config.accept_timeout_ns;
    o->next = ingest->orders.first;
    ingest->orders.first = o;
    http_watch_gone(x, model_order_gone, o);
}

void
model_post_load(struct ingest *ingest,
                struct http_exchange *x,
                const struct route_match *match)
{
    order_post(ingest, x, match, true);
}

void
model_post_unload(struct ingest *ingest,
                  struct http_exchange *x,
                  const struct route_match *match)
{
    order_post(ingest, x, match, false);
}
