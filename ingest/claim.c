/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request with a key is a claim until it is submitted or answered: its own record is
 * waited for (CLAIMING), the job of an earlier one is not stored yet (RESTING), or its
 * reply is waited for (JOINED). What the claim says of the request is believed only
 * once it has come back from Kafka.
 */
#include "ingest/claim.h"

#include "base/clock.h"
#include "base/log.h"
#include "bus/producer.h"
#include "ingest/answer.h"
#include "ingest/answer_form.h"
#include "ingest/forward.h"
#include "ingest/job.h"
#include "ingest/metrics.h"
#include "ingest/problem.h"
#include "ingest/service.h"
#include "schemas/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLAIM_BYTES_MAX = 1024, CLAIMS_BYTES_MAX = 4 * 1024 * 1024 };

/* No tenant of a caller: claims cannot be read as jobs. */
#define CLAIM_TENANT ":idempotency-key"

#define REST_NS (10 * NS_PER_MS)

/* For the claim to come back, after Kafka has acknowledged it. */
#define READ_NS NS_PER_S

struct claims {
    struct ingest *ingest;
    struct producer *producer;
    struct producer_topic *topic;
    struct claim *first;
};

struct claim {
    struct claim *next;
    struct claim *previous;
    struct claims *claims;
    struct http_exchange *x; /* NULL: answered; the record is still lent */
    struct submit_call call;
    char preference[PREFERENCE_SIZE];
    struct claim_about about;
    struct results_wait *wait;
    int64_t due_ns;   /* RESTING until then; TIME_NEVER: not resting */
    struct buf bytes; /* lent until its report */
    bool lent;
    struct oip_answer answer; /* JOINED: what the caller asked to see */
    void *answer_memory;
};

static void
claim_free(struct claim *c)
{
    buf_fini(&c->bytes);
    free(c->answer_memory);
    free(c);
}

/* Takes the exchange out, to be answered; then claim_settle(). */
static struct http_exchange *
claim_leave(struct claim *c)
{
    struct http_exchange *x = c->x;
    if (c->previous == NULL) {
        c->claims->first = c->next;
    } else {
        c->previous->next = c->next;
    }
    if (c->next != NULL) {
        c->next->previous = c->previous;
    }
    if (c->wait != NULL) {
        results_forget(c->claims->ingest->results, c->wait);
        c->wait = NULL;
    }
    c->x = NULL;
    http_watch_gone(x, NULL, NULL);
    return x;
}

static void
claim_settle(struct claim *c)
{
    if (!c->lent) {
        claim_free(c);
    }
}

static void
claim_refuse(struct claim *c, const struct problem *problem)
{
    problem_respond(claim_leave(c), problem);
    claim_settle(c);
}

static void
claim_gone(void *arg, struct http_exchange *x)
{
    claim_leave(arg);
    claim_settle(arg);
    metric_add(&ingest_metrics[METRIC_GONE], 1);
    http_respond(x, 499, NULL, 0, NULL); /* dropped by the server; nobody reads it */
}

static void
record_reported(void *context, void *arg, const struct delivery *d)
{
    struct claim *c = arg;
    (void)context;
    c->lent = false;
    if (d->status != STATUS_OK) {
        log_warn("claim_not_stored", log_status(d->status),
                 log_text("reason", d->reason));
    }
    if (c->x == NULL) {
        claim_free(c);
    } else if (d->status != STATUS_OK && c->wait != NULL) {
        claim_refuse(c, &(struct problem){
                            .status = d->status == STATUS_CLOSED ? STATUS_CLOSED
                                                                 : STATUS_UNAVAILABLE,
                            .detail = "Kafka did not store the Idempotency-Key",
                        });
    }
}

enum status
claims_open(struct claims **out, struct ingest *ingest, struct fault *fault)
{
    struct claims *claims = calloc(1, sizeof(*claims));
    if (claims == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for idempotency keys");
    }
    claims->ingest = ingest;
    const struct producer_config config = {
        .name = "claims",
        .delivery_timeout_ns = ingest->config.accept_timeout_ns,
        .queue_bytes_max = CLAIMS_BYTES_MAX,
        .single_lane = true,
    };
    char name[TOPIC_NAME_MAX + 1];
    enum status status =
        bus_topic_name(ingest->bus, TOPIC_REPLIES, span_of_text(""), name);
    if (status != STATUS_OK) {
        fault_set(fault, status, "no topic name: check topics.prefix");
    } else {
        status = producer_create(&claims->producer, ingest->loop, ingest->bus, &config,
                                 record_reported, NULL, fault);
    }
    if (status == STATUS_OK) {
        status = producer_topic(claims->producer, name, &claims->topic);
    }
    if (status != STATUS_OK) {
        claims_close(&claims);
        return status;
    }
    *out = claims;
    return STATUS_OK;
}

void
claims_end_all(struct claims *claims)
{
    struct claim *next = NULL;
    for (struct claim *c = claims->first; c != NULL; c = next) {
        next = c->next;
        claim_refuse(
            c, &(struct problem){.status = STATUS_CLOSED, .detail = "shutting down"});
    }
}

void
claims_close(struct claims **claims)
{
    struct claims *c = *claims;
    *claims = NULL;
    if (c == NULL) {
        return;
    }
    claims_end_all(c);
    if (c->producer != NULL) {
        producer_destroy(&c->producer);
    }
    free(c);
}

/* The partition went: whoever owns the key now takes the request from the start. */
static void
claim_forward(struct claim *c)
{
    struct ingest *ingest = c->claims->ingest;
    struct uuid id = c->about.id;
    const struct tenant *tenant = c->call.tenant;
    struct http_exchange *x = claim_leave(c);
    claim_settle(c);
    if (!forward_exchange(ingest, x, &id, tenant)) {
        job_refuse(x, STATUS_UNAVAILABLE);
    }
}

static void
joined_answered(void *waiter, enum status status, const struct reply *reply)
{
    struct claim *c = waiter;
    c->wait = NULL;
    if (status == STATUS_OK) {
        answer_reply(claim_leave(c), reply, &c->answer, c->preference);
        claim_settle(c);
    } else if (status == STATUS_TIMEOUT && c->call.mode == SUBMISSION_WAIT) {
        answer_accepted(claim_leave(c), &c->about.job, c->preference);
        claim_settle(c);
    } else if (status == STATUS_MISDIRECTED) {
        claim_forward(c);
    } else {
        claim_refuse(c, &(struct problem){.status = status, .id = &c->about.job});
    }
}

/* There is a job, stored: this request is answered as the one that made it. */
static void
claim_join(struct claim *c)
{
    struct ingest *ingest = c->claims->ingest;
    if (c->call.mode == SUBMISSION_ASYNC) {
        answer_accepted(claim_leave(c), &c->about.job, c->preference);
        claim_settle(c);
        return;
    }
    struct oip_request body;
    struct fault fault = {.text = ""};
    enum status status = submit_read(ingest, c->x, &c->call, &body, &fault);
    if (status == STATUS_OK) {
        status = answer_form_copy(&body, &c->answer, &c->answer_memory);
    }
    if (status == STATUS_OK) {
        status = results_expect(ingest->results, &c->about.job,
                                loop_now(ingest->loop) + c->call.wait_ns,
                                joined_answered, c, &c->wait);
    }
    if (status != STATUS_OK) {
        claim_refuse(c, &(struct problem){.status = status, .detail = fault.text});
    }
}

static void
claim_submit(struct claim *c)
{
    struct ingest *ingest = c->claims->ingest;
    struct submit_call call = c->call;
    struct uuid job = c->about.job;
    char preference[PREFERENCE_SIZE];
    memcpy(preference, c->preference, sizeof(preference));
    call.preference = preference;
    call.id = &job;
    struct http_exchange *x = claim_leave(c);
    claim_settle(c);
    submit(ingest, x, &call);
}

/* The claim holds. A job of it that may or may not be stored has to be waited for: its
 * records are reported before long. */
static void
claim_go_on(struct claim *c)
{
    struct ingest *ingest = c->claims->ingest;
    const struct submission *s =
        submission_find(&ingest->submissions, &c->about.job, c->call.tenant);
    struct reply reply;
    arena_reset(&ingest->arena);
    enum status status = job_find(ingest, &c->about.job, c->call.tenant, &reply);
    c->due_ns = TIME_NEVER;
    if (status == STATUS_OK || (s != NULL && s->lent == 0 && s->request_stored)) {
        claim_join(c);
    } else if (s != NULL && s->lent > 0) {
        c->due_ns = loop_now(ingest->loop) + REST_NS;
        loop_wake(ingest->loop);
    } else if (s == NULL && status == STATUS_NOT_FOUND) {
        claim_submit(c);
    } else if (status == STATUS_MISDIRECTED) {
        claim_forward(c);
    } else {
        claim_refuse(c, &(struct problem){
                            .status = STATUS_UNAVAILABLE,
                            .detail = "the first request with this Idempotency-Key "
                                      "may or may not be stored",
                        });
    }
}

int64_t
claims_turn(struct claims *claims, int64_t now_ns)
{
    int64_t next_ns = TIME_NEVER;
    struct claim *c = claims->first;
    while (c != NULL) {
        struct claim *next = c->next;
        if (c->due_ns <= now_ns) {
            claim_go_on(c);
        } else if (c->due_ns < next_ns) {
            next_ns = c->due_ns;
        }
        c = next;
    }
    return next_ns;
}

static void
claim_compare(struct claim *c, struct span digest)
{
    if (span_equal(digest, span_of(c->about.digest, sizeof(c->about.digest)))) {
        claim_go_on(c);
        return;
    }
    claim_refuse(c, &(struct problem){
                        .status = STATUS_INVALID,
                        .http_code = 422,
                        .detail = "another request was sent with this Idempotency-Key",
                    });
}

static void
claim_came_back(void *waiter, enum status status, const struct reply *reply)
{
    struct claim *c = waiter;
    c->wait = NULL;
    if (status == STATUS_OK) {
        claim_compare(c, reply->request_hash);
    } else if (status == STATUS_MISDIRECTED) {
        claim_forward(c);
    } else {
        claim_refuse(c, &(struct problem){
                            .status = status == STATUS_CLOSED ? STATUS_CLOSED
                                                              : STATUS_UNAVAILABLE,
                            .detail = "the Idempotency-Key was not stored in time",
                        });
    }
}

static enum status
record_send(struct claim *c)
{
    const struct reply record = {
        .id = c->about.id,
        .status = REPLY_SUCCEEDED,
        .timing.completed_us = clock_wall_us(),
        .tenant = span_of_text(CLAIM_TENANT),
        .request_hash = span_of(c->about.digest, sizeof(c->about.digest)),
    };
    char key[UUID_TEXT];
    uuid_format(&c->about.id, key);
    reply_encode(&record, &c->bytes);
    const struct outgoing out = {
        .topic = c->claims->topic,
        .partition = PARTITION_BY_KEY,
        .key = span_of(key, sizeof(key)),
        .value = buf_span(&c->bytes),
        .arg = c,
    };
    enum status status = c->bytes.status;
    if (status == STATUS_OK) {
        status = producer_send(c->claims->producer, &out);
    }
    c->lent = status == STATUS_OK;
    return status;
}

/* The wait comes first: the record may overtake its report. */
static void
claim_make(struct claim *c)
{
    struct ingest *ingest = c->claims->ingest;
    int64_t wait_ns = ingest->config.accept_timeout_ns + READ_NS;
    enum status status =
        results_expect(ingest->results, &c->about.id, loop_now(ingest->loop) + wait_ns,
                       claim_came_back, c, &c->wait);
    if (status == STATUS_OK) {
        status = record_send(c);
    }
    if (status != STATUS_OK) {
        status = status == STATUS_NOT_FOUND ? STATUS_UNAVAILABLE : status;
        claim_refuse(c, &(struct problem){
                            .status = status,
                            .detail = "the Idempotency-Key cannot be stored now",
                        });
    }
}

static void
claim_look(struct claim *c)
{
    struct ingest *ingest = c->claims->ingest;
    struct reply reply;
    enum status status =
        results_find(ingest->results, &c->about.id, span_of_text(CLAIM_TENANT),
                     &ingest->arena, &reply);
    if (status == STATUS_OK) {
        claim_compare(c, reply.request_hash);
    } else if (status == STATUS_NOT_FOUND) {
        claim_make(c);
    } else {
        claim_refuse(c, &(struct problem){
                            .status = STATUS_UNAVAILABLE,
                            .detail = "earlier Idempotency-Keys are still being read",
                        });
    }
}

void
claim_begin(struct ingest *ingest,
            struct http_exchange *x,
            const struct submit_call *call,
            const struct claim_about *about)
{
    struct claim *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        problem_respond(x, &(struct problem){.status = STATUS_NO_MEMORY});
        return;
    }
    c->about = *about;
    c->claims = ingest->claims;
    c->x = x;
    c->call = *call;
    snprintf(c->preference, sizeof(c->preference), "%s", call->preference);
    c->call.preference = c->preference;
    c->due_ns = TIME_NEVER;
    buf_init(&c->bytes, CLAIM_BYTES_MAX);
    c->next = ingest->claims->first;
    if (c->next != NULL) {
        c->next->previous = c;
    }
    ingest->claims->first = c;
    http_watch_gone(x, claim_gone, c);
    claim_look(c);
}
