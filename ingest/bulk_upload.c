/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body and the reports only note what happened; upload_turn() moves an upload on, a
 * slice of lines a turn, so that those who wait for an answer are not held up.
 */
#include "ingest/bulk_upload.h"

#include "base/clock.h"
#include "bus/dev_broker.h"
#include "ingest/bulk_batch.h"
#include "ingest/bulk_upload_state.h"
#include "ingest/metrics.h"
#include "ingest/service.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    LINES_PER_TURN = 64,
    LENT_MAX = 4096, /* records that Kafka has not acknowledged */
    LENT_BYTES_MAX = 8 * 1024 * 1024,
    WAITING_BYTES_MAX = 64 * 1024, /* of the body, beside a line */
    DEV_SHARE = 4                  /* of what the in-process broker keeps */
};

/* How often it is noted in Kafka how far an upload came. */
#define PROGRESS_NS NS_PER_S

/* Pause before a record that could not be sent is tried again. */
#define RETRY_NS (20 * NS_PER_MS)

/* What is not told by an event is looked at this often. */
#define PACE_NS (20 * NS_PER_MS)

struct upload *
upload_make(struct ingest *ingest, struct http_exchange *x, uint32_t from)
{
    struct upload *u = calloc(1, sizeof(*u));
    if (u == NULL) {
        return NULL;
    }
    struct bulk_lists *lists = bulk_lists(ingest->bulk);
    u->ingest = ingest;
    u->x = x;
    u->line = from - 1;
    bulk_source_init(&u->source, (size_t)ingest->config.body_bytes_max, u->line);
    u->next = lists->uploads;
    if (u->next != NULL) {
        u->next->previous = u;
    }
    lists->uploads = u;
    lists->upload_count++;
    return u;
}

static struct bulk_lists *
lists_of(const struct upload *u)
{
    return bulk_lists(u->ingest->bulk);
}

uint32_t
upload_stored(const struct upload *u)
{
    return u->first != NULL ? u->first->line - 1 : u->line;
}

void
upload_free(struct upload *u)
{
    struct bulk_lists *lists = lists_of(u);
    if (u->previous == NULL) {
        lists->uploads = u->next;
    } else {
        u->previous->next = u->next;
    }
    if (u->next != NULL) {
        u->next->previous = u->previous;
    }
    lists->upload_count--;
    bulk_source_fini(&u->source);
    free(u);
}

void
upload_fail(struct upload *u, enum status status, const char *detail)
{
    if (u->state != UPLOAD_BROKEN && u->state != UPLOAD_OVER) {
        (void)fault_set(&u->fault, status, "%s", detail);
        u->state = UPLOAD_FAILED;
    }
}

/* The in-process broker forgets what is not read in time: no more than a part of what
 * it keeps may be unanswered. */
static bool
dev_has_room(const struct upload *u)
{
    struct batch_view view;
    if (!u->ingest->bus->dev || u->line == 0 ||
        batches_find(results_batches(u->ingest->results), &u->terms.batch,
                     u->terms.tenant, &view) != STATUS_OK) {
        return true;
    }
    uint64_t unanswered = u->line > view.ended ? u->line - view.ended : 0;
    size_t bytes = u->last != NULL ? u->last->charged : 1024;
    return unanswered * bytes < DEV_BROKER_SAFE_BYTES / DEV_SHARE;
}

static bool
has_room(const struct upload *u, int64_t now_ns)
{
    return u->state == UPLOAD_TAKING && u->lent < LENT_MAX &&
           u->lent_bytes < LENT_BYTES_MAX && now_ns >= u->retry_ns && dev_has_room(u);
}

static void
line_refused(struct upload *u, enum status status, int64_t now_ns)
{
    if (status == STATUS_FULL || status == STATUS_UNAVAILABLE) {
        u->retry_ns = now_ns + RETRY_NS;
        return;
    }
    char detail[160];
    snprintf(detail, sizeof(detail), "line %u cannot be sent: %s", u->line + 1,
             status == STATUS_NOT_FOUND ? "its model's topic does not exist"
                                        : status_name(status));
    upload_fail(u, status == STATUS_NOT_FOUND ? STATUS_UNAVAILABLE : status, detail);
}

/* @return whether lines are left that could be taken at once */
static bool
take_slice(struct upload *u, int64_t now_ns)
{
    for (int i = 0; i < LINES_PER_TURN; i++) {
        if (!has_room(u, now_ns)) {
            return false;
        }
        struct fault fault;
        struct bulk_item item = bulk_source_next(&u->source, &fault);
        if (item.kind == BULK_NONE) {
            return false;
        }
        if (item.kind == BULK_FAULT) {
            upload_fail(u, fault.status, fault.text);
            return false;
        }
        if (u->line >= (uint32_t)u->ingest->config.bulk_lines_max) {
            upload_fail(u, STATUS_TOO_LARGE, "more lines than bulk.lines.max");
            return false;
        }
        enum status status = upload_take_line(u, &item);
        if (status != STATUS_OK) {
            bulk_source_put_back(&u->source);
            line_refused(u, status, now_ns);
            return false;
        }
    }
    return has_room(u, now_ns);
}

/* The body. */

static void
answer_failed(struct upload *u)
{
    struct http_exchange *x = u->x;
    u->x = NULL;
    if (x != NULL) {
        batch_answer_failed(x, &u->terms.batch, &u->fault, upload_stored(u));
    }
}

/* Not while lines are lent: how many are stored is not known before. */
static void
give_up_early(struct upload *u)
{
    if (u->first == NULL) {
        answer_failed(u);
        u->state = UPLOAD_OVER;
        loop_wake(u->ingest->loop);
    }
}

static bool
on_piece(void *arg, struct http_exchange *x, struct span bytes)
{
    struct upload *u = arg;
    (void)x;
    if (u->state == UPLOAD_FAILED) {
        give_up_early(u);
        return true;
    }
    if (bulk_source_feed(&u->source, bytes) != STATUS_OK) {
        upload_fail(u, STATUS_NO_MEMORY, "no memory for the line");
        return true;
    }
    u->paused = bulk_source_waiting(&u->source) >= WAITING_BYTES_MAX ||
                u->lent >= LENT_MAX || u->state != UPLOAD_TAKING;
    loop_wake(u->ingest->loop);
    return !u->paused;
}

static void
on_gone(void *arg, struct http_exchange *x)
{
    struct upload *u = arg;
    u->x = NULL;
    metric_add(&ingest_metrics[METRIC_GONE], 1);
    http_respond(x, 499, NULL, 0, NULL); /* dropped by the server; nobody reads it */
}

static void
on_complete(void *arg, struct http_exchange *x)
{
    struct upload *u = arg;
    bulk_source_end(&u->source);
    u->complete = true;
    u->paused = false;
    http_watch_gone(x, on_gone, u);
    loop_wake(u->ingest->loop);
}

static void
on_broken(void *arg, struct http_exchange *x)
{
    struct upload *u = arg;
    (void)x;
    u->x = NULL;
    u->state = UPLOAD_BROKEN;
    metric_add(&ingest_metrics[METRIC_GONE], 1);
    loop_wake(u->ingest->loop);
}

const struct http_body_events upload_body_events = {
    .piece = on_piece, .complete = on_complete, .broken = on_broken};

/* Moving on. */

static void
answer_stored(struct upload *u)
{
    struct http_exchange *x = u->x;
    u->x = NULL;
    if (x != NULL) {
        metric_add(&ingest_metrics[METRIC_ACCEPTED], 1);
        batch_answer_stored(x, &u->terms.batch, u->line);
    }
}

/* Said while lines come, and at once when no more will. */
static void
tell_progress(struct upload *u, int64_t now_ns, int64_t every_ns)
{
    bool due = now_ns - u->told_ns >= every_ns && now_ns >= u->retry_ns;
    if (due && u->lent_own == 0 && upload_stored(u) > u->told &&
        upload_send_own(u, REPLY_QUEUED) != STATUS_OK) {
        u->retry_ns = now_ns + RETRY_NS;
    }
}

static void
close_batch(struct upload *u, int64_t now_ns)
{
    enum status status = upload_send_own(u, REPLY_SUCCEEDED);
    if (status == STATUS_OK) {
        u->state = UPLOAD_CLOSING;
    } else {
        line_refused(u, status, now_ns);
    }
}

static void
resume(struct upload *u)
{
    if (u->paused && u->x != NULL) {
        u->paused = false;
        http_body_resume(u->x);
    }
}

static int64_t
advance_taking(struct upload *u, int64_t now_ns)
{
    bool more = take_slice(u, now_ns);
    if (!more && has_room(u, now_ns)) {
        resume(u);
    }
    bool drained =
        u->complete && bulk_source_is_drained(&u->source) && u->first == NULL;
    if (u->state == UPLOAD_TAKING && drained && now_ns >= u->retry_ns) {
        close_batch(u, now_ns);
    } else if (u->state == UPLOAD_TAKING) {
        tell_progress(u, now_ns, PROGRESS_NS);
    }
    if (more || u->state == UPLOAD_FAILED) {
        return now_ns;
    }
    return now_ns < u->retry_ns ? u->retry_ns : now_ns + PACE_NS;
}

/* The next piece of the body is answered with the reason, or its end is. */
static int64_t
advance_failed(struct upload *u, int64_t now_ns)
{
    resume(u);
    if (u->first != NULL) {
        return TIME_NEVER;
    }
    tell_progress(u, now_ns, 0);
    if (u->complete && u->lent_own == 0) {
        answer_failed(u);
        u->state = UPLOAD_OVER;
        return now_ns;
    }
    return now_ns + PACE_NS;
}

static int64_t
advance_over(struct upload *u, int64_t now_ns)
{
    answer_stored(u);
    if (u->first == NULL && u->lent_own == 0) {
        tell_progress(u, now_ns, 0);
    }
    if (u->first == NULL && u->lent_own == 0) {
        upload_free(u);
    }
    return now_ns + PACE_NS;
}

static int64_t
advance(struct upload *u, int64_t now_ns)
{
    switch (u->state) {
    case UPLOAD_TAKING:
        return advance_taking(u, now_ns);
    case UPLOAD_FAILED:
        return advance_failed(u, now_ns);
    case UPLOAD_BROKEN:
    case UPLOAD_OVER:
        return advance_over(u, now_ns);
    default:
        return TIME_NEVER;
    }
}

int64_t
upload_turn(struct bulk_lists *lists, int64_t now_ns)
{
    int64_t due_ns = TIME_NEVER;
    struct upload *next = NULL;
    for (struct upload *u = lists->uploads; u != NULL; u = next) {
        next = u->next;
        int64_t own_ns = advance(u, now_ns);
        due_ns = own_ns < due_ns ? own_ns : due_ns;
    }
    return due_ns;
}

void
upload_cancel(struct bulk_lists *lists, const struct uuid *batch)
{
    for (struct upload *u = lists->uploads; u != NULL; u = u->next) {
        if (uuid_equal(&u->terms.batch, batch) && u->state == UPLOAD_TAKING) {
            upload_fail(u, STATUS_CANCELED, "the batch was cancelled");
            loop_wake(u->ingest->loop);
        }
    }
}

bool
upload_is_open(const struct bulk_lists *lists, const struct uuid *batch)
{
    const struct upload *u = lists->uploads;
    while (u != NULL && !uuid_equal(&u->terms.batch, batch)) {
        u = u->next;
    }
    return u != NULL;
}

void
upload_stop_all(struct bulk_lists *lists)
{
    for (struct upload *u = lists->uploads; u != NULL; u = u->next) {
        upload_fail(u, STATUS_CLOSED, "shutting down");
        loop_wake(u->ingest->loop);
    }
}

void
upload_close_all(struct bulk_lists *lists)
{
    for (struct upload *u = lists->uploads; u != NULL; u = u->next) {
        upload_fail(u, STATUS_CLOSED, "shutting down");
        if (u->complete && u->x != NULL) {
            answer_failed(u);
            u->state = UPLOAD_OVER;
        }
    }
}

void
upload_free_all(struct bulk_lists *lists)
{
    struct upload *next = NULL;
    for (struct upload *u = lists->uploads; u != NULL; u = next) {
        next = u->next;
        upload_free(u);
    }
}
