/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An errand rests in the list or is lent to a call. Whoever is asked and is not the
 * owner says 421; one that is still reading its partition, or shuts down, says 503:
 * both are asked for and asked again.
 */
#include "ingest/errand.h"

#include "base/clock.h"
#include "base/log.h"
#include "ingest/metrics.h"
#include "ingest/service.h"

#include <stdlib.h>

#define REST_NS (100 * NS_PER_MS)

static void
rest(struct errand *e, int64_t due_ns)
{
    struct errand_list *resting = &e->ingest->errands;
    e->due_ns = due_ns;
    e->previous = NULL;
    e->next = resting->first;
    if (e->next != NULL) {
        e->next->previous = e;
    }
    resting->first = e;
    loop_wake(e->ingest->loop);
}

static void
rise(struct errand *e)
{
    if (e->previous == NULL) {
        e->ingest->errands.first = e->next;
    } else {
        e->previous->next = e->next;
    }
    if (e->next != NULL) {
        e->next->previous = e->previous;
    }
}

/* @return whether there is still patience */
static bool
try_later(struct errand *e)
{
    int64_t now_ns = clock_mono_ns();
    results_owner_failed(e->ingest->results);
    if (e->give_up_ns == 0) {
        e->give_up_ns = now_ns + e->patience_ns;
    }
    if (now_ns >= e->give_up_ns) {
        return false;
    }
    rest(e, now_ns + REST_NS);
    return true;
}

static void
answered(void *arg, const struct http_answer *answer)
{
    struct errand *e = arg;
    e->lent = false;
    if (e->dropped) {
        free(e);
        return;
    }
    bool refused = answer->status == STATUS_OK && answer->code == 403;
    bool elsewhere =
        answer->status == STATUS_OK && (answer->code == 421 || answer->code == 503);
    if (refused) {
        log_warn("peer_refused", log_text("reason", "internal.token.file differs"));
    }
    if (answer->status == STATUS_OK && !refused && !elsewhere) {
        metric_add(&ingest_metrics[METRIC_FORWARD_ANSWERED], 1);
        e->end(e, STATUS_OK, answer);
    } else if (answer->status == STATUS_CLOSED || e->ingest->errands_closed) {
        e->end(e, STATUS_CLOSED, NULL);
    } else if (!try_later(e)) {
        metric_add(&ingest_metrics[METRIC_FORWARD_FAILED], 1);
        e->end(e, STATUS_UNAVAILABLE, NULL);
    }
}

static void
go(struct errand *e)
{
    struct ingest *ingest = e->ingest;
    e->lent = false;
    char address[RESULTS_ADDRESS_SIZE];
    enum status status = results_owner(ingest->results, &e->id, address);
    if (status == STATUS_OK) {
        e->end(e, STATUS_CONFLICT, NULL);
        return;
    }
    if (status == STATUS_MISDIRECTED) {
        struct peer_request request = {.query = ""};
        arena_reset(&ingest->arena);
        e->ask(e, &request);
        status = peer_call_start(ingest->peers, address, &request, answered, e);
        if (status == STATUS_OK) {
            e->lent = true;
            return;
        }
    }
    if (!try_later(e)) {
        metric_add(&ingest_metrics[METRIC_FORWARD_FAILED], 1);
        e->end(e, status, NULL);
    }
}

void
errand_begin(struct ingest *ingest, struct errand *e, int64_t due_ns)
{
    e->ingest = ingest;
    e->give_up_ns = 0;
    rest(e, due_ns);
}

void
errand_drop(struct errand *e)
{
    e->dropped = true;
    if (!e->lent) {
        rise(e);
        free(e);
    }
}

/* All that are due are taken out first: what comes meanwhile has its turn later. */
int64_t
errands_turn(struct ingest *ingest, int64_t now_ns)
{
    int64_t next_ns = TIME_NEVER;
    struct errand *due = NULL;
    struct errand *e = ingest->errands.first;
    while (e != NULL) {
        struct errand *next = e->next;
        if (e->due_ns <= now_ns) {
            rise(e);
            e->lent = true;
            e->next = due;
            due = e;
        } else if (e->due_ns < next_ns) {
            next_ns = e->due_ns;
        }
        e = next;
    }
    while (due != NULL) {
        e = due;
        due = e->next;
        if (e->dropped) {
            free(e);
        } else {
            go(e);
        }
    }
    return next_ns;
}

void
errands_close(struct ingest *ingest)
{
    ingest->errands_closed = true;
    while (ingest->errands.first != NULL) {
        struct errand *e = ingest->errands.first;
        rise(e);
        e->end(e, STATUS_CLOSED, NULL);
    }
}
