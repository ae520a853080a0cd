/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders are rare, so they have a producer of their own with a short delivery timeout,
 * and memory for each. The exchange may go before the report; the order goes on.
 */
#include "ingest/cancel.h"

#include "base/clock.h"
#include "base/log.h"
#include "bus/producer.h"
#include "ingest/forward.h"
#include "ingest/job.h"
#include "ingest/metrics.h"
#include "ingest/problem.h"
#include "ingest/service.h"
#include "ingest/submit.h"
#include "schemas/codec.h"

#include <stdlib.h>

enum { ORDER_BYTES_MAX = 4096, ORDERS_BYTES_MAX = 1024 * 1024 };

struct canceler {
    struct producer *producer;
    struct producer_topic *topic;
};

/** One order until its report. */
struct order {
    struct control_order order; /* first: its report comes with it */
    struct ingest *ingest;
    struct http_exchange *x; /* NULL: nobody waits for the order to be stored */
    bool abandoned;          /* its client went away; counted */
    struct uuid id;
    const struct tenant *tenant; /* who asks */
    int64_t wait_ns;             /* for the job to end, once the order is stored */
};

static void
order_gone(void *arg, struct http_exchange *x)
{
    struct order *o = arg;
    o->x = NULL;
    metric_add(&ingest_metrics[METRIC_GONE], 1);
    http_respond(x, 499, NULL, 0, NULL); /* dropped by the server; nobody reads it */
}

static void
order_free(struct order *o)
{
    buf_fini(&o->order.bytes);
    free(o);
}

static void
on_report(void *context, void *arg, const struct delivery *d)
{
    struct control_order *order = arg;
    (void)context;
    order->reported(order, d);
}

static void
order_reported(struct control_order *order, const struct delivery *d)
{
    struct order *o = (struct order *)order;
    if (d->status != STATUS_OK) {
        log_warn("cancel_not_stored", log_status(d->status),
                 log_text("reason", d->reason));
    }
    if (o->abandoned) {
        metric_add(&ingest_metrics[d->status == STATUS_OK ? METRIC_ABANDONED
                                                          : METRIC_ABANDONED_LOST],
                   1);
    }
    if (o->x != NULL && d->status == STATUS_OK) {
        job_await_canceled(o->ingest, o->x, &o->id, o->tenant, o->wait_ns);
    } else if (o->x != NULL) {
        problem_respond(o->x,
                        &(struct problem){
                            .status = d->status == STATUS_CLOSED ? STATUS_CLOSED
                                                                 : STATUS_UNAVAILABLE,
                            .detail = "Kafka did not store the cancel in time",
                            .id = &o->id,
                        });
    }
    order_free(o);
}

enum status
canceler_open(struct canceler **out, struct ingest *ingest, struct fault *fault)
{
    struct canceler *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for cancels");
    }
    const struct producer_config config = {
        .name = "control",
        .delivery_timeout_ns = ingest->config.accept_timeout_ns,
        .queue_bytes_max = ORDERS_BYTES_MAX,
        .single_lane = true,
    };
    char name[TOPIC_NAME_MAX + 1];
    enum status status =
        bus_topic_name(ingest->bus, TOPIC_CONTROL, span_of_text(""), name);
    if (status != STATUS_OK) {
        fault_set(fault, status, "no topic name: check topics.prefix");
    } else {
        status = producer_create(&c->producer, ingest->loop, ingest->bus, &config,
                                 on_report, NULL, fault);
    }
    if (status == STATUS_OK) {
        status = producer_topic(c->producer, name, &c->topic);
    }
    if (status != STATUS_OK) {
        canceler_close(&c);
        return status;
    }
    *out = c;
    return STATUS_OK;
}

void
canceler_close(struct canceler **canceler)
{
    struct canceler *c = *canceler;
    *canceler = NULL;
    if (c == NULL) {
        return;
    }
    if (c->producer != NULL) {
        producer_destroy(&c->producer);
    }
    free(c);
}

static struct order *
order_make(struct ingest *ingest,
           const struct uuid *id,
           struct span model,
           const struct tenant *tenant)
{
    struct order *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return NULL;
    }
    o->order.reported = order_reported;
    o->ingest = ingest;
    o->id = *id;
    o->tenant = tenant;
    buf_init(&o->order.bytes, ORDER_BYTES_MAX);
    const struct control control = {.type = CONTROL_CANCEL,
                                    .id = *id,
                                    .model = model,
                                    .tenant = tenant_name(tenant),
                                    .issued_us = clock_wall_us()};
    control_encode(&control, &o->order.bytes);
    if (o->order.bytes.status != STATUS_OK) {
        order_free(o);
        return NULL;
    }
    return o;
}

enum status
control_send(struct canceler *c, struct control_order *order)
{
    const struct outgoing out = {.topic = c->topic,
                                 .partition = 0,
                                 .value = buf_span(&order->bytes),
                                 .arg = order};
    enum status status = producer_send(c->producer, &out);
    return status == STATUS_NOT_FOUND ? STATUS_UNAVAILABLE : status;
}

/* Takes the order, which is freed on failure. */
static enum status
order_send(struct canceler *c, struct order *o)
{
    if (o == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = control_send(c, &o->order);
    if (status != STATUS_OK) {
        order_free(o);
    }
    return status;
}

/* The report comes on a later turn, so what it needs can be set after the sending. */
static void
cancel_for(struct ingest *ingest,
           struct http_exchange *x,
           const struct uuid *id,
           struct span model,
           const struct tenant *tenant,
           int64_t wait_ns)
{
    struct order *o = order_make(ingest, id, model, tenant);
    enum status status = order_send(ingest->canceler, o);
    if (status == STATUS_OK) {
        o->x = x;
        o->wait_ns = wait_ns;
        http_watch_gone(x, order_gone, o);
        return;
    }
    problem_respond(x, &(struct problem){.status = status,
                                         .detail = "the cancel cannot be sent to Kafka",
                                         .id = id});
}

void
cancel_abandoned(struct ingest *ingest, const struct submission *s)
{
    const struct catalogue *catalogue = models_topic_catalogue(ingest->models);
    struct order *o =
        order_make(ingest, &s->id, catalogue_at(catalogue, s->model)->name, s->tenant);
    if (order_send(ingest->canceler, o) == STATUS_OK) {
        o->abandoned = true;
    } else {
        metric_add(&ingest_metrics[METRIC_ABANDONED_LOST], 1);
    }
}

void
job_delete(struct ingest *ingest,
           struct http_exchange *x,
           const struct route_match *match)
{
    struct uuid id;
    struct reply reply = {0};
    int64_t wait_ns = 0;
    if (uuid_parse(match->id, &id) != STATUS_OK) {
        job_refuse(x, STATUS_NOT_FOUND);
        return;
    }
    if (forward_exchange(ingest, x, &id, match->tenant) ||
        !job_read_wait(ingest, x, &wait_ns)) {
        return;
    }
    enum status status = job_find(ingest, &id, match->tenant, &reply);
    if (status == STATUS_OK && reply_is_terminal(&reply)) {
        job_answer_ended(ingest, x, &reply);
    } else if (status != STATUS_OK &&
               submission_find(&ingest->submissions, &id, match->tenant) == NULL) {
        job_refuse(x, status);
    } else if (ingest->draining) {
        problem_respond(x, &(struct problem){.status = STATUS_CLOSED,
                                             .detail = "shutting down",
                                             .id = &id});
    } else {
        cancel_for(ingest, x, &id, reply.model, match->tenant, wait_ns);
    }
}
