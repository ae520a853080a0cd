/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Without a group: the partitions are those of the inbox, whose group has decided. A
 * partition that comes back is read on from where it was left.
 *
 * A record is a buffer of its own that the producer borrows until its report; one that
 * was refused or failed waits in a line and is sent again. The order of two records of
 * an id is theirs to tell: the higher revision counts.
 */
#include "results/delivery_log.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "bus/consumer.h"
#include "bus/producer.h"
#include "results/metrics.h"
#include "schemas/codec.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ARENA_BYTES = 4096, QUEUE_BYTES_MAX = 32 * 1024 * 1024 };

#define DELIVERY_TIMEOUT_NS (30 * NS_PER_S)
#define AGAIN_NS            (200 * NS_PER_MS)
#define FLUSH_NS            (3 * NS_PER_S)

struct entry {
    struct entry *next; /* in the line of those to be sent */
    struct delivery_log *log;
    struct uuid id;
    size_t size;
    uint8_t bytes[];
};

struct log_reading {
    bool followed;
    bool caught_up;
    int64_t next; /* where to go on; OFFSET_BEGINNING at first */
};

struct delivery_log {
    struct delivery_log_config config;
    struct consumer *consumer;
    struct producer *producer;
    struct producer_topic *topic;
    struct arena arena;
    struct log_reading *readings; /* by partition */
    int32_t reading_count;
    struct entry *first; /* to be sent */
    struct entry *last;
    size_t bytes; /* of all entries, lent ones too */
    int64_t send_ns;
    char name[TOPIC_NAME_MAX + 1];
};

static struct log_reading *
reading_of(struct delivery_log *l, int32_t partition)
{
    return partition >= 0 && partition < l->reading_count ? &l->readings[partition]
                                                          : NULL;
}

static void
on_record(void *arg, struct record *r)
{
    struct delivery_log *l = arg;
    struct log_reading *reading = reading_of(l, r->partition);
    struct webhook_record w;
    struct fault fault = {.text = ""};
    if (reading != NULL) {
        reading->next = r->offset + 1;
    }
    arena_reset(&l->arena);
    if (r->value.size > 0) {
        if (webhook_record_decode(r->value, &l->arena, &w, &fault) == STATUS_OK) {
            l->config.events.record(l->config.arg, &w, r->value);
        } else {
            log_warn("webhook_record_undecodable", log_int("partition", r->partition),
                     log_int("offset", r->offset), log_text("reason", fault.text));
        }
    }
    record_release(&r);
}

static void
on_reached_end(void *arg, const char *topic, int32_t partition)
{
    struct delivery_log *l = arg;
    struct log_reading *reading = reading_of(l, partition);
    (void)topic;
    if (reading != NULL && reading->followed && !reading->caught_up) {
        reading->caught_up = true;
        l->config.events.caught_up(l->config.arg);
    }
}

static void
line_append(struct delivery_log *l, struct entry *e)
{
    e->next = NULL;
    if (l->last != NULL) {
        l->last->next = e;
    } else {
        l->first = e;
    }
    l->last = e;
}

static void
entry_free(struct entry *e)
{
    e->log->bytes -= e->size;
    free(e);
}

static void
on_report(void *context, void *arg, const struct delivery *d)
{
    struct entry *e = arg;
    (void)context;
    if (d->status == STATUS_OK || d->status == STATUS_CLOSED) {
        entry_free(e);
        return;
    }
    if (d->status == STATUS_TOO_LARGE || d->status == STATUS_INVALID) {
        metric_add(results_metric(ROW_WEBHOOKS_UNRECORDED), 1);
        log_error("webhook_not_recorded", log_text("reason", d->reason));
        entry_free(e);
        return;
    }
    line_append(e->log, e);
    e->log->send_ns = clock_mono_ns() + AGAIN_NS;
}

static bool
entry_send(struct delivery_log *l, struct entry *e)
{
    char key[UUID_TEXT];
    uuid_format(&e->id, key);
    const struct outgoing out = {
        .topic = l->topic,
        .partition = owner_partition(l->config.owner, &e->id),
        .key = span_of(key, sizeof key),
        .value = span_of(e->bytes, e->size),
        .arg = e,
    };
    return producer_send(l->producer, &out) == STATUS_OK;
}

static void
send_line(struct delivery_log *l)
{
    while (l->first != NULL) {
        struct entry *e = l->first;
        struct entry *next = e->next; /* the report may come before this returns */
        l->first = next;
        l->last = next == NULL ? NULL : l->last;
        if (!entry_send(l, e)) {
            e->next = l->first;
            l->first = e;
            l->last = l->last == NULL ? e : l->last;
            l->send_ns = clock_mono_ns() + AGAIN_NS;
            return;
        }
    }
    l->send_ns = TIME_NEVER;
}

void
delivery_log_write(struct delivery_log *l, const struct uuid *id, struct span bytes)
{
    struct entry *e = l->bytes + bytes.size <= DELIVERY_LOG_BYTES_MAX
                          ? malloc(sizeof *e + bytes.size)
                          : NULL;
    if (e == NULL) {
        metric_add(results_metric(ROW_WEBHOOKS_UNRECORDED), 1);
        return;
    }
    *e = (struct entry){.log = l, .id = *id, .size = bytes.size};
    memcpy(e->bytes, bytes.data, bytes.size);
    l->bytes += bytes.size;
    line_append(l, e);
    if (l->first == e) {
        send_line(l);
    }
}

void
delivery_log_flush(struct delivery_log *l)
{
    const struct timespec pause = {.tv_nsec = NS_PER_MS};
    int64_t end_ns = clock_mono_ns() + FLUSH_NS;
    while (l->bytes > 0 && clock_mono_ns() < end_ns) {
        nanosleep(&pause, NULL);
        producer_serve(l->producer);
        if (l->first != NULL) {
            send_line(l);
        }
    }
}

int64_t
delivery_log_turn(struct delivery_log *l, int64_t now_ns)
{
    if (l->first != NULL && now_ns >= l->send_ns) {
        send_line(l);
    }
    return l->send_ns;
}

bool
delivery_log_is_ours(const struct delivery_log *l, const struct uuid *id)
{
    int32_t partition = owner_partition(l->config.owner, id);
    return partition >= 0 && partition < l->reading_count &&
           l->readings[partition].followed && l->readings[partition].caught_up;
}

size_t
delivery_log_learned(const struct delivery_log *l)
{
    size_t count = 0;
    for (int32_t p = 0; p < l->reading_count; p++) {
        count += l->readings[p].followed && l->readings[p].caught_up ? 1 : 0;
    }
    return count;
}

static bool
readings_resize(struct delivery_log *l, int32_t count)
{
    if (count <= l->reading_count) {
        return true;
    }
    struct log_reading *more = realloc(l->readings, (size_t)count * sizeof *more);
    if (more == NULL) {
        return false;
    }
    for (int32_t p = l->reading_count; p < count; p++) {
        more[p] = (struct log_reading){.next = OFFSET_BEGINNING};
    }
    l->readings = more;
    l->reading_count = count;
    return true;
}

static void
assign(struct delivery_log *l)
{
    struct partition *parts = calloc((size_t)l->reading_count + 1, sizeof *parts);
    enum status status = parts == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    size_t count = 0;
    for (int32_t p = 0; parts != NULL && p < l->reading_count; p++) {
        if (l->readings[p].followed) {
            parts[count++] = (struct partition){
                .topic = l->name, .partition = p, .offset = l->readings[p].next};
        }
    }
    status = status == STATUS_OK ? consumer_assign(l->consumer, parts, count) : status;
    if (status != STATUS_OK) {
        log_error("webhook_records_unread", log_status(status));
    }
    free(parts);
}

void
delivery_log_follow(struct delivery_log *l)
{
    bool changed = false;
    if (!readings_resize(l, l->config.owner->partition_count)) {
        log_error("webhook_records_unread", log_text("reason", "no memory"));
        return;
    }
    for (int32_t p = 0; p < l->reading_count; p++) {
        struct log_reading *reading = &l->readings[p];
        bool owned = owner_has(l->config.owner, p);
        changed = changed || owned != reading->followed;
        reading->caught_up = reading->caught_up && owned && reading->followed;
        reading->followed = owned;
    }
    if (changed) {
        assign(l);
    }
}

void
delivery_log_read_again(struct delivery_log *l)
{
    for (int32_t p = 0; p < l->reading_count; p++) {
        l->readings[p].next = OFFSET_BEGINNING;
        l->readings[p].caught_up = false;
    }
    assign(l);
}

/* The topic was made anew, or its old end was cut off: `next` no longer means much. */
static void
on_restarted(void *arg, const char *topic, int32_t partition)
{
    struct delivery_log *l = arg;
    struct log_reading *reading = reading_of(l, partition);
    (void)topic;
    if (reading != NULL) {
        reading->next = OFFSET_BEGINNING;
    }
}

static enum status
open_both(struct delivery_log *l, struct loop *loop, struct fault *fault)
{
    static const struct consumer_events events = {
        .record = on_record, .restarted = on_restarted, .reached_end = on_reached_end};
    const struct consumer_config reader = {.name = "webhooks"};
    const struct producer_config writer = {.name = "webhooks",
                                           .delivery_timeout_ns = DELIVERY_TIMEOUT_NS,
                                           .queue_bytes_max = QUEUE_BYTES_MAX,
                                           .single_lane = true};
    const struct bus_config *bus = l->config.bus;
    enum status status = bus_topic_name(bus, TOPIC_WEBHOOKS, span_of(NULL, 0), l->name);
    if (status != STATUS_OK) {
        return fault_set(fault, status, "topics.prefix gives no name that Kafka takes");
    }
    status = consumer_create(&l->consumer, loop, bus, &reader, &events, l, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = producer_create(&l->producer, loop, bus, &writer, on_report, l, fault);
    if (status != STATUS_OK) {
        return status;
    }
    return producer_topic(l->producer, l->name, &l->topic);
}

enum status
delivery_log_open(struct delivery_log **out,
                  struct loop *loop,
                  const struct delivery_log_config *config,
                  struct fault *fault)
{
    struct delivery_log *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for webhook records");
    }
    l->config = *config;
    l->send_ns = TIME_NEVER;
    arena_init(&l->arena, ARENA_BYTES);
    enum status status = open_both(l, loop, fault);
    if (status != STATUS_OK) {
        delivery_log_close(&l);
        return status;
    }
    *out = l;
    return STATUS_OK;
}

void
delivery_log_close(struct delivery_log **log)
{
    struct delivery_log *l = *log;
    *log = NULL;
    if (l == NULL) {
        return;
    }
    if (l->consumer != NULL) {
        consumer_destroy(&l->consumer);
    }
    if (l->producer != NULL) {
        producer_destroy(&l->producer);
    }
    while (l->first != NULL) {
        struct entry *e = l->first;
        l->first = e->next;
        entry_free(e);
    }
    arena_fini(&l->arena);
    free(l->readings);
    free(l);
}
