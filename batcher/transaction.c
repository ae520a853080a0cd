/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transactor knows whether a transaction is open; here stand its parcels, since
 * when it has any, and whether it can still be committed.
 */
#include "batcher/transaction.h"

#include "base/clock.h"
#include "base/log.h"
#include "batcher/metrics.h"

#include <stdlib.h>

enum { PARCELS_MAX = 1000, BYTES_MAX = 8 * 1024 * 1024 };

struct transaction {
    struct transaction_config config;
    struct transactor *transactor;
    transaction_over_fn over;
    void *arg;
    struct parcel *first; /* sent in this transaction */
    struct parcel **end;
    size_t count;
    size_t bytes;
    size_t limit; /* parcels in one */
    uint32_t number;
    int64_t due_ns; /* to be closed then; TIME_NEVER while it is empty */
    bool doomed;    /* to be aborted */
    bool opened;
    bool failed;
};

static void
transaction_reset(struct transaction *t)
{
    t->first = NULL;
    t->end = &t->first;
    t->count = 0;
    t->bytes = 0;
    t->due_ns = TIME_NEVER;
    t->doomed = false;
}

static void
on_opened(void *arg)
{
    struct transaction *t = arg;
    t->opened = true;
    t->over(t->arg, NULL, STATUS_OK);
}

static void
on_ended(void *arg, enum status status, const char *reason)
{
    struct transaction *t = arg;
    struct parcel *list = t->first;
    if (status == STATUS_OK) {
        t->limit = t->limit * 2 < PARCELS_MAX ? t->limit * 2 : PARCELS_MAX;
        metric_add(&batcher_metrics[METRIC_COMMITTED], 1);
    } else {
        log_warn("transaction_aborted", log_int("parcels", (int64_t)t->count),
                 log_text("reason", reason));
        t->limit = t->count > 2 ? t->count / 2 : 1;
        metric_add(&batcher_metrics[METRIC_ABORTED], 1);
    }
    transaction_reset(t);
    t->over(t->arg, list, status);
}

static void
on_failed(void *arg, enum status status, const char *reason)
{
    struct transaction *t = arg;
    t->failed = true;
    t->config.failed(t->config.arg, status, reason);
}

enum status
transaction_create(struct transaction **out,
                   struct loop *loop,
                   struct producer *producer,
                   const struct transaction_config *config,
                   transaction_over_fn over,
                   void *arg)
{
    static const struct transactor_events events = {
        .opened = on_opened, .ended = on_ended, .failed = on_failed};
    const struct transactor_config transactor = {.timeout_ns = config->timeout_ns,
                                                 .id_is_ours = config->id_is_ours};
    struct transaction *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return STATUS_NO_MEMORY;
    }
    t->config = *config;
    t->over = over;
    t->arg = arg;
    t->limit = PARCELS_MAX;
    transaction_reset(t);
    enum status status =
        transactor_create(&t->transactor, loop, producer, &transactor, &events, t);
    if (status != STATUS_OK) {
        free(t);
        return status;
    }
    *out = t;
    return STATUS_OK;
}

void
transaction_stop(struct transaction *t)
{
    transactor_destroy(&t->transactor);
}

void
transaction_destroy(struct transaction **transaction)
{
    struct transaction *t = *transaction;
    if (t == NULL) {
        return;
    }
    struct parcel *list = t->first;
    transaction_reset(t);
    t->over(t->arg, list, STATUS_CLOSED);
    free(t);
    *transaction = NULL;
}

static bool
transaction_is_full(const struct transaction *t)
{
    return t->count >= t->limit || t->bytes >= BYTES_MAX ||
           (t->first != NULL && t->first->alone);
}

bool
transaction_is_open(const struct transaction *t)
{
    return !t->doomed && !transaction_is_full(t) && transactor_is_open(t->transactor);
}

bool
transaction_takes(const struct transaction *t, const struct parcel *p)
{
    return transaction_is_open(t) && (!p->alone || t->count == 0);
}

bool
transaction_is_ready(const struct transaction *t)
{
    return t->opened && !t->failed;
}

void
transaction_join(struct transaction *t, struct parcel *p)
{
    if (t->first == NULL) {
        t->due_ns = clock_mono_ns() + t->config.interval_ns;
    }
    p->fate = STATUS_OK;
    p->next = NULL;
    *t->end = p;
    t->end = &p->next;
    t->count++;
    t->bytes += p->record.value.size;
}

void
transaction_report(struct transaction *t, struct parcel *p, const struct delivery *d)
{
    if (d->status == STATUS_OK) {
        return;
    }
    if (!t->doomed && transactor_is_open(t->transactor)) {
        log_warn("delivery_failed", log_status(d->status),
                 log_text("reason", d->reason));
    }
    t->doomed = true;
    bool final = d->status == STATUS_TOO_LARGE || d->status == STATUS_NOT_FOUND ||
                 d->status == STATUS_INVALID;
    p->fate = final ? d->status : STATUS_OK;
}

void
transaction_doom(struct transaction *t)
{
    t->doomed = true;
}

/* @return whether all of them may be committed */
static bool
transaction_stage(struct transaction *t)
{
    bool whole = true;
    t->number++;
    for (struct parcel *p = t->first; p != NULL; p = p->next) {
        if (!p->stage(p, t->number)) {
            p->fate = STATUS_CLOSED;
            whole = false;
        }
    }
    return whole;
}

static void
transaction_close(struct transaction *t)
{
    t->due_ns = TIME_NEVER;
    if (!t->doomed && transaction_stage(t) &&
        t->config.collect(t->config.arg, t->number, t->transactor) == STATUS_OK) {
        transactor_commit(t->transactor);
    } else {
        transactor_abort(t->transactor);
    }
}

int64_t
transaction_turn(struct transaction *t, int64_t now_ns)
{
    if (!transactor_is_open(t->transactor)) {
        return TIME_NEVER;
    }
    bool due = transaction_is_full(t) || now_ns >= t->due_ns;
    if (t->doomed || (t->count > 0 && due)) {
        transaction_close(t);
    }
    return t->due_ns;
}

void
transaction_hurry(struct transaction *t)
{
    t->config.interval_ns = 0;
    t->due_ns = t->count > 0 ? 0 : TIME_NEVER;
}
