/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The offsets that count are those in the store, written together with the results.
 * What is committed to Kafka is for people who look at the lag.
 *
 * In a rebalance all partitions go and come (eager protocol). So the loss of one is
 * final only with the next assignment, or when none has come for SETTLE_NS: until then
 * the waits of its ids stay.
 */
#include "results/inbox.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "bus/consumer.h"
#include "results/metrics.h"
#include "schemas/codec.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 1 << 20, PARTITIONS_AT_ONCE = 256 };

#define ASK_TIMEOUT_NS  (5 * NS_PER_S)
#define COMMIT_EVERY_NS NS_PER_S
#define SETTLE_NS       (10 * NS_PER_S)

struct reading {
    bool owned;
    bool caught_up;
    int64_t next;      /* offset of the next record; -1 until the first one */
    int64_t target;    /* caught up when next reaches it */
    int64_t committed; /* last told to Kafka */
};

struct inbox {
    struct inbox_config config;
    struct consumer *consumer;
    struct arena arena; /* of one record */
    struct reading *readings;
    size_t reading_count;
    int64_t commit_ns;
    int64_t settle_ns; /* TIME_NEVER: settled */
};

static struct reading *
reading_of(struct inbox *in, int32_t partition)
{
    size_t at = (size_t)partition;
    if (partition < 0 || at >= OWNER_PARTITIONS_MAX) {
        return NULL;
    }
    if (at < in->reading_count) {
        return &in->readings[at];
    }
    size_t count = at + 16;
    struct reading *more = realloc(in->readings, count * sizeof *more);
    if (more == NULL) {
        return NULL;
    }
    memset(more + in->reading_count, 0, (count - in->reading_count) * sizeof *more);
    in->readings = more;
    in->reading_count = count;
    return &more[at];
}

static int64_t
arrival_of(const struct record *r, int64_t wall_us)
{
    return r->timestamp_us > 0 && r->timestamp_us < wall_us ? r->timestamp_us : wall_us;
}

static void
take_reply(struct inbox *in, const struct record *r)
{
    struct reply reply;
    struct fault fault = {0};
    arena_reset(&in->arena);
    if (reply_decode(r->value, &in->arena, &reply, &fault) != STATUS_OK) {
        metric_add(results_metric(ROW_UNDECODABLE), 1);
        log_warn("reply_undecodable", log_text("topic", r->topic),
                 log_int("partition", r->partition), log_int("offset", r->offset),
                 log_text("reason", fault.text));
        return;
    }
    metric_add(results_metric(ROW_REPLIES + (enum results_row)reply.status), 1);
    in->config.events.reply(in->config.arg, &reply, r->value,
                            arrival_of(r, clock_wall_us()));
}

static void
on_record(void *arg, struct record *r)
{
    struct inbox *in = arg;
    struct reading *reading = reading_of(in, r->partition);
    if (reading != NULL && reading->owned) {
        if (r->value.size > 0) {
            take_reply(in, r);
        }
        reading->next = r->offset + 1;
        reading->caught_up = reading->caught_up || reading->next >= reading->target;
        store_offset_set(in->config.store, r->partition, reading->next);
    }
    record_release(&r);
}

static void
on_reached_end(void *arg, const char *topic, int32_t partition)
{
    struct inbox *in = arg;
    struct reading *reading = reading_of(in, partition);
    (void)topic;
    if (reading != NULL && reading->owned) {
        reading->caught_up = true;
    }
}

/* Where the record of results.ttl ago is; the beginning where that cannot be said. */
static int64_t
start_by_time(struct inbox *in, int32_t partition, int64_t low, int64_t high)
{
    int64_t offset = OFFSET_BEGINNING;
    enum status status = consumer_offset_at(in->consumer, in->config.topic, partition,
                                            clock_wall_us() - in->config.ttl_us,
                                            ASK_TIMEOUT_NS, &offset);
    if (status != STATUS_OK || offset == OFFSET_BEGINNING) {
        return low >= 0 ? low : OFFSET_BEGINNING;
    }
    return offset == OFFSET_END && high >= 0 ? high : offset;
}

static void
begin_reading(struct inbox *in, struct partition *part)
{
    struct reading *reading = reading_of(in, part->partition);
    if (reading == NULL) {
        return;
    }
    int64_t low = -1;
    int64_t high = -1;
    int64_t stored = -1;
    if (consumer_bounds(in->consumer, in->config.topic, part->partition, ASK_TIMEOUT_NS,
                        &low, &high) != STATUS_OK) {
        low = -1;
        high = -1;
    }
    bool known =
        store_offset_get(in->config.store, part->partition, &stored) == STATUS_OK;
    bool there = high < 0 || (stored >= low && stored <= high);
    part->offset =
        known && there ? stored : start_by_time(in, part->partition, low, high);
    *reading = (struct reading){
        .owned = true,
        .next = part->offset >= 0 ? part->offset : -1,
        .target = high >= 0 ? high : INT64_MAX, /* then reached_end tells */
        .committed = -1,
    };
    reading->caught_up = reading->next >= reading->target || high == 0;
    log_info("partition_assigned", log_text("topic", in->config.topic),
             log_int("partition", part->partition), log_int("from", part->offset),
             log_int("end", high),
             log_text("source", known && there ? "store" : "results.ttl"));
}

static void
settle(struct inbox *in)
{
    for (size_t p = 0; p < in->reading_count; p++) {
        owner_set(in->config.owner, (int32_t)p, in->readings[p].owned);
    }
    in->settle_ns = TIME_NEVER;
    in->config.events.settled(in->config.arg);
}

/* Without the size of the topic nobody can tell which id is whose. */
static bool
learn_size(struct inbox *in)
{
    int32_t count = 0;
    enum status status =
        consumer_partitions(in->consumer, in->config.topic, ASK_TIMEOUT_NS, &count);
    if (status == STATUS_OK) {
        status = owner_resize(in->config.owner, count);
    }
    if (status != STATUS_OK) {
        log_warn("replies_size_unknown", log_text("topic", in->config.topic),
                 log_status(status));
    }
    return status == STATUS_OK;
}

static void
on_assigned(void *arg, struct partition *parts, size_t count)
{
    struct inbox *in = arg;
    for (size_t i = 0; i < count; i++) {
        begin_reading(in, &parts[i]);
    }
    if (learn_size(in)) {
        settle(in);
    }
}

static void
commit_read(struct inbox *in, bool wait)
{
    struct partition parts[PARTITIONS_AT_ONCE];
    size_t count = 0;
    for (size_t p = 0; p < in->reading_count && count < PARTITIONS_AT_ONCE; p++) {
        struct reading *reading = &in->readings[p];
        if (reading->owned && reading->next >= 0 &&
            reading->next > reading->committed) {
            reading->committed = reading->next;
            parts[count++] = (struct partition){.topic = in->config.topic,
                                                .partition = (int32_t)p,
                                                .offset = reading->next};
        }
    }
    if (count > 0) {
        enum status status = consumer_commit(in->consumer, parts, count, wait);
        (void)status; /* the bus logs it, and the next one repairs it */
    }
}

static bool
on_revoked(void *arg, const struct partition *parts, size_t count, bool lost)
{
    struct inbox *in = arg;
    enum status status = store_commit(in->config.store, clock_wall_us());
    if (status == STATUS_OK && !lost) {
        commit_read(in, true);
    }
    for (size_t i = 0; i < count; i++) {
        struct reading *reading = reading_of(in, parts[i].partition);
        if (reading != NULL) {
            reading->owned = false;
        }
        owner_set(in->config.owner, parts[i].partition, false);
    }
    in->settle_ns = clock_mono_ns() + SETTLE_NS;
    return true;
}

/* The log was cut off or made anew: what is stored says nothing about it any more. */
static void
on_restarted(void *arg, const char *topic, int32_t partition)
{
    struct inbox *in = arg;
    struct reading *reading = reading_of(in, partition);
    (void)topic;
    if (reading != NULL && reading->owned) {
        *reading = (struct reading){
            .owned = true, .next = -1, .target = INT64_MAX, .committed = -1};
    }
}

/* Troubles are logged by the bus. */
static const struct consumer_events consumer_events = {
    .record = on_record,
    .assigned = on_assigned,
    .revoked = on_revoked,
    .restarted = on_restarted,
    .reached_end = on_reached_end,
};

enum status
inbox_create(struct inbox **out,
             struct loop *loop,
             const struct inbox_config *config,
             struct fault *fault)
{
    struct inbox *in = calloc(1, sizeof *in);
    if (in == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the inbox");
    }
    in->config = *config;
    in->settle_ns = TIME_NEVER;
    arena_init(&in->arena, ARENA_BYTES);
    const struct consumer_config consumer = {
        .name = "replies",
        .group = config->group,
        .client_id = config->client_id,
        .topics = {config->topic},
        .all_partitions = config->bus->dev,
    };
    enum status status = consumer_create(&in->consumer, loop, config->bus, &consumer,
                                         &consumer_events, in, fault);
    if (status != STATUS_OK) {
        arena_fini(&in->arena);
        free(in);
        return status;
    }
    *out = in;
    return STATUS_OK;
}

void
inbox_destroy(struct inbox **inbox)
{
    struct inbox *in = *inbox;
    *inbox = NULL;
    if (in == NULL) {
        return;
    }
    consumer_destroy(&in->consumer);
    arena_fini(&in->arena);
    free(in->readings);
    free(in);
}

bool
inbox_caught_up(const struct inbox *in, int32_t partition)
{
    return partition >= 0 && (size_t)partition < in->reading_count &&
           in->readings[partition].caught_up;
}

void
inbox_progress(const struct inbox *in, size_t *owned, size_t *behind)
{
    *owned = 0;
    *behind = 0;
    for (size_t p = 0; p < in->reading_count; p++) {
        *owned += in->readings[p].owned;
        *behind += in->readings[p].owned && !in->readings[p].caught_up;
    }
}

int64_t
inbox_turn(struct inbox *in, int64_t now_ns)
{
    if (now_ns >= in->settle_ns) {
        settle(in);
    }
    if (now_ns >= in->commit_ns) {
        size_t owned = 0;
        size_t behind = 0;
        inbox_progress(in, &owned, &behind);
        if (owned > 0 && in->config.owner->partition_count == 0 && learn_size(in)) {
            settle(in);
        }
        commit_read(in, false);
        in->commit_ns = now_ns + COMMIT_EVERY_NS;
    }
    return in->settle_ns < in->commit_ns ? in->settle_ns : in->commit_ns;
}
