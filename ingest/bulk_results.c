/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the order of the input a stream ends before the first line that has no answer yet;
 * once the batch is done, a line whose answer was dropped for lack of space is told as
 * `gone`, so that every line is accounted for.
 */
#include "ingest/bulk_results.h"

#include "base/clock.h"
#include "base/http_server_stream.h"
#include "ingest/bulk_batch.h"
#include "ingest/forward.h"
#include "ingest/internal.h"
#include "ingest/metrics.h"
#include "ingest/problem.h"
#include "ingest/service.h"
#include "ingest/tenant.h"
#include "schemas/oip_write.h"

#include <stdlib.h>

enum {
    LINES_PER_TURN = 64,
    LINE_BYTES_MAX = 256 * 1024 * 1024,
    PEER_BYTES_MAX = 4 * 1024 * 1024 /* another instance gathers what it passes on */
};

struct results_stream {
    struct results_stream *next;
    struct results_stream *previous;
    struct ingest *ingest;
    struct http_stream *stream;
    struct uuid id;
    struct span tenant;
    bool by_end;      /* in the order in which lines ended */
    uint64_t at;      /* next one to tell, from 1 */
    struct buf line;  /* written, not yet taken by the stream */
    bool waits;       /* for writable() */
    bool interrupted; /* the line that says so is on its way */
    size_t left;      /* bytes that may still be told */
};

static void
stream_free(struct results_stream *r)
{
    if (r->previous == NULL) {
        bulk_lists(r->ingest->bulk)->streams = r->next;
    } else {
        r->previous->next = r->next;
    }
    if (r->next != NULL) {
        r->next->previous = r->previous;
    }
    buf_fini(&r->line);
    free(r);
}

static void
on_writable(void *arg, struct http_stream *s)
{
    struct results_stream *r = arg;
    (void)s;
    r->waits = false;
    loop_wake(r->ingest->loop);
}

static void
on_gone(void *arg, struct http_stream *s)
{
    struct results_stream *r = arg;
    (void)s;
    metric_add(&ingest_metrics[METRIC_GONE], 1);
    stream_free(r);
}

/* @return STATUS_OK: r->line is written; STATUS_NOT_FOUND: no more for now */
static enum status
write_line(struct results_stream *r, const struct batch_view *view, uint32_t number)
{
    struct ingest *ingest = r->ingest;
    struct uuid id;
    struct reply reply;
    enum status status =
        batches_line_id(results_batches(ingest->results), &r->id, number, &id);
    if (status != STATUS_OK) {
        return status;
    }
    arena_reset(&ingest->arena);
    status = results_find(ingest->results, &id, r->tenant, &ingest->arena, &reply);
    bool over = r->by_end || (view->closed && view->ended >= view->lines);
    if (status == STATUS_OK && reply_is_terminal(&reply)) {
        oip_write_batch_line(&reply, number, batches_own_id(&reply), &r->line);
    } else if (status == STATUS_OK || (status == STATUS_NOT_FOUND && !over)) {
        return STATUS_NOT_FOUND;
    } else if (status == STATUS_NOT_FOUND) {
        oip_write_batch_gone(number, &r->line);
    } else {
        return status;
    }
    return r->line.status;
}

/* @return STATUS_OK: r->line is written; STATUS_NOT_FOUND: there is no more for now */
static enum status
next_line(struct results_stream *r)
{
    struct batches *batches = results_batches(r->ingest->results);
    struct batch_view view;
    enum status status = batches_find(batches, &r->id, r->tenant, &view);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_MISDIRECTED : status;
    }
    uint32_t number = 0;
    if (r->by_end) {
        status = batches_ended(batches, &r->id, r->at - 1, &number);
    } else {
        status = r->at <= view.lines ? STATUS_OK : STATUS_NOT_FOUND;
        number = (uint32_t)r->at;
    }
    return status == STATUS_OK ? write_line(r, &view, number) : status;
}

static void
stream_end(struct results_stream *r)
{
    http_stream_end(r->stream);
    stream_free(r);
}

/* @return false: it ended */
static bool
tell_line(struct results_stream *r)
{
    if (r->line.size == 0) {
        buf_reset(&r->line);
        enum status status = r->left > 0 ? next_line(r) : STATUS_FULL;
        if (status == STATUS_NOT_FOUND) {
            stream_end(r);
            return false;
        }
        if (status != STATUS_OK) {
            buf_reset(&r->line);
            oip_write_batch_break(status, &r->line);
            r->interrupted = true;
        }
    }
    if (http_stream_write(r->stream, buf_span(&r->line)) != STATUS_OK) {
        r->waits = true;
        return true;
    }
    if (r->interrupted) {
        stream_end(r);
        return false;
    }
    r->left -= r->line.size < r->left ? r->line.size : r->left;
    buf_reset(&r->line);
    r->at++;
    return true;
}

int64_t
results_stream_turn(struct bulk_lists *lists, int64_t now_ns)
{
    int64_t due_ns = TIME_NEVER;
    struct results_stream *next = NULL;
    for (struct results_stream *r = lists->streams; r != NULL; r = next) {
        next = r->next;
        bool open = true;
        for (int i = 0; open && !r->waits && i < LINES_PER_TURN; i++) {
            open = tell_line(r);
        }
        if (open && !r->waits) {
            due_ns = now_ns;
        }
    }
    return due_ns;
}

void
results_stream_end_all(struct bulk_lists *lists)
{
    struct results_stream *next = NULL;
    for (struct results_stream *r = lists->streams; r != NULL; r = next) {
        next = r->next;
        stream_end(r);
    }
}

/* ?order= and ?from=. @return false: not understood */
static bool
read_query(struct http_exchange *x, struct results_stream *r)
{
    enum { DIGITS_MAX = 10 };
    struct span order = http_query(x, "order");
    struct span from = http_query(x, "from");
    r->by_end = span_is_text(order, "completed");
    if (order.data != NULL && !r->by_end && !span_is_text(order, "input")) {
        return false;
    }
    if (from.data == NULL) {
        r->at = 1;
        return true;
    }
    for (size_t i = 0; i < from.size; i++) {
        if (i == DIGITS_MAX || from.data[i] < '0' || from.data[i] > '9') {
            return false;
        }
        r->at = r->at * 10 + (from.data[i] - '0');
    }
    return r->at > 0;
}

/* From here on the stream is its own, or gone with the client. */
static void
begin(struct ingest *ingest,
      struct http_exchange *x,
      const struct results_stream *wanted)
{
    static const struct http_stream_events events = {.writable = on_writable,
                                                     .gone = on_gone};
    static const struct http_header headers[] = {
        {"Content-Type", "application/x-ndjson"}, {"Cache-Control", "no-store"}};
    struct bulk_lists *lists = bulk_lists(ingest->bulk);
    struct results_stream *r = malloc(sizeof(*r));
    if (r == NULL) {
        problem_respond(x, &(struct problem){.status = STATUS_NO_MEMORY});
        return;
    }
    *r = *wanted;
    buf_init(&r->line, LINE_BYTES_MAX);
    r->stream = http_respond_stream(x, 200, headers,
                                    sizeof(headers) / sizeof(headers[0]), &events, r);
    if (r->stream == NULL) {
        free(r);
        return;
    }
    r->next = lists->streams;
    if (r->next != NULL) {
        r->next->previous = r;
    }
    lists->streams = r;
    loop_wake(ingest->loop);
}

void
batch_get_results(struct ingest *ingest,
                  struct http_exchange *x,
                  const struct route_match *match)
{
    struct results_stream wanted = {.ingest = ingest,
                                    .tenant = tenant_name(match->tenant)};
    wanted.left = internal_is_peer(ingest, x) ? PEER_BYTES_MAX : SIZE_MAX;
    if (uuid_parse(match->id, &wanted.id) != STATUS_OK) {
        batch_refuse(x, STATUS_NOT_FOUND);
        return;
    }
    if (!read_query(x, &wanted)) {
        problem_respond(x, &(struct problem){.status = STATUS_INVALID,
                                             .detail = "order is input or completed, "
                                                       "from a number from 1"});
        return;
    }
    if (forward_exchange(ingest, x, &wanted.id, match->tenant)) {
        return;
    }
    struct batch_view view;
    enum status status = batches_find(results_batches(ingest->results), &wanted.id,
                                      wanted.tenant, &view);
    if (status != STATUS_OK) {
        batch_refuse(x, status);
        return;
    }
    begin(ingest, x, &wanted);
}
