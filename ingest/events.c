/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A follower waits in the results room like any poll; the end of such a wait is the
 * tick at which it tells of a new position or sends a heartbeat, and waits again. What
 * a slow reader does not take stays here, one event at most: positions in between are
 * left out.
 */
#include "ingest/events.h"

#include "base/clock.h"
#include "base/http_server_stream.h"
#include "ingest/answer.h"
#include "ingest/job_document.h"
#include "ingest/job_path.h"
#include "ingest/metrics.h"
#include "ingest/problem.h"
#include "ingest/service.h"

#include <inttypes.h>
#include <stdlib.h>

enum { EVENT_OUTPUTS_MOST = 64 * 1024, BEATS_BYTES = 16 };

#define TICK_LEAST_NS NS_PER_S        /* between two positions */
#define HEARTBEAT_NS  (15 * NS_PER_S) /* without a word */
#define LAST_EVENT_ID "end"           /* of the event that says how it ended */

struct follower {
    struct follower *next;
    struct follower *previous;
    struct ingest *ingest;
    const struct tenant *tenant; /* who asks */
    struct http_stream *stream;
    struct results_wait *wait; /* NULL: none under way */
    struct uuid id;
    struct backlog_place told; /* in the last `queued` */
    int64_t spoke_ns;          /* when anything was written last */
    struct buf unsent;         /* what the stream did not take */
    bool ended;                /* the last event is written or in unsent */
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
    buf_fini(&f->unsent);
    free(f);
}

static void
follower_end(struct follower *f)
{
    http_stream_end(f->stream);
    follower_free(f);
}

/* Gives the stream what waits; the follower is gone afterwards if that was all. */
static void
on_writable(void *arg, struct http_stream *s)
{
    struct follower *f = arg;
    if (f->unsent.size > 0 && http_stream_write(s, buf_span(&f->unsent)) != STATUS_OK) {
        return;
    }
    buf_fini(&f->unsent);
    if (f->ended) {
        follower_end(f);
    }
}

static void
on_gone(void *arg, struct http_stream *s)
{
    (void)s;
    metric_add(&ingest_metrics[METRIC_GONE], 1);
    follower_free(arg);
}

/* Takes the content of an event; only the last one can come while another waits. */
static void
tell(struct follower *f, struct buf *event)
{
    f->spoke_ns = loop_now(f->ingest->loop);
    if (f->unsent.size > 0) {
        buf_append(&f->unsent, event->data, event->size);
    } else if (http_stream_write(f->stream, buf_span(event)) != STATUS_OK) {
        f->unsent = *event;
        f->unsent.limit = ANSWER_BYTES_MAX; /* the last event may come behind it */
        *event = (struct buf){0};
    }
}

static void
write_queued(struct follower *f, const struct reply *reply)
{
    struct buf event;
    buf_init(&event, ANSWER_BYTES_MAX);
    buf_append_text(&event, "event: queued\nid: queued");
    if (f->told.position >= 0) {
        buf_append_format(&event, "-%" PRId64, f->told.position);
    }
    buf_append_text(&event, "\ndata: ");
    if (reply != NULL) {
        job_document_write(f->ingest, reply, &f->told, 0, &event);
    } else {
        char id[UUID_TEXT];
        uuid_format(&f->id, id);
        buf_append_format(&event, "{\"id\":\"%.*s\",\"status\":\"queued\"}", UUID_TEXT,
                          id);
    }
    buf_append_text(&event, "\n\n");
    if (event.status == STATUS_OK) {
        tell(f, &event);
    }
    buf_fini(&event);
}

/* The last event; the stream ends when it has been taken. */
static void
finish(struct follower *f, const struct reply *reply)
{
    struct buf event;
    buf_init(&event, ANSWER_BYTES_MAX);
    buf_append_format(&event, "event: %s\nid: " LAST_EVENT_ID "\ndata: ",
                      reply_status_name(reply->status));
    job_document_write(f->ingest, reply, NULL, EVENT_OUTPUTS_MOST, &event);
    buf_append_text(&event, "\n\n");
    if (event.status == STATUS_OK) {
        tell(f, &event);
    }
    buf_fini(&event);
    f->ended = true;
    on_writable(f, f->stream);
}

/* A position far away is told of less often: its estimate is that much coarser. */
static int64_t
tick_ns(const struct follower *f)
{
    int64_t tick_ns = f->told.wait_ns / 20;
    if (tick_ns < TICK_LEAST_NS) {
        return TICK_LEAST_NS;
    }
    return tick_ns < HEARTBEAT_NS ? tick_ns : HEARTBEAT_NS;
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

/* Tells what has changed, else that the line is alive. */
static void
follower_tick(struct follower *f)
{
    struct ingest *ingest = f->ingest;
    struct reply reply;
    arena_reset(&ingest->arena);
    if (f->unsent.size > 0) {
        return;
    }
    if (job_find(ingest, &f->id, f->tenant, &reply) == STATUS_OK &&
        !reply_is_terminal(&reply)) {
        struct backlog_place place;
        job_place_of(ingest, &reply, &place);
        if (is_news(&f->told, &place)) {
            f->told = place;
            write_queued(f, &reply);
            return;
        }
    }
    if (loop_now(ingest->loop) - f->spoke_ns >= HEARTBEAT_NS) {
        struct buf beat;
        buf_init(&beat, BEATS_BYTES);
        buf_append_text(&beat, ":\n\n");
        tell(f, &beat);
        buf_fini(&beat);
    }
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
    static const struct http_header headers[] = {
        {"Content-Type", "text/event-stream"},
        {"Cache-Control", "no-store"},
        {"X-Accel-Buffering", "no"}, /* nginx would keep events back */
    };
    static const struct http_stream_events events = {.writable = on_writable,
                                                     .gone = on_gone};
    f->stream = http_respond_stream(x, 200, headers,
                                    sizeof(headers) / sizeof(headers[0]), &events, f);
    if (f->stream == NULL) {
        follower_free(f);
        return;
    }
    struct buf begin;
    buf_init(&begin, BEATS_BYTES);
    buf_append_text(&begin, "retry: 2000\n\n");
    tell(f, &begin);
    buf_fini(&begin);
    if (reply != NULL && reply_is_terminal(reply)) {
        finish(f, reply);
        return;
    }
    if (reply != NULL) {
        job_place_of(f->ingest, reply, &f->told);
    }
    write_queued(f, reply);
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
    enum status status = job_find(ingest, &id, match->tenant, &reply);
    bool found = status == STATUS_OK;
    bool over = found && reply_is_terminal(&reply);
    if (!found && submission_find(&ingest->submissions, &id, match->tenant) == NULL) {
        job_refuse(x, status);
    } else if (over && span_is_text(http_header(x, "Last-Event-ID"), LAST_EVENT_ID)) {
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
events_end_all(struct ingest *ingest)
{
    struct follower *f = ingest->followers.first;
    while (f != NULL) {
        struct follower *next = f->next;
        follower_end(f);
        f = next;
    }
}
