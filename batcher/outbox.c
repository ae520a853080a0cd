/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A producer and a list of parcels that are to be sent, or sent again. The list is
 * tried as a whole, in order, at most every RETRY_NS; what waits for a transaction,
 * whenever one is open. A record to a topic that may not exist would hold a transaction
 * up for seconds: until that is known it waits in a list of its own.
 *
 * Brokers compare max.message.bytes with a whole produce batch, so a refusal says
 * nothing of a single record in it. What was refused as too large is sent again with
 * nothing beside it; only then the refusal is its own.
 */
#include "batcher/outbox.h"

#include "base/clock.h"
#include "base/log.h"
#include "batcher/reply_time.h"
#include "batcher/transaction.h"

#include <stdlib.h>

#define RETRY_NS            (100 * NS_PER_MS)
#define DELIVERY_TIMEOUT_NS (30 * NS_PER_S)

enum {
    OUTBOX_BYTES_MAX = 256 * 1024 * 1024,
    AHEAD_PARCELS_MAX = 1000, /* may wait for the next transaction while */
    AHEAD_BYTES_MAX = 32 * 1024 * 1024,
};

struct outbox {
    struct producer *producer;
    struct reply_time reply_time;
    struct transaction *transaction; /* NULL: each parcel for itself */
    struct parcel *first;            /* to be sent */
    struct parcel **end;
    int64_t retry_at_ns;  /* TIME_NEVER while the list is empty */
    struct parcel *stray; /* their topics may not exist */
    int64_t stray_at_ns;  /* to be looked at again; TIME_NEVER while there are none */
    size_t waiting;       /* in both lists */
    size_t waiting_bytes;
    size_t open;
    size_t in_flight; /* with the producer; counted without transactions only */
    bool alone;       /* what is in flight goes alone; likewise */
    bool warned;      /* of batches that are larger than a topic takes */
    bool closing;
};

static void
parcel_end(struct outbox *o, struct parcel *p, enum status status)
{
    o->open--;
    p->done(p, status);
}

static void
outbox_count(struct outbox *o, const struct parcel *p)
{
    o->waiting++;
    o->waiting_bytes += p->record.value.size;
}

static void
outbox_keep(struct outbox *o, struct parcel *p)
{
    p->next = NULL;
    *o->end = p;
    o->end = &p->next;
    outbox_count(o, p);
    if (o->retry_at_ns == TIME_NEVER) {
        o->retry_at_ns = clock_mono_ns() + RETRY_NS;
    }
}

static bool
is_final(enum status status)
{
    return status == STATUS_TOO_LARGE || status == STATUS_NOT_FOUND ||
           status == STATUS_INVALID;
}

/* @return whether the producer has it; it was ended, or waits, if not */
static bool
outbox_hand_over(struct outbox *o, struct parcel *p)
{
    p->record.arg = p;
    p->sent_ns = clock_mono_ns();
    enum status status = producer_send(o->producer, &p->record);
    if (status == STATUS_OK) {
        return true;
    }
    if (is_final(status)) {
        parcel_end(o, p, status);
        return false;
    }
    if (o->transaction != NULL && status != STATUS_FULL) {
        transaction_doom(o->transaction);
    }
    outbox_keep(o, p);
    return false;
}

static void
outbox_try(struct outbox *o, struct parcel *p)
{
    if (o->alone || (p->alone && o->in_flight > 0)) {
        outbox_keep(o, p);
    } else if (outbox_hand_over(o, p)) {
        o->in_flight++;
        o->alone = p->alone;
    }
}

/** One that was alone is back, or the last before one that has to go alone. */
static void
outbox_go_on(struct outbox *o)
{
    bool others_wait = o->alone || (o->first != NULL && o->first->alone);
    o->in_flight--;
    o->alone = false;
    if (o->in_flight == 0 && o->first != NULL && others_wait) {
        o->retry_at_ns = 0;
    }
}

static void
outbox_keep_stray(struct outbox *o, struct parcel *p)
{
    p->next = o->stray;
    o->stray = p;
    outbox_count(o, p);
    if (o->stray_at_ns == TIME_NEVER) {
        o->stray_at_ns = clock_mono_ns() + RETRY_NS;
    }
}

static void
outbox_try_in_transaction(struct outbox *o, struct parcel *p)
{
    enum status topic = producer_topic_exists(o->producer, p->record.topic);
    if (!p->stage(p, 0)) {
        parcel_end(o, p, STATUS_CLOSED);
    } else if (topic == STATUS_NOT_FOUND) {
        parcel_end(o, p, topic);
    } else if (topic != STATUS_OK) {
        outbox_keep_stray(o, p);
    } else if (!transaction_takes(o->transaction, p)) {
        outbox_keep(o, p);
    } else if (outbox_hand_over(o, p)) {
        transaction_join(o->transaction, p);
    }
}

static void
warn_of_large_batches(struct outbox *o)
{
    if (!o->warned) {
        o->warned = true;
        log_warn("batch_larger_than_topic_takes",
                 log_text("help", "raise the topic's max.message.bytes or set "
                                  "kafka.producer.batch.size below it"));
    }
}

static void
outbox_committed(struct outbox *o, struct parcel *p, int64_t now_ns)
{
    reply_time_observe(&o->reply_time, now_ns - p->sent_ns, now_ns);
    if (p->alone) {
        warn_of_large_batches(o);
    }
    parcel_end(o, p, STATUS_OK);
}

/* Parcels come back from a transaction. What one of them is replaced by, when it is
 * refused, goes behind the others, so that it travels with them. */
static void
outbox_over(void *arg, struct parcel *list, enum status status)
{
    struct outbox *o = arg;
    struct parcel *refused = NULL;
    int64_t now_ns = clock_mono_ns();
    while (list != NULL) {
        struct parcel *p = list;
        list = p->next;
        bool again = p->fate == STATUS_TOO_LARGE && !p->alone;
        if (o->closing) {
            parcel_end(o, p, STATUS_CLOSED);
        } else if (status == STATUS_OK) {
            outbox_committed(o, p, now_ns);
        } else if (p->fate == STATUS_OK || again) {
            p->alone = p->alone || again;
            outbox_keep(o, p);
        } else {
            p->next = refused;
            refused = p;
        }
    }
    while (refused != NULL) {
        struct parcel *p = refused;
        refused = p->next;
        parcel_end(o, p, p->fate);
    }
    if (status == STATUS_OK && o->first != NULL) {
        o->retry_at_ns = 0;
    }
}

static void
outbox_report(void *context, void *arg, const struct delivery *d)
{
    struct outbox *o = context;
    struct parcel *p = arg;
    if (o->transaction != NULL) {
        transaction_report(o->transaction, p, d);
        return;
    }
    if (d->status == STATUS_OK) {
        int64_t now_ns = clock_mono_ns();
        reply_time_observe(&o->reply_time, now_ns - p->sent_ns, now_ns);
    }
    outbox_go_on(o);
    if (d->status == STATUS_TOO_LARGE && !p->alone && !o->closing) {
        p->alone = true;
        outbox_keep(o, p);
        o->retry_at_ns = 0;
        return;
    }
    if (d->status == STATUS_OK && p->alone) {
        warn_of_large_batches(o);
    }
    if (d->status == STATUS_OK || is_final(d->status)) {
        parcel_end(o, p, d->status);
        return;
    }
    if (o->closing || d->status == STATUS_CLOSED) {
        parcel_end(o, p, STATUS_CLOSED);
        return;
    }
    log_warn("delivery_retried", log_status(d->status), log_text("reason", d->reason));
    outbox_keep(o, p);
}

enum status
outbox_create(struct outbox **out,
              const char *name,
              struct loop *loop,
              const struct bus_config *bus,
              const struct transaction_config *transaction,
              struct fault *fault)
{
    struct outbox *o = calloc(1, sizeof *o);
    if (o == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the producer");
    }
    o->end = &o->first;
    o->retry_at_ns = TIME_NEVER;
    o->stray_at_ns = TIME_NEVER;
    struct producer_config config = {.name = name,
                                     .delivery_timeout_ns = DELIVERY_TIMEOUT_NS,
                                     .queue_bytes_max = OUTBOX_BYTES_MAX};
    if (transaction != NULL) {
        config.transactional_id = transaction->id;
        config.transaction_timeout_ns = transaction->timeout_ns;
    }
    enum status status =
        producer_create(&o->producer, loop, bus, &config, outbox_report, o, fault);
    if (status == STATUS_OK && transaction != NULL) {
        status = transaction_create(&o->transaction, loop, o->producer, transaction,
                                    outbox_over, o);
        if (status != STATUS_OK) {
            (void)fault_set(fault, status, "no thread for transactions");
        }
    }
    if (status != STATUS_OK) {
        outbox_destroy(&o);
        return status;
    }
    *out = o;
    return STATUS_OK;
}

static void
outbox_uncount(struct outbox *o, const struct parcel *list)
{
    for (const struct parcel *p = list; p != NULL; p = p->next) {
        o->waiting--;
        o->waiting_bytes -= p->record.value.size;
    }
}

/** Takes the whole list. */
static struct parcel *
outbox_take_list(struct outbox *o)
{
    struct parcel *list = o->first;
    o->first = NULL;
    o->end = &o->first;
    o->retry_at_ns = TIME_NEVER;
    outbox_uncount(o, list);
    return list;
}

static struct parcel *
outbox_take_strays(struct outbox *o)
{
    struct parcel *list = o->stray;
    o->stray = NULL;
    o->stray_at_ns = TIME_NEVER;
    outbox_uncount(o, list);
    return list;
}

static void
outbox_close(struct outbox *o, struct parcel *list)
{
    while (list != NULL) {
        struct parcel *p = list;
        list = p->next;
        parcel_end(o, p, STATUS_CLOSED);
    }
}

void
outbox_destroy(struct outbox **outbox)
{
    struct outbox *o = *outbox;
    if (o == NULL) {
        return;
    }
    o->closing = true;
    if (o->transaction != NULL) {
        transaction_stop(o->transaction);
    }
    outbox_close(o, outbox_take_list(o));
    outbox_close(o, outbox_take_strays(o));
    producer_destroy(&o->producer);
    transaction_destroy(&o->transaction);
    free(o);
    *outbox = NULL;
}

void
outbox_send(struct outbox *o, struct parcel *p)
{
    o->open++;
    p->alone = false;
    if (o->closing) {
        parcel_end(o, p, STATUS_CLOSED);
    } else if (o->first != NULL) {
        outbox_keep(o, p);
    } else if (o->transaction != NULL) {
        outbox_try_in_transaction(o, p);
    } else {
        outbox_try(o, p);
    }
}

void
outbox_send_later(struct outbox *o, struct parcel *p)
{
    o->open++;
    p->alone = false;
    if (o->closing) {
        parcel_end(o, p, STATUS_CLOSED);
    } else {
        outbox_keep(o, p);
    }
}

static void
outbox_retry(struct outbox *o, struct parcel *list)
{
    while (list != NULL) {
        struct parcel *p = list;
        list = p->next;
        if (o->transaction != NULL) {
            outbox_try_in_transaction(o, p);
        } else {
            outbox_try(o, p);
        }
    }
}

static int64_t
outbox_turn_in_transaction(struct outbox *o, int64_t now_ns)
{
    int64_t due_ns = transaction_turn(o->transaction, now_ns);
    if (o->stray_at_ns <= now_ns) {
        outbox_retry(o, outbox_take_strays(o));
    }
    if (!transaction_is_open(o->transaction)) {
        return o->stray_at_ns;
    }
    if (o->retry_at_ns <= now_ns) {
        outbox_retry(o, outbox_take_list(o));
        due_ns = transaction_turn(o->transaction, now_ns);
    }
    due_ns = o->retry_at_ns < due_ns ? o->retry_at_ns : due_ns;
    return o->stray_at_ns < due_ns ? o->stray_at_ns : due_ns;
}

int64_t
outbox_turn(struct outbox *o, int64_t now_ns)
{
    if (o->transaction != NULL) {
        return outbox_turn_in_transaction(o, now_ns);
    }
    if (o->retry_at_ns <= now_ns) {
        outbox_retry(o, outbox_take_list(o));
    }
    return o->retry_at_ns;
}

bool
outbox_is_stalled(const struct outbox *o)
{
    if (o->transaction == NULL) {
        return o->first != NULL;
    }
    return o->waiting >= AHEAD_PARCELS_MAX || o->waiting_bytes >= AHEAD_BYTES_MAX ||
           !transaction_is_ready(o->transaction);
}

size_t
outbox_open(const struct outbox *o)
{
    return o->open;
}

void
outbox_flush(struct outbox *o)
{
    producer_flush(o->producer);
    if (o->transaction != NULL) {
        transaction_hurry(o->transaction);
    }
}

int64_t
outbox_reply_time(const struct outbox *o)
{
    return reply_time_allowance(&o->reply_time);
}

bool
outbox_connected(const struct outbox *o)
{
    return producer_connected(o->producer) &&
           (o->transaction == NULL || transaction_is_ready(o->transaction));
}

enum status
outbox_topic(struct outbox *o, const char *name, struct producer_topic **topic)
{
    return producer_topic(o->producer, name, topic);
}
