/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each function takes the exchange out of the submission before it answers, so that no
 * later event can answer twice, and settles the submission last.
 */
#include "ingest/outcome.h"

#include "base/clock.h"
#include "base/log.h"
#include "ingest/answer.h"
#include "ingest/cancel.h"
#include "ingest/metrics.h"
#include "ingest/problem.h"
#include "ingest/remote_wait.h"
#include "ingest/service.h"

#include <stdio.h>

/* How long the id of a held request that was answered 504 stays known as queued: the
 * batcher answers it as expired within that time. */
#define KEPT_NS (60 * NS_PER_S)

/* For the caller the submission ends here. */
static struct http_exchange *
exchange_take(struct submission *s)
{
    struct http_exchange *x = s->x;
    s->x = NULL;
    if (s->away != NULL) {
        remote_wait_forget(s->away);
        s->away = NULL;
    }
    submission_move(s, SUBMISSION_KEPT);
    return x;
}

static void
wait_drop(struct submission *s)
{
    if (s->wait != NULL) {
        results_forget(s->ingest->results, s->wait);
        s->wait = NULL;
    }
}

void
outcome_refuse(struct submission *s,
               enum status status,
               const char *detail,
               bool maybe_stored)
{
    problem_respond(exchange_take(s), &(struct problem){
                                          .status = status,
                                          .detail = detail,
                                          .id = maybe_stored ? &s->id : NULL,
                                      });
    if (!maybe_stored) {
        wait_drop(s);
    }
    submission_settle(s);
}

static void
job_accept(struct submission *s)
{
    if (s->queued.size > 0) {
        results_queued(s->ingest->results, &s->id, buf_span(&s->queued));
    }
    answer_accepted(exchange_take(s), &s->id, s->preference);
}

/* All of its records are in Kafka. */
static void
stored(struct submission *s)
{
    if (s->x != NULL && s->mode == SUBMISSION_ASYNC) {
        job_accept(s);
    } else if (s->x != NULL) {
        submission_move(s, SUBMISSION_STORED);
    }
}

static enum status
status_of_delivery(const struct delivery *d)
{
    switch (d->status) {
    case STATUS_TOO_LARGE:
    case STATUS_CLOSED:
        return d->status;
    default:
        return STATUS_UNAVAILABLE;
    }
}

static void
not_stored(struct submission *s, const struct delivery *d, bool maybe_stored)
{
    metric_add(&ingest_metrics[METRIC_NOT_STORED], 1);
    if (s->x == NULL) {
        if (!maybe_stored) {
            wait_drop(s);
        }
        submission_settle(s);
        return;
    }
    char detail[200];
    snprintf(detail, sizeof(detail), "Kafka did not store the request: %s%s", d->reason,
             maybe_stored ? "; it may have been stored and may still be run" : "");
    outcome_refuse(s, status_of_delivery(d), detail, maybe_stored);
}

void
outcome_request_reported(void *context, void *arg, const struct delivery *d)
{
    struct ingest *ingest = context;
    struct submission *s = arg;
    s->lent--;
    backlog_reported(ingest->backlog, s->model, d);
    if (d->status != STATUS_OK) {
        not_stored(s, d, d->possibly_stored);
        return;
    }
    s->request_stored = true;
    metric_add(&ingest_metrics[METRIC_STORED], 1);
    metric_observe(&ingest_metrics[METRIC_STORE_SECONDS],
                   loop_now(ingest->loop) - s->began_ns);
    if (s->lent == 0) {
        stored(s);
    }
    submission_settle(s);
}

void
outcome_queued_reported(void *context, void *arg, const struct delivery *d)
{
    (void)context;
    struct submission *s = arg;
    s->lent--;
    if (d->status != STATUS_OK) {
        not_stored(s, d, s->request_stored || s->lent > 0 || d->possibly_stored);
        return;
    }
    if (s->lent == 0 && s->request_stored) {
        stored(s);
    }
    submission_settle(s);
}

static void
answer(struct submission *s, const struct reply *reply)
{
    struct ingest *ingest = s->ingest;
    if (s->mode == SUBMISSION_ASYNC) {
        job_accept(s);
        return;
    }
    int64_t now_ns = loop_now(ingest->loop);
    if (reply->status == REPLY_SUCCEEDED) {
        metric_observe(&ingest_metrics[METRIC_REQUEST_SECONDS], now_ns - s->began_ns);
    }
    pulse_answered(ingest->pulse, now_ns, now_ns - s->began_ns, reply->batch_size);
    answer_reply(exchange_take(s), reply, &s->answer, s->preference);
    results_delivered(ingest->results, &s->id);
}

/* The wait ended and the work goes on: the id has to stay known until its reply. */
static void
keep(struct submission *s)
{
    struct ingest *ingest = s->ingest;
    int64_t until_ns = loop_now(ingest->loop) + KEPT_NS;
    if (results_expect(ingest->results, &s->id, until_ns, outcome_answered, s,
                       &s->wait) != STATUS_OK) {
        s->wait = NULL; /* too many waits: then its id is forgotten earlier */
    }
}

static void
wait_ended(struct submission *s)
{
    if (s->mode == SUBMISSION_HELD) {
        keep(s);
        problem_respond(exchange_take(s),
                        &(struct problem){
                            .status = STATUS_TIMEOUT,
                            .detail = "no answer within the time the request was held; "
                                      "the result, if any, is at Location",
                            .id = &s->id,
                        });
        return;
    }
    s->mode = SUBMISSION_ASYNC;
    if (s->state == SUBMISSION_STORED) {
        keep(s);
        job_accept(s);
    }
}

static void
answer_lost(struct submission *s, enum status status)
{
    const char *detail = status == STATUS_MISDIRECTED
                             ? "another instance reads the answer now"
                             : "shutting down; the request may still be run";
    problem_respond(exchange_take(s), &(struct problem){
                                          .status = status,
                                          .detail = detail,
                                          .id = &s->id,
                                      });
}

/* The exchange goes on waiting, for the instance that now reads the answer. */
static void
wait_elsewhere(struct submission *s)
{
    s->away = remote_wait_begin(s->ingest, &s->id, s->tenant, s->ends_ns,
                                outcome_answered, s);
    if (s->away == NULL) {
        answer_lost(s, STATUS_MISDIRECTED);
    }
}

void
outcome_answered(void *waiter, enum status status, const struct reply *reply)
{
    struct submission *s = waiter;
    s->wait = NULL;
    s->away = NULL;
    if (s->x != NULL) {
        switch (status) {
        case STATUS_OK:
            answer(s, reply);
            break;
        case STATUS_TIMEOUT:
            wait_ended(s);
            break;
        case STATUS_MISDIRECTED:
            wait_elsewhere(s);
            break;
        default:
            answer_lost(s, status);
            break;
        }
    }
    submission_settle(s);
}

void
outcome_gone(void *arg, struct http_exchange *x)
{
    struct submission *s = arg;
    exchange_take(s);
    metric_add(&ingest_metrics[METRIC_GONE], 1);
    if (s->ingest->config.cancel_on_disconnect) {
        cancel_abandoned(s->ingest, s);
    }
    http_respond(x, 499, NULL, 0, NULL); /* dropped by the server; nobody reads it */
    if (!s->ingest->bus->dev) {
        wait_drop(s); /* the in-process broker's bound needs to see the reply */
    }
    submission_settle(s);
}

int64_t
outcome_expire(struct ingest *ingest, int64_t now_ns)
{
    const struct submission_list *unstored =
        &ingest->submissions.lists[SUBMISSION_UNSTORED];
    while (unstored->first != NULL) {
        struct submission *s = unstored->first;
        int64_t due_ns = s->began_ns + ingest->config.accept_timeout_ns;
        if (due_ns > now_ns) {
            return due_ns;
        }
        outcome_refuse(s, STATUS_UNAVAILABLE,
                       "Kafka has not acknowledged the request in time; it may have "
                       "been stored and may still be run",
                       true);
    }
    return TIME_NEVER;
}

void
outcome_close_all(struct ingest *ingest)
{
    static const enum submission_state waiting[] = {SUBMISSION_UNSTORED,
                                                    SUBMISSION_STORED};
    for (size_t i = 0; i < sizeof(waiting) / sizeof(waiting[0]); i++) {
        const struct submission_list *list = &ingest->submissions.lists[waiting[i]];
        while (list->first != NULL) {
            struct submission *s = list->first;
            answer_lost(s, STATUS_CLOSED);
            submission_settle(s);
        }
    }
}
