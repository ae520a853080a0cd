/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Until the owner's first answer the exchange is held, so that an unknown job is a 404;
 * then it is a stream. What is read of a document is what job_document.c wrote.
 */
#include "ingest/events_away.h"

#include "base/clock.h"
#include "ingest/answer.h"
#include "ingest/errand.h"
#include "ingest/event_stream.h"
#include "ingest/internal.h"
#include "ingest/job_path.h"
#include "ingest/metrics.h"
#include "ingest/problem.h"
#include "ingest/running.h"
#include "ingest/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUERY_SIZE = 32, STATUS_SIZE = 16, WAIT_MOST_S = 15, TOLD_PER_ESTIMATE = 20 };

/* For an owner that is not there; a rebalance makes another one of it. */
#define PATIENCE_NS (5 * NS_PER_S)

/* Beyond what the owner is asked to wait. */
#define GRACE_NS (5 * NS_PER_S)

struct away {
    struct errand errand;
    struct away *next;
    struct away *previous;
    const struct tenant *tenant; /* who asks */
    struct http_exchange *x;     /* NULL once the stream has begun */
    struct event_stream stream;
    bool asking;        /* the errand is under way */
    bool owner_running; /* as its owner has said, who tells when that changes */
    bool told_running;  /* and our reader was told */
    int64_t position;
    int64_t estimate_ms; /* as told last */
    char path[JOB_PATH_SIZE];
    char query[QUERY_SIZE];
};

static void
away_unlink(struct away *a)
{
    struct ingest *ingest = a->errand.ingest;
    if (a->previous == NULL) {
        ingest->aways.first = a->next;
    } else {
        a->previous->next = a->next;
    }
    if (a->next != NULL) {
        a->next->previous = a->previous;
    }
}

static void
away_free(struct away *a)
{
    away_unlink(a);
    event_stream_fini(&a->stream);
    if (a->asking) {
        errand_drop(&a->errand);
    } else {
        free(a);
    }
}

static void
on_gone(void *arg, struct http_stream *s)
{
    (void)s;
    metric_add(&ingest_metrics[METRIC_GONE], 1);
    away_free(arg);
}

static void
on_writable(void *arg, struct http_stream *s)
{
    (void)s;
    struct away *a = arg;
    if (event_stream_flush(&a->stream)) {
        away_free(a);
    }
}

static void
on_exchange_gone(void *arg, struct http_exchange *x)
{
    metric_add(&ingest_metrics[METRIC_GONE], 1);
    away_free(arg);
    http_respond(x, 499, NULL, 0, NULL); /* dropped by the server; nobody reads it */
}

/* A number of the document; -1 for null and where there is none. */
static int64_t
number_of(struct span document, const char *key)
{
    enum { DIGITS_MAX = 18 };
    const uint8_t *at = memmem(document.data, document.size, key, strlen(key));
    if (at == NULL) {
        return -1;
    }
    int64_t number = -1;
    const uint8_t *end = document.data + document.size;
    at += strlen(key);
    for (int i = 0; i < DIGITS_MAX && at < end && *at >= '0' && *at <= '9'; i++) {
        number = (number < 0 ? 0 : number) * 10 + (*at++ - '0');
    }
    return number;
}

/* How the job stands; "" if the document does not say. */
static void
status_of(struct span document, char status[static STATUS_SIZE])
{
    static const char key[] = "\"status\":\"";
    const uint8_t *at = memmem(document.data, document.size, key, sizeof(key) - 1);
    const uint8_t *end = document.data + document.size;
    size_t size = 0;
    for (at = at == NULL ? end : at + sizeof(key) - 1;
         at < end && *at >= 'a' && *at <= 'z' && size < STATUS_SIZE - 1; at++) {
        status[size++] = (char)*at;
    }
    status[size] = '\0';
}

static void
tell(struct away *a, const char *status, const char *id, struct span document)
{
    struct buf event;
    buf_init(&event, ANSWER_BYTES_MAX);
    buf_append_format(&event, "event: %s\nid: %s\ndata: ", status, id);
    buf_append(&event, document.data, document.size);
    buf_append_text(&event, "\n\n");
    event_stream_tell(&a->stream, &event, loop_now(a->errand.ingest->loop));
    buf_fini(&event);
}

/* A document of what runs has neither position nor estimate. */
static void
tell_unended(struct away *a, struct span document, bool first)
{
    int64_t position = number_of(document, "\"position\":");
    int64_t estimate_ms = number_of(document, "\"estimate_ms\":");
    bool news = first || position != a->position ||
                a->owner_running != a->told_running ||
                llabs(estimate_ms - a->estimate_ms) >= NS_PER_S / NS_PER_MS;
    if (!event_stream_is_free(&a->stream)) {
        return;
    }
    if (!news) {
        event_stream_beat(&a->stream, loop_now(a->errand.ingest->loop));
        return;
    }
    const char *status = a->owner_running ? STATUS_TEXT_RUNNING : "queued";
    char id[QUERY_SIZE];
    snprintf(id, sizeof(id), "%s", status);
    if (position >= 0) {
        snprintf(id, sizeof(id), "%s-%" PRId64, status, position);
    }
    a->position = position;
    a->estimate_ms = estimate_ms;
    a->told_running = a->owner_running;
    tell(a, status, id, document);
}

static void
ask_again(struct away *a)
{
    int64_t wait_s = a->estimate_ms / TOLD_PER_ESTIMATE / (NS_PER_S / NS_PER_MS);
    wait_s = a->owner_running || wait_s > WAIT_MOST_S ? WAIT_MOST_S : wait_s;
    snprintf(a->query, sizeof(a->query), "wait=%" PRId64, wait_s < 1 ? 1 : wait_s);
    a->asking = true;
    errand_begin(a->errand.ingest, &a->errand, 0);
}

/* From here on there is no other answer than events. */
static bool
stream_begin(struct away *a)
{
    static const struct http_stream_events events = {.writable = on_writable,
                                                     .gone = on_gone};
    struct http_exchange *x = a->x;
    a->x = NULL;
    http_watch_gone(x, NULL, NULL);
    return event_stream_begin(&a->stream, x, &events, a,
                              loop_now(a->errand.ingest->loop));
}

static void
document_take(struct away *a, struct span document)
{
    char status[STATUS_SIZE];
    status_of(document, status);
    a->owner_running = strcmp(status, STATUS_TEXT_RUNNING) == 0;
    bool ended = !a->owner_running && strcmp(status, "queued") != 0;
    bool first = a->x != NULL;
    if (first && ended &&
        span_is_text(http_header(a->x, "Last-Event-ID"), EVENT_ID_LAST)) {
        struct http_exchange *x = a->x;
        http_watch_gone(x, NULL, NULL);
        away_free(a);
        http_respond(x, 204, NULL, 0, NULL);
        return;
    }
    if (first && !stream_begin(a)) {
        away_free(a);
        return;
    }
    if (!ended) {
        tell_unended(a, document, first);
        ask_again(a);
        return;
    }
    tell(a, status, EVENT_ID_LAST, document);
    a->stream.over = true;
    on_writable(a, a->stream.http);
}

/* No event can tell: a reader that has some comes back. */
static void
give_up(struct away *a, enum status status)
{
    struct http_exchange *x = a->x;
    if (x == NULL) {
        http_stream_end(a->stream.http);
        away_free(a);
        return;
    }
    http_watch_gone(x, NULL, NULL);
    away_free(a);
    job_refuse(x, status);
}

static void
away_ended(struct errand *e, enum status status, const struct http_answer *answer)
{
    struct away *a = (struct away *)e;
    a->asking = false;
    if (status == STATUS_OK && answer->code == 200) {
        document_take(a, answer->body);
    } else if (status == STATUS_OK && answer->code == 404) {
        give_up(a, STATUS_NOT_FOUND);
    } else if (status == STATUS_CONFLICT && a->x != NULL) {
        struct ingest *ingest = e->ingest;
        struct http_exchange *x = a->x;
        http_watch_gone(x, NULL, NULL);
        away_free(a);
        ingest_route(ingest, x); /* it is ours now */
    } else {
        give_up(a, STATUS_UNAVAILABLE);
    }
}

static void
away_ask(struct errand *e, struct peer_request *request)
{
    struct away *a = (struct away *)e;
    const char *tenant = arena_text(&e->ingest->arena, tenant_name(a->tenant));
    request->method = "GET";
    request->path = span_of_text(a->path);
    request->query = a->query;
    request->timeout_ns = WAIT_MOST_S * NS_PER_S + GRACE_NS;
    request->headers[request->header_count++] =
        (struct http_header){"Accept", EVENT_MEDIA_TYPE};
    request->headers[request->header_count++] = (struct http_header){
        "Last-Event-ID", a->owner_running ? STATUS_TEXT_RUNNING : "queued"};
    request->headers[request->header_count++] =
        (struct http_header){PEER_TENANT_HEADER, tenant == NULL ? "" : tenant};
    if (submission_find(&e->ingest->submissions, &e->id, a->tenant) != NULL) {
        request->headers[request->header_count++] =
            (struct http_header){PEER_EXPECT_HEADER, "1"};
    }
}

static void
away_begin(struct ingest *ingest,
           struct http_exchange *x,
           const struct uuid *id,
           const struct tenant *tenant)
{
    struct away *a = ingest->errands_closed ? NULL : calloc(1, sizeof(*a));
    if (a == NULL) {
        job_refuse(x, STATUS_UNAVAILABLE);
        return;
    }
    a->errand = (struct errand){.id = *id,
                                .ingest = ingest,
                                .ask = away_ask,
                                .end = away_ended,
                                .patience_ns = PATIENCE_NS};
    a->x = x;
    a->tenant = tenant;
    job_path_format(id, a->path);
    a->next = ingest->aways.first;
    if (a->next != NULL) {
        a->next->previous = a;
    }
    ingest->aways.first = a;
    a->asking = true;
    errand_begin(ingest, &a->errand, 0);
    http_watch_gone(x, on_exchange_gone, a);
}

bool
events_follow_away(struct ingest *ingest,
                   struct http_exchange *x,
                   const struct uuid *id,
                   const struct tenant *tenant)
{
    char address[RESULTS_ADDRESS_SIZE];
    if (ingest->peers == NULL ||
        results_owner(ingest->results, id, address) == STATUS_OK) {
        return false;
    }
    if (internal_is_peer(ingest, x)) {
        job_refuse(x, STATUS_MISDIRECTED);
    } else {
        away_begin(ingest, x, id, tenant);
    }
    return true;
}

void
events_away_end_all(struct ingest *ingest)
{
    struct away *a = ingest->aways.first;
    while (a != NULL) {
        struct away *next = a->next;
        give_up(a, STATUS_UNAVAILABLE);
        a = next;
    }
}
