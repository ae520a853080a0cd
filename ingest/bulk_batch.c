/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cancel is one order with the batch's id, however many lines it has: batchers
 * compare it with the batch_id of what waits and of what comes.
 */
#include "ingest/bulk_batch.h"

#include "base/clock.h"
#include "ingest/answer.h"
#include "ingest/bulk_upload.h"
#include "ingest/forward.h"
#include "ingest/metrics.h"
#include "ingest/problem.h"
#include "ingest/service.h"
#include "ingest/tenant.h"
#include "schemas/codec.h"
#include "schemas/oip_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH_PATH_PREFIX "/v1/batches/"

enum {
    BATCH_PATH_SIZE = sizeof(BATCH_PATH_PREFIX) + UUID_TEXT,
    DOCUMENT_BYTES_MAX = 4096,
    DETAIL_SIZE = 512
};

static void
path_format(const struct uuid *id, char path[static BATCH_PATH_SIZE])
{
    char text[UUID_TEXT];
    uuid_format(id, text);
    snprintf(path, BATCH_PATH_SIZE, BATCH_PATH_PREFIX "%.*s", UUID_TEXT, text);
}

void
batch_refuse(struct http_exchange *x, enum status status)
{
    static const char *const details[STATUS_COUNT] = {
        [STATUS_NOT_FOUND] = "no such batch",
        [STATUS_UNAVAILABLE] = "the answers of this batch are still being read",
        [STATUS_MISDIRECTED] = "another instance owns this batch; ask that one",
    };
    problem_respond(x, &(struct problem){.status = status, .detail = details[status]});
}

static void
write_view(const struct uuid *id, const struct batch_view *view, struct buf *b)
{
    char text[UUID_TEXT];
    uuid_format(id, text);
    bool done = view->closed && view->ended >= view->lines;
    uint64_t queued = view->lines > view->ended ? view->lines - view->ended : 0;
    buf_append_format(b,
                      "{\"id\":\"%.*s\",\"uploaded\":%s,\"done\":%s,\"total\":%" PRIu64
                      ",\"queued\":%" PRIu64,
                      UUID_TEXT, text, view->closed ? "true" : "false",
                      done ? "true" : "false", view->lines, queued);
    for (int s = REPLY_SUCCEEDED; s < REPLY_STATUS_COUNT; s++) {
        buf_append_format(b, ",\"%s\":%" PRIu64,
                          reply_status_name((enum reply_status)s), view->counts[s]);
    }
    buf_append_byte(b, ',');
    oip_write_key(b, "results");
    buf_append_format(b, "\"" BATCH_PATH_PREFIX "%.*s/results\"}", UUID_TEXT, text);
}

static void
cancel_accept(struct http_exchange *x,
              const struct uuid *id,
              const struct batch_view *view)
{
    struct buf body;
    buf_init(&body, DOCUMENT_BYTES_MAX);
    write_view(id, view, &body);
    char location[BATCH_PATH_SIZE];
    path_format(id, location);
    const struct http_header headers[] = {
        {"Content-Type", "application/json"},
        {"Cache-Control", "no-store"},
        {"Location", location},
        {"Leat-Id", location + sizeof(BATCH_PATH_PREFIX) - 1},
        {"Retry-After", "1"},
    };
    http_respond(x, 202, headers, sizeof(headers) / sizeof(headers[0]), &body);
    buf_fini(&body);
}

void
batch_answer_stored(struct http_exchange *x, const struct uuid *id, uint32_t lines)
{
    const struct batch_view view = {.lines = lines, .closed = true};
    cancel_accept(x, id, &view);
}

void
batch_answer_failed(struct http_exchange *x,
                    const struct uuid *id,
                    const struct fault *fault,
                    uint32_t stored)
{
    char text[UUID_TEXT];
    uuid_format(id, text);
    char detail[DETAIL_SIZE];
    snprintf(detail, sizeof(detail),
             "%s; batch %.*s holds %" PRIu32 " lines, and can go on with "
             "?id=%.*s&from=%" PRIu32,
             fault->text, UUID_TEXT, text, stored, UUID_TEXT, text, stored + 1);
    problem_respond(x, &(struct problem){.status = fault->status, .detail = detail});
}

/* @return false: x is answered, or passed on to the batch's owner */
static bool
find(struct ingest *ingest,
     struct http_exchange *x,
     const struct route_match *match,
     struct uuid *id,
     struct batch_view *view)
{
    enum status status =
        uuid_parse(match->id, id) == STATUS_OK ? STATUS_OK : STATUS_NOT_FOUND;
    if (status == STATUS_OK && forward_exchange(ingest, x, id, match->tenant)) {
        return false;
    }
    if (status == STATUS_OK) {
        status = batches_find(results_batches(ingest->results), id,
                              tenant_name(match->tenant), view);
    }
    if (status != STATUS_OK) {
        batch_refuse(x, status);
    }
    return status == STATUS_OK;
}

void
batch_get(struct ingest *ingest,
          struct http_exchange *x,
          const struct route_match *match)
{
    struct uuid id;
    struct batch_view view;
    if (!find(ingest, x, match, &id, &view)) {
        return;
    }
    struct buf body;
    buf_init(&body, DOCUMENT_BYTES_MAX);
    write_view(&id, &view, &body);
    answer_json(x, 200, &body);
    buf_fini(&body);
}

/** A cancel on its way to Kafka. */
struct order {
    struct http_exchange *x; /* NULL: the caller went */
    const struct tenant *tenant;
    struct uuid id;
    struct batch_view view;
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
order_reported(struct bulk_record *record, const struct delivery *d)
{
    struct order *o = record->owner;
    if (o->x != NULL && d->status == STATUS_OK) {
        cancel_accept(o->x, &o->id, &o->view);
    } else if (o->x != NULL) {
        enum status status =
            d->status == STATUS_CLOSED ? STATUS_CLOSED : STATUS_UNAVAILABLE;
        problem_respond(o->x, &(struct problem){.status = status,
                                                .detail = "Kafka did not store the "
                                                          "cancel in time"});
    }
    bulk_record_free(record);
    free(o);
}

static enum status
order_send(struct ingest *ingest, struct order *o)
{
    struct bulk_record *record = bulk_record_make(order_reported, o, 0);
    if (record == NULL) {
        return STATUS_NO_MEMORY;
    }
    const struct control control = {.type = CONTROL_CANCEL,
                                    .id = o->id,
                                    .tenant = tenant_name(o->tenant),
                                    .issued_us = clock_wall_us()};
    control_encode(&control, &record->bytes);
    enum status status = record->bytes.status;
    if (status == STATUS_OK) {
        status = bulk_send_order(ingest->bulk, record);
    }
    if (status != STATUS_OK) {
        bulk_record_free(record);
    }
    return status;
}

void
batch_delete(struct ingest *ingest,
             struct http_exchange *x,
             const struct route_match *match)
{
    struct uuid id;
    struct batch_view view;
    if (!find(ingest, x, match, &id, &view)) {
        return;
    }
    if (view.closed && view.ended >= view.lines) {
        problem_respond(x, &(struct problem){.status = STATUS_CONFLICT,
                                             .detail = "the batch is done already"});
        return;
    }
    upload_cancel(bulk_lists(ingest->bulk), &id);
    struct order *o = calloc(1, sizeof(*o));
    enum status status = STATUS_NO_MEMORY;
    if (o != NULL) {
        *o = (struct order){.x = x, .tenant = match->tenant, .id = id, .view = view};
        status = order_send(ingest, o);
    }
    if (status == STATUS_OK) {
        http_watch_gone(x, order_gone, o);
        return;
    }
    free(o);
    status = status == STATUS_NOT_FOUND ? STATUS_UNAVAILABLE : status;
    problem_respond(x, &(struct problem){.status = status,
                                         .detail = "the cancel cannot be sent to "
                                                   "Kafka"});
}
