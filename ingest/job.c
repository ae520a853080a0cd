/* SPDX-License-Identifier: Apache-2.0 */
/* Looks the job up, answers at once if it is done or nobody wants to wait, otherwise
 * becomes a poll that the results room ends.
 */
#include "ingest/job.h"

#include "base/clock.h"
#include "ingest/answer.h"
#include "ingest/event_stream.h"
#include "ingest/forward.h"
#include "ingest/idempotency.h"
#include "ingest/internal.h"
#include "ingest/job_document.h"
#include "ingest/problem.h"
#include "ingest/remote_wait.h"
#include "ingest/running.h"
#include "ingest/service.h"
#include "ingest/submit.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum job_view {
    JOB_DOCUMENT,
    JOB_RESULT,
    JOB_CANCELED, /* as DELETE answers */
    JOB_RECORD    /* the reply as it stands in Kafka, for another instance */
};

enum { DETAIL_SIZE = 160 };

struct poll {
    struct poll *next;
    struct poll *previous;
    struct ingest *ingest;
    struct http_exchange *x;
    struct results_wait *wait;
    int64_t ends_ns;
    struct uuid id;
    const struct tenant *tenant; /* who asks */
    enum job_view view;
    bool follows;      /* another instance, for a stream: it wants to know of the run */
    bool told_running; /* what it knows of that */
};

void
job_post(struct ingest *ingest,
         struct http_exchange *x,
         const struct route_match *match)
{
    const struct submit_call call = {.tenant = match->tenant,
                                     .job = true,
                                     .mode = SUBMISSION_ASYNC,
                                     .preference = ""};
    idempotency_submit(ingest, x, &call);
}

void
job_answer(struct ingest *ingest, struct http_exchange *x, const struct reply *reply)
{
    struct backlog_place place = {.position = -1, .wait_ns = -1};
    if (!reply_is_terminal(reply)) {
        job_place_of(ingest, reply, &place);
    }
    struct buf document;
    buf_init(&document, ANSWER_BYTES_MAX);
    bool event = span_is_text(http_header(x, "Accept"), EVENT_MEDIA_TYPE);
    job_document_write(ingest, reply, &place, event ? EVENT_OUTPUTS_MOST : SIZE_MAX,
                       &document);
    answer_job(x, reply_is_terminal(reply), &document);
    buf_fini(&document);
}

void
job_answer_ended(struct ingest *ingest,
                 struct http_exchange *x,
                 const struct reply *reply)
{
    if (reply->status == REPLY_CANCELED) {
        job_answer(ingest, x, reply);
        return;
    }
    char detail[DETAIL_SIZE];
    const char *state = reply_status_name(reply->status);
    snprintf(detail, sizeof(detail), "the job has ended already: %s", state);
    problem_respond(x, &(struct problem){.status = STATUS_CONFLICT,
                                         .detail = detail,
                                         .id = &reply->id,
                                         .job_status = state});
}

static void
view_reply(struct ingest *ingest,
           struct http_exchange *x,
           enum job_view view,
           const struct reply *reply)
{
    if (view == JOB_DOCUMENT) {
        job_answer(ingest, x, reply);
        return;
    }
    if (!reply_is_terminal(reply)) {
        answer_accepted(x, &reply->id, "");
        return;
    }
    if (view == JOB_RECORD) {
        answer_record(x, reply);
        return;
    }
    if (view == JOB_CANCELED) {
        job_answer_ended(ingest, x, reply);
        return;
    }
    const struct oip_answer wanted = {
        .all_binary =
            span_is_text(http_header(x, "Accept"), "application/octet-stream"),
    };
    answer_reply(x, reply, &wanted, "");
}

static void
view_unrecorded(const struct ingest *ingest,
                struct http_exchange *x,
                enum job_view view,
                const struct uuid *id)
{
    if (view == JOB_DOCUMENT) {
        answer_unrecorded(x, id, job_unended_status(ingest, id));
    } else {
        answer_accepted(x, id, "");
    }
}

void
job_refuse(struct http_exchange *x, enum status status)
{
    static const char *const details[STATUS_COUNT] = {
        [STATUS_NOT_FOUND] = "no such job",
        [STATUS_UNAVAILABLE] = "the results of this job are still being read",
        [STATUS_MISDIRECTED] = "another instance owns this job; ask that one",
        [STATUS_FULL] = "too many wait for jobs",
    };
    problem_respond(x, &(struct problem){.status = status, .detail = details[status]});
}

enum status
job_find(struct ingest *ingest,
         const struct uuid *id,
         const struct tenant *tenant,
         struct reply *reply)
{
    return results_find(ingest->results, id, tenant_name(tenant), &ingest->arena,
                        reply);
}

/* A job is known before anything is recorded of it where it was taken, and where the
 * one that took it says so. */
static bool
is_under_way(struct ingest *ingest,
             struct http_exchange *x,
             const struct uuid *id,
             const struct tenant *tenant)
{
    return submission_find(&ingest->submissions, id, tenant) != NULL ||
           (internal_is_peer(ingest, x) &&
            http_header(x, PEER_EXPECT_HEADER).data != NULL);
}

/* Answers with what is known now. */
static void
view_now(struct ingest *ingest,
         struct http_exchange *x,
         enum job_view view,
         const struct uuid *id,
         const struct tenant *tenant)
{
    struct reply reply;
    enum status status = job_find(ingest, id, tenant, &reply);
    if (status == STATUS_OK) {
        view_reply(ingest, x, view, &reply);
    } else if (is_under_way(ingest, x, id, tenant)) {
        view_unrecorded(ingest, x, view, id);
    } else {
        job_refuse(x, status);
    }
}

static struct http_exchange *
poll_end(struct poll *p)
{
    if (p->previous == NULL) {
        p->ingest->polls.first = p->next;
    } else {
        p->previous->next = p->next;
    }
    if (p->next != NULL) {
        p->next->previous = p->previous;
    }
    struct http_exchange *x = p->x;
    free(p);
    return x;
}

static void
poll_answered(void *waiter, enum status status, const struct reply *reply)
{
    struct poll *p = waiter;
    struct ingest *ingest = p->ingest;
    enum job_view view = p->view;
    struct uuid id = p->id;
    int64_t ends_ns = p->ends_ns;
    const struct tenant *tenant = p->tenant;
    struct http_exchange *x = poll_end(p);
    if (status == STATUS_MISDIRECTED) {
        if (!forward_wait(ingest, x, &id, tenant, ends_ns)) {
            job_refuse(x, status);
        }
    } else if (status != STATUS_OK) {
        arena_reset(&ingest->arena);
        view_now(ingest, x, view, &id, tenant);
    } else if (span_equal(reply->tenant, tenant_name(tenant))) {
        view_reply(ingest, x, view, reply);
    } else {
        job_refuse(x, STATUS_NOT_FOUND);
    }
}

static void
poll_gone(void *arg, struct http_exchange *x)
{
    struct poll *p = arg;
    results_forget(p->ingest->results, p->wait);
    poll_end(p);
    http_respond(x, 499, NULL, 0, NULL); /* dropped by the server; nobody reads it */
}

/* Whether a stream at another instance lives on the answer (events_away.c). */
static bool
follows(const struct ingest *ingest, struct http_exchange *x, enum job_view view)
{
    return view == JOB_DOCUMENT && internal_is_peer(ingest, x) &&
           span_is_text(http_header(x, "Accept"), EVENT_MEDIA_TYPE);
}

static bool
knows_running(struct http_exchange *x)
{
    return span_is_text(http_header(x, "Last-Event-ID"), STATUS_TEXT_RUNNING);
}

static enum status
poll_begin(struct ingest *ingest,
           struct http_exchange *x,
           enum job_view view,
           const struct uuid *id,
           const struct tenant *tenant,
           int64_t wait_ns)
{
    struct poll *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return STATUS_NO_MEMORY;
    }
    *p = (struct poll){.ingest = ingest,
                       .x = x,
                       .ends_ns = loop_now(ingest->loop) + wait_ns,
                       .id = *id,
                       .tenant = tenant,
                       .view = view};
    enum status status =
        results_expect(ingest->results, id, p->ends_ns, poll_answered, p, &p->wait);
    if (status != STATUS_OK) {
        free(p);
        return status;
    }
    p->follows = follows(ingest, x, view);
    p->told_running = knows_running(x);
    p->next = ingest->polls.first;
    if (p->next != NULL) {
        p->next->previous = p;
    }
    ingest->polls.first = p;
    http_watch_gone(x, poll_gone, p);
    return STATUS_OK;
}

/* Answers it with what is known now. */
static void
poll_cut(struct ingest *ingest, struct poll *p)
{
    results_forget(ingest->results, p->wait);
    enum job_view view = p->view;
    struct uuid id = p->id;
    const struct tenant *tenant = p->tenant;
    arena_reset(&ingest->arena);
    view_now(ingest, poll_end(p), view, &id, tenant);
}

void
job_end_polls(struct ingest *ingest)
{
    while (ingest->polls.first != NULL) {
        poll_cut(ingest, ingest->polls.first);
    }
}

void
job_tell_running(struct ingest *ingest)
{
    struct poll *next = NULL;
    for (struct poll *p = ingest->polls.first; p != NULL; p = next) {
        next = p->next;
        if (p->follows && job_is_running(ingest, &p->id) != p->told_running) {
            poll_cut(ingest, p);
        }
    }
}

/* Seconds of ?wait= as ns; -1 if it is no number. */
static int64_t
wait_ns_of(struct http_exchange *x)
{
    enum { DIGITS_MAX = 9 };
    struct span text = http_query(x, "wait");
    if (text.data == NULL) {
        return 0;
    }
    if (text.size == 0 || text.size > DIGITS_MAX) {
        return -1;
    }
    int64_t seconds = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return -1;
        }
        seconds = seconds * 10 + (text.data[i] - '0');
    }
    return seconds * NS_PER_S;
}

bool
job_read_wait(const struct ingest *ingest, struct http_exchange *x, int64_t *wait_ns)
{
    int64_t asked_ns = wait_ns_of(x);
    if (asked_ns < 0) {
        problem_respond(x,
                        &(struct problem){.status = STATUS_INVALID,
                                          .detail = "wait: not a number of seconds"});
        return false;
    }
    int64_t most_ns = ingest->config.infer_timeout_ns;
    *wait_ns = asked_ns < most_ns ? asked_ns : most_ns;
    return true;
}

void
job_await_canceled(struct ingest *ingest,
                   struct http_exchange *x,
                   const struct uuid *id,
                   const struct tenant *tenant,
                   int64_t wait_ns)
{
    if (wait_ns == 0 || ingest->draining ||
        poll_begin(ingest, x, JOB_CANCELED, id, tenant, wait_ns) != STATUS_OK) {
        answer_accepted(x, id, "");
    }
}

static void
job_read(struct ingest *ingest,
         struct http_exchange *x,
         const struct route_match *match,
         enum job_view view)
{
    const struct tenant *tenant = match->tenant;
    struct uuid id;
    if (uuid_parse(match->id, &id) != STATUS_OK) {
        job_refuse(x, STATUS_NOT_FOUND);
        return;
    }
    if (forward_exchange(ingest, x, &id, tenant)) {
        return;
    }
    int64_t wait_ns = 0;
    if (!job_read_wait(ingest, x, &wait_ns)) {
        return;
    }
    struct reply reply;
    enum status status = job_find(ingest, &id, tenant, &reply);
    bool known = status == STATUS_OK || is_under_way(ingest, x, &id, tenant);
    bool done = status == STATUS_OK && reply_is_terminal(&reply);
    bool news =
        follows(ingest, x, view) && job_is_running(ingest, &id) != knows_running(x);
    if (!known || done || news || wait_ns == 0 || ingest->draining) {
        view_now(ingest, x, view, &id, tenant);
        return;
    }
    status = poll_begin(ingest, x, view, &id, tenant, wait_ns);
    if (status != STATUS_OK) {
        job_refuse(x, status);
    }
}

void
job_get(struct ingest *ingest, struct http_exchange *x, const struct route_match *match)
{
    job_read(ingest, x, match, JOB_DOCUMENT);
}

void
job_get_result(struct ingest *ingest,
               struct http_exchange *x,
               const struct route_match *match)
{
    bool record = internal_is_peer(ingest, x) &&
                  span_is_text(http_header(x, "Accept"), REPLY_MEDIA_TYPE);
    job_read(ingest, x, match, record ? JOB_RECORD : JOB_RESULT);
}
