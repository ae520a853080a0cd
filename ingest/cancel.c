/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders are rare, so they have a producer of their own with a short delivery timeout,
 * and memory for each. The exchange may go before the report; the order goes on.
 */
#include "ingest/cancel.h"

#include "base/clock.h"
#include "base/log.h"
#include "bus/producer.h"
#include "ingest/answer.h"
#include "ingest/forward.h"
#include "ingest/job.h"
#include "ingest/metrics.h"
#include "ingest/problem.h"
#include "ingest/service.h"
#include "ingest/submit.h"
#include "schemas/codec.h"

#include <stdio.h>
#include <stdlib.h>

enum { ORDER_BYTES_MAX = 4096, ORDERS_BYTES_MAX = 1024 * 1024, DETAIL_SIZE = 160 };

struct canceler {
    struct producer *producer;
    struct producer_topic *topic;
};

/** One order until its report. */
struct order {
    struct http_exchange *x; /* NULL: the caller went */
    struct uuid id;
    struct buf bytes;
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
    buf_fini(&o->bytes);
    free(o);
}

static void
order_reported(void *context, void *arg, const struct delivery *d)
{
    (void)context;
    struct order *o = arg;
    if (d->status != STATUS_OK) {
        log_warn("cancel_not_stored", log_status(d->status),
                 log_text("reason", d->reason));
    }
    if (o->x != NULL && d->status == STATUS_OK) {
        answer_accepted(o->x, &o->id, "");
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
                                 order_reported, NULL, fault);
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
order_make(const struct uuid *id, struct span model, struct http_exchange *x)
{
    struct order *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        return NULL;
    }
    o->x = x;
    o->id = *id;
    buf_init(&o->bytes, ORDER_BYTES_MAX);
    const struct control control = {.type = CONTROL_CANCEL,
                                    .id = *id,
                                    .model = model,
                                    .tenant = span_of_text(TENANT_DEFAULT),
                                    .issued_us = clock_wall_us()};
    control_encode(&control, &o->bytes);
    if (o->bytes.status != STATUS_OK) {
        order_free(o);
        return NULL;
    }
    return o;
}

static void
order_send(struct ingest *ingest,
           struct http_exchange *x,
           const struct uuid *id,
           struct span model)
{
    struct canceler *c = ingest->canceler;
    struct order *o = order_make(id, model, x);
    enum status status = STATUS_NO_MEMORY;
    if (o != NULL) {
        const struct outgoing out = {
            .topic = c->topic, .partition = 0, .value = buf_span(&o->bytes), .arg = o};
        status = producer_send(c->producer, &out);
    }
    if (status == STATUS_OK) {
        http_watch_gone(x, order_gone, o);
        return;
    }
    if (o != NULL) {
        order_free(o);
    }
    status = status == STATUS_NOT_FOUND ? STATUS_UNAVAILABLE : status;
    problem_respond(x, &(struct problem){.status = status,
                                         .detail = "the cancel cannot be sent to Kafka",
                                         .id = id});
}

/* What is over cannot be cancelled; who cancels twice is told how it stands. */
static void
answer_ended(struct http_exchange *x, const struct reply *reply)
{
    if (reply->status == REPLY_CANCELED) {
        answer_job(x, reply, NULL);
        return;
    }
    char detail[DETAIL_SIZE];
    snprintf(detail, sizeof(detail), "the job has ended already: %s",
             reply_status_name(reply->status));
    problem_respond(x, &(struct problem){.status = STATUS_CONFLICT,
                                         .detail = detail,
                                         .id = &reply->id});
}

void
job_delete(struct ingest *ingest,
           struct http_exchange *x,
           const struct route_match *match)
{
    struct uuid id;
    struct reply reply = {0};
    if (uuid_parse(match->id, &id) != STATUS_OK) {
        job_refuse(x, STATUS_NOT_FOUND);
        return;
    }
    if (forward_exchange(ingest, x, &id)) {
        return;
    }
    enum status status = job_find(ingest, &id, &reply);
    if (status == STATUS_OK && reply_is_terminal(&reply)) {
        answer_ended(x, &reply);
    } else if (status != STATUS_OK &&
               submission_find(&ingest->submissions, &id) == NULL) {
        job_refuse(x, status);
    } else if (ingest->draining) {
        problem_respond(x, &(struct problem){.status = STATUS_CLOSED,
                                             .detail = "shutting down",
                                             .id = &id});
    } else {
        order_send(ingest, x, &id, reply.model);
    }
}
