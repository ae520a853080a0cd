/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The batcher's one producer and a list of parcels that are to be sent again. The list
 * is tried as a whole, in order, at most every RETRY_NS.
 *
 * Brokers compare max.message.bytes with a whole produce batch, so a refusal says
 * nothing of a single record in it. What was refused as too large is sent again with
 * nothing beside it; only then the refusal is its own.
 */
#include "batcher/outbox.h"

#include "base/clock.h"
#include "base/log.h"
#include "batcher/reply_time.h"

#include <stdlib.h>

#define RETRY_NS            (100 * NS_PER_MS)
#define DELIVERY_TIMEOUT_NS (30 * NS_PER_S)

enum { OUTBOX_BYTES_MAX = 256 * 1024 * 1024 };

struct outbox {
    struct producer *producer;
    struct reply_time reply_time;
    struct parcel *first; /* to be sent again */
    struct parcel **end;
    int64_t retry_at_ns; /* TIME_NEVER while the list is empty */
    size_t open;
    size_t in_flight; /* with the producer */
    bool alone;       /* what is in flight goes alone */
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
outbox_keep(struct outbox *o, struct parcel *p)
{
    p->next = NULL;
    *o->end = p;
    o->end = &p->next;
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

static void
outbox_try(struct outbox *o, struct parcel *p)
{
    if (o->alone || (p->alone && o->in_flight > 0)) {
        outbox_keep(o, p);
        return;
    }
    p->record.arg = p;
    p->sent_ns = clock_mono_ns();
    enum status status = producer_send(o->producer, &p->record);
    if (status == STATUS_OK) {
        o->in_flight++;
        o->alone = p->alone;
        return;
    }
    if (is_final(status)) {
        parcel_end(o, p, status);
        return;
    }
    outbox_keep(o, p);
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
outbox_report(void *context, void *arg, const struct delivery *d)
{
    struct outbox *o = context;
    struct parcel *p = arg;
    if (d->status == STATUS_OK) {
        reply_time_observe(&o->reply_time, clock_mono_ns() - p->sent_ns);
    }
    outbox_go_on(o);
    if (d->status == STATUS_TOO_LARGE && !p->alone && !o->closing) {
        p->alone = true;
        outbox_keep(o, p);
        o->retry_at_ns = 0;
        return;
    }
    if (d->status == STATUS_OK && p->alone && !o->warned) {
        o->warned = true;
        log_warn("batch_larger_than_topic_takes",
                 log_text("help", "raise the topic's max.message.bytes or set "
                                  "kafka.producer.batch.size below it"));
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
              struct loop *loop,
              const struct bus_config *bus,
              struct fault *fault)
{
    struct outbox *o = calloc(1, sizeof *o);
    if (o == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the producer");
    }
    o->end = &o->first;
    o->retry_at_ns = TIME_NEVER;
    const struct producer_config config = {.name = "replies",
                                           .delivery_timeout_ns = DELIVERY_TIMEOUT_NS,
                                           .queue_bytes_max = OUTBOX_BYTES_MAX};
    enum status status =
        producer_create(&o->producer, loop, bus, &config, outbox_report, o, fault);
    if (status != STATUS_OK) {
        free(o);
        return status;
    }
    *out = o;
    return STATUS_OK;
}

/** Takes the whole list. */
static struct parcel *
outbox_take_list(struct outbox *o)
{
    struct parcel *list = o->first;
    o->first = NULL;
    o->end = &o->first;
    o->retry_at_ns = TIME_NEVER;
    return list;
}

void
outbox_destroy(struct outbox **outbox)
{
    struct outbox *o = *outbox;
    if (o == NULL) {
        return;
    }
    o->closing = true;
    for (struct parcel *p = outbox_take_list(o); p != NULL;) {
        struct parcel *next = p->next;
        parcel_end(o, p, STATUS_CLOSED);
        p = next;
    }
    producer_destroy(&o->producer);
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

int64_t
outbox_turn(struct outbox *o, int64_t now_ns)
{
    if (o->retry_at_ns > now_ns) {
        return o->retry_at_ns;
    }
    for (struct parcel *p = outbox_take_list(o); p != NULL;) {
        struct parcel *next = p->next;
        outbox_try(o, p);
        p = next;
    }
    return o->retry_at_ns;
}

bool
outbox_is_stalled(const struct outbox *o)
{
    return o->first != NULL;
}

size_t
outbox_open(const struct outbox *o)
{
    return o->open;
}

void
outbox_serve(struct outbox *o)
{
    producer_serve(o->producer);
}

void
outbox_flush(struct outbox *o)
{
    producer_flush(o->producer);
}

int64_t
outbox_reply_time(const struct outbox *o)
{
    return reply_time_allowance(&o->reply_time);
}

bool
outbox_connected(const struct outbox *o)
{
    return producer_connected(o->producer);
}

enum status
outbox_topic(struct outbox *o, const char *name, struct producer_topic **topic)
{
    return producer_topic(o->producer, name, topic);
}
