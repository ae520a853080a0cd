/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A follower waits in the results room like any poll; the end of such a wait is the
 * tick at which it tells of a new position or sends a heartbeat, and waits again. What
 * a slow reader does not take stays here, one event at most: positions in between are
 * left out.
 */
#include "ingest/events.h"

#include "base/clock.h"
#include "ingest/answer.h"
#include "ingest/event_stream.h"
#include "ingest/events_away.h"
#include "ingest/job_document.h"
#include "ingest/metrics.h"
#include "ingest/problem.h"
#include "ingest/running.h"
#include "ingest/service.h"

#include <inttypes.h>
#include <stdlib.h>

#define TICK_LEAST_NS NS_PER_S /* between two positions */
#define TICK_MOST_NS  (15 * NS_PER_S)

struct follower {
    struct follower *next;
    struct follower *previous;
    struct ingest *ingest;
    const struct tenant *tenant; /* who asks */
    struct event_stream stream;
    struct results_wait *wait; /* NULL: none under way */
    struct uuid id;
    struct backlog_place told; /* in the last `queued` */
    bool running;              /* that was told, not `queued` */
};

static void
follower_free(struct follower *f)
{
    struct follower_list *list = &f->ingest->followers;
    if (f->wait != NULL) {
        results_forget(f->ingest->results, f->wait);
    }
    if (f->previous == NULL) {
        list->first = f->next;
    } else {
        f->previous->next = f->next;
    }
    if (f->next != NULL) {
        f->next->previous = f->previous;
    }
    event_stream_fini(&f->stream);
    free(f);
}

static void
follower_end(struct follower *f)
{
    http_stream_end(f->stream.http);
    follower_free(f);
}

/* The follower is gone afterwards if that was all. */
static void
on_writable(void *arg, struct http_stream *s)
{
    (void)s;
    struct follower *f = arg;
    if (event_stream_flush(&f->stream)) {
        follower_free(f);
    }
}

static void
on_gone(void *arg, struct http_stream *s)
{
    (void)s;
    metric_add(&ingest_metrics[METRIC_GONE], 1);
    follower_free(arg);
}

/** How a job stands that has not ended: `running` or `queued`. */
static void
write_unended(struct follower *f, const struct reply *reply)
{
    const char *status = f->running ? STATUS_TEXT_RUNNING : "queued";
    struct buf event;
    buf_init(&event, ANSWER_BYTES_MAX);
    buf_append_format(&event, "event: %s\nid: %s", status, status);
    if (!f->running && f->told.position >= 0) {
        buf_append_format(&event, "-%" PRId64, f->told.position);
    }
    buf_append_text(&event, "\ndata: ");
    if (reply != NULL) {
        job_document_write(f->ingest, reply, &f->told, 0, &event);
    } else {
        answer_write_unrecorded(&f->id, status, &event);
    }
    buf_append_text(&event, "\n\n");
    event_stream_tell(&f->stream, &event, loop_now(f->ingest->loop));
    buf_fini(&event);
}

/* The last event; the stream ends when it has been taken. */
static void
finish(struct follower *f, const struct reply *reply)
{
    struct buf event;
    buf_init(&event, ANSWER_BYTES_MAX);
    buf_append_format(&event, "event: %s\nid: " EVENT_ID_LAST "\ndata: ",
                      reply_status_name(reply->status));
    job_document_write(f->ingest, reply, NULL, EVENT_OUTPUTS_MOST, &event);
    buf_append_text(&event, "\n\n");
    event_stream_tell(&f->stream, &event, loop_now(f->ingest->loop));
    buf_fini(&event);
    f->stream.over = true;
    on_writable(f, f->stream.http);
}

/* A position far away is told of less often: its estimate is that much coarser. */
static int64_t
tick_ns(const struct follower *f)
{
    if (f->running) {
        return TICK_MOST_NS;
    }
    int64_t tick_ns = f->told.wait_ns / 20;
    if (tick_ns < TICK_LEAST_NS) {
        return TICK_LEAST_NS;
    }
    return tick_ns < TICK_MOST_NS ? tick_ns : TICK_MOST_NS;
}

static void
follower_answered(void *waiter, enum status status, const struct reply *reply);

static enum status
await_tick(struct follower *f)
{
    int64_t now_ns = loop_now(f->ingest->loop);
    return results_expect(f->ingest->results, &f->id, now_ns + tick_ns(f),
                          follower_answered, f, &f->wait);
}

static bool
is_news(const struct backlog_place *told, const struct backlog_place *now)
{
    return now->position != told->position ||
           llabs(now->wait_ns - told->wait_ns) >= NS_PER_S;
}

/* Notes how the job stands now. @return whether its follower is to be told */
static bool
take_news(struct follower *f, const struct reply *reply)
{
    struct backlog_place place = {.position = -1, .wait_ns = -1};
    bool running = job_is_running(f->ingest, &f->id);
    if (!running) {
        job_place_of(f->ingest, reply, &place);
    }
    bool news = running != f->running || (!running && is_news(&f->told, &place));
    if (news) {
        f->running = running;
        f->told = place;
    }
    return news;
}

/* Tells what has changed, else that the line is alive. */
static void
follower_tick(struct follower *f)
{
    struct ingest *ingest = f->ingest;
    struct reply reply;
    arena_reset(&ingest->arena);
    if (!event_stream_is_free(&f->stream)) {
        return;
    }
    if (job_find(ingest, &f->id, f->tenant, &reply) == STATUS_OK &&
        !reply_is_terminal(&reply) && take_news(f, &reply)) {
        write_unended(f, &reply);
        return;
    }
    event_stream_beat(&f->stream, loop_now(ingest->loop));
}

static void
follower_answered(void *waiter, enum status status, const struct reply *reply)
{
    struct follower *f = waiter;
    f->wait = NULL;
    if (status == STATUS_OK && span_equal(reply->tenant, tenant_name(f->tenant))) {
        finish(f, reply);
        return;
    }
    if (status == STATUS_TIMEOUT) {
        follower_tick(f);
        status = await_tick(f);
        if (status == STATUS_OK) {
            return;
        }
    }
    follower_end(f); /* it comes back, and then to whoever owns the job */
}

static void
stream_begin(struct follower *f, struct http_exchange *x, const struct reply *reply)
{
    static const struct http_stream_events events = {.writable = on_writable,
                                                     .gone = on_gone};
    int64_t now_ns = loop_now(f->ingest->loop);
    if (!event_stream_begin(&f->stream, x, &events, f, now_ns)) {
        follower_free(f);
        return;
    }
    if (reply != NULL && reply_is_terminal(reply)) {
        finish(f, reply);
        return;
    }
    f->running = job_is_running(f->ingest, &f->id);
    if (reply != NULL && !f->running) {
        job_place_of(f->ingest, reply, &f->told);
    }
    write_unended(f, reply);
}

/* @param[in] reply NULL: the job is under way and nothing is recorded of it yet */
static void
follow(struct ingest *ingest,
       struct http_exchange *x,
       const struct uuid *id,
       const struct tenant *tenant,
       const struct reply *reply)
{
    struct follower *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        job_refuse(x, STATUS_FULL);
        return;
    }
    f->ingest = ingest;
    f->id = *id;
    f->tenant = tenant;
    f->told = (struct backlog_place){.position = -1, .wait_ns = -1};
    f->next = ingest->followers.first;
    if (f->next != NULL) {
        f->next->previous = f;
    }
    ingest->followers.first = f;
    bool over = reply != NULL && reply_is_terminal(reply);
    if (!over && await_tick(f) != STATUS_OK) {
        follower_free(f);
        job_refuse(x, STATUS_FULL);
        return;
    }
    stream_begin(f, x, reply);
}

void
job_get_events(struct ingest *ingest,
               struct http_exchange *x,
               const struct route_match *match)
{
    struct uuid id;
    struct reply reply;
    if (uuid_parse(match->id, &id) != STATUS_OK) {
        job_refuse(x, STATUS_NOT_FOUND);
        return;
    }
    if (events_follow_away(ingest, x, &id, match->tenant)) {
        return;
    }
    enum status status = job_find(ingest, &id, match->tenant, &reply);
    bool found = status == STATUS_OK;
    bool over = found && reply_is_terminal(&reply);
    if (!found && submission_find(&ingest->submissions, &id, match->tenant) == NULL) {
        job_refuse(x, status);
    } else if (over && span_is_text(http_header(x, "Last-Event-ID"), EVENT_ID_LAST)) {
        http_respond(x, 204, NULL, 0, NULL);
    } else if (!over && ingest->draining) {
        problem_respond(x, &(struct problem){.status = STATUS_CLOSED,
                                             .detail = "shutting down",
                                             .id = &id});
    } else {
        follow(ingest, x, &id, match->tenant, found ? &reply : NULL);
    }
}

void
events_tell_running(struct ingest *ingest)
{
    for (struct follower *f = ingest->followers.first; f != NULL; f = f->next) {
        if (job_is_running(ingest, &f->id) != f->running) {
            follower_tick(f);
        }
    }
}

void
events_end_all(struct ingest *ingest)
{
    struct follower *f = ingest->followers.first;
    while (f != NULL) {
        struct follower *next = f->next;
        follower_end(f);
        f = next;
    }
    events_away_end_all(ingest);
}
