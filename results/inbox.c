/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The offsets that count are those in the store, written together with the results.
 * What is committed to Kafka is for people who look at the lag.
 *
 * A partition that the store knows is read on at once; where one without begins, and
 * where each ends, is asked by a survey that the loop does not wait for.
 *
 * In a rebalance all partitions go and come (eager protocol). So the loss of one is
 * final only with the next assignment, or when none has come for SETTLE_NS: until then
 * the waits of its ids stay, and ids are minted for it.
 */
#include "results/inbox.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "bus/consumer.h"
#include "results/metrics.h"
#include "results/replay.h"
#include "schemas/codec.h"

#include <stdlib.h>

enum { ARENA_BYTES = 1 << 20, PARTITIONS_AT_ONCE = 256 };

#define COMMIT_EVERY_NS NS_PER_S
#define SETTLE_NS       (30 * NS_PER_S) /* more than a session and a rejoin */
#define HANDOVER_US     (2 * NS_PER_S / NS_PER_US) /* from minting an id to its record */
#define ASK_AGAIN_NS    (250 * NS_PER_MS)
#define TELL_EVERY_NS   (5 * NS_PER_S)

struct inbox {
    struct inbox_config config;
    struct consumer *consumer;
    struct arena arena; /* of one record */
    struct replay replay;
    struct survey survey;
    struct bound *bounds;     /* of the survey */
    struct partition *starts; /* as many: what the survey lets begin */
    size_t bound_count;       /* room in both */
    unsigned epoch;           /* of the assignment */
    int64_t assigned_us;      /* wall time of it */
    unsigned survey_epoch;
    bool surveying;
    int64_t survey_ns; /* when to ask; TIME_NEVER: nothing is open */
    int64_t commit_ns;
    int64_t settle_ns; /* TIME_NEVER: settled */
    int64_t tell_ns;   /* TIME_NEVER: none was behind */
};

/* Never before that of an earlier record of the partition, so that a later reply to an
 * id cannot look older than the first (store.h). */
static int64_t
arrival_of(const struct record *r, const struct replay_part *part)
{
    int64_t wall_us = clock_wall_us();
    bool plausible = r->timestamp_us > 0 && r->timestamp_us < wall_us;
    int64_t arrived_us = plausible ? r->timestamp_us : wall_us;
    return arrived_us > part->newest_us ? arrived_us : part->newest_us;
}

static void
take_reply(struct inbox *in, const struct record *r, struct replay_part *part)
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
    part->newest_us = arrival_of(r, part);
    in->config.events.reply(in->config.arg, &reply, r->value, part->newest_us);
}

/* What has been read up to its end may be minted for. */
static void
open_if_read(struct inbox *in, int32_t partition)
{
    if (replay_caught_up(&in->replay, partition)) {
        owner_open(in->config.owner, partition);
    }
}

static void
on_record(void *arg, struct record *r)
{
    struct inbox *in = arg;
    struct replay_part *part = replay_find(&in->replay, r->partition);
    if (part != NULL) {
        if (r->value.size > 0) {
            take_reply(in, r, part);
        }
        replay_read(part, &in->replay, r->offset);
        const struct store_position at = {part->next, part->newest_us};
        store_offset_set(in->config.store, r->partition, at);
        open_if_read(in, r->partition);
    }
    record_release(&r);
}

static void
on_reached_end(void *arg, const char *topic, int32_t partition)
{
    struct inbox *in = arg;
    (void)topic;
    replay_reach_end(&in->replay, partition);
    open_if_read(in, partition);
}

static void
settle(struct inbox *in)
{
    for (size_t p = 0; p < in->replay.count; p++) {
        owner_set(in->config.owner, (int32_t)p, in->replay.parts[p].owned);
        open_if_read(in, (int32_t)p);
    }
    owner_settle(in->config.owner);
    in->settle_ns = TIME_NEVER;
    in->config.events.settled(in->config.arg);
}

/* Without the size of the topic nobody can tell which id is whose. */
static void
learn_size(struct inbox *in, int32_t count)
{
    if (count == 0 || count == in->config.owner->partition_count) {
        return;
    }
    enum status status = owner_resize(in->config.owner, count);
    if (status == STATUS_OK) {
        settle(in);
    } else {
        log_warn("replies_size_unusable", log_int("partitions", count),
                 log_status(status));
    }
}

static enum status
make_room(struct inbox *in, size_t count)
{
    if (count <= in->bound_count) {
        return STATUS_OK;
    }
    free(in->bounds);
    free(in->starts);
    in->bounds = calloc(count, sizeof *in->bounds);
    in->starts = calloc(count, sizeof *in->starts);
    bool made = in->bounds != NULL && in->starts != NULL;
    in->bound_count = made ? count : 0;
    return made ? STATUS_OK : STATUS_NO_MEMORY;
}

/* Asks for every partition whose end is not known. */
static void
ask(struct inbox *in, int64_t now_ns)
{
    if (in->surveying) {
        return; /* its answer asks again */
    }
    size_t count = 0;
    in->survey_ns = now_ns + ASK_AGAIN_NS;
    if (make_room(in, in->replay.owned) != STATUS_OK) {
        return;
    }
    for (size_t p = 0; p < in->replay.count; p++) {
        const struct replay_part *part = &in->replay.parts[p];
        if (part->owned && !part->bounded) {
            in->bounds[count++] = (struct bound){.partition = (int32_t)p};
        }
    }
    in->survey = (struct survey){
        .topic = in->config.topic,
        .wall_us = clock_wall_us() - in->config.ttl_us,
        .bounds = in->bounds,
        .count = count,
    };
    in->survey_epoch = in->epoch;
    in->surveying = consumer_survey(in->consumer, &in->survey) == STATUS_OK;
}

/* @return whether the partition now begins at `start` */
static bool
take_bound(struct inbox *in, const struct bound *b, struct partition *start)
{
    const struct replay_part *part = replay_find(&in->replay, b->partition);
    if (part == NULL || part->bounded || b->status != STATUS_OK) {
        return false;
    }
    bool begins = part->waiting;
    int64_t first = b->since == OFFSET_END ? b->high : b->since;
    *start = (struct partition){in->config.topic, b->partition,
                                first < b->low ? b->low : first};
    replay_bound(&in->replay, b->partition, begins ? start->offset : b->low, b->high);
    open_if_read(in, b->partition);
    return begins;
}

static size_t
unbounded(const struct inbox *in)
{
    size_t count = 0;
    for (size_t p = 0; p < in->replay.count; p++) {
        count += in->replay.parts[p].owned && !in->replay.parts[p].bounded;
    }
    return count;
}

static void
on_surveyed(void *arg, struct survey *survey)
{
    struct inbox *in = arg;
    size_t begun = 0;
    size_t open = unbounded(in);
    in->surveying = false;
    if (in->survey_epoch != in->epoch) {
        ask(in, clock_mono_ns());
        return;
    }
    for (size_t i = 0; i < survey->count; i++) {
        begun += take_bound(in, &survey->bounds[i], &in->starts[begun]);
    }
    consumer_begin(in->consumer, in->starts, begun);
    learn_size(in, survey->partition_count);
    size_t left = unbounded(in);
    if (left == 0 && in->config.owner->partition_count > 0) {
        in->survey_ns = TIME_NEVER;
    }
    if (left == open) {
        return;
    }
    log_info("replies_begin", log_text("topic", in->config.topic),
             log_int("partitions", (int64_t)in->replay.owned),
             log_int("by_time", (int64_t)begun),
             log_int("behind", (int64_t)in->replay.behind),
             log_int("records", replay_left(&in->replay)));
}

/* What the store says is worth nothing if all it speaks of is over. */
static void
begin_reading(struct inbox *in, struct partition *part, int64_t now_ns)
{
    struct store_position stored = {.next = -1};
    if (store_offset_get(in->config.store, part->partition, &stored) != STATUS_OK ||
        stored.newest_us + in->config.ttl_us < clock_wall_us()) {
        stored.next = -1;
    }
    part->offset = stored.next < 0 ? OFFSET_LATER : stored.next;
    enum status status =
        replay_own(&in->replay, part->partition, stored.next, stored.newest_us, now_ns);
    if (status != STATUS_OK) {
        log_error("partition_unusable", log_int("partition", part->partition),
                  log_status(status));
        part->offset = OFFSET_LATER;
    }
}

static void
on_assigned(void *arg, struct partition *parts, size_t count)
{
    struct inbox *in = arg;
    int64_t now_ns = clock_mono_ns();
    in->epoch++;
    in->assigned_us = clock_wall_us();
    for (size_t i = 0; i < count; i++) {
        begin_reading(in, &parts[i], now_ns);
    }
    if (in->config.owner->partition_count > 0) {
        settle(in);
    }
    ask(in, now_ns);
}

static void
commit_read(struct inbox *in, bool wait)
{
    struct partition parts[PARTITIONS_AT_ONCE];
    size_t count = 0;
    for (size_t p = 0; p < in->replay.count && count < PARTITIONS_AT_ONCE; p++) {
        struct replay_part *part = &in->replay.parts[p];
        if (part->owned && part->next >= 0 && part->next > part->committed) {
            part->committed = part->next;
            parts[count++] = (struct partition){.topic = in->config.topic,
                                                .partition = (int32_t)p,
                                                .offset = part->next};
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
    if (!lost) {
        in->config.events.leaving(in->config.arg);
    }
    if (status == STATUS_OK && !lost) {
        commit_read(in, true);
    }
    for (size_t i = 0; i < count; i++) {
        replay_lose(&in->replay, parts[i].partition);
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
    int64_t now_ns = clock_mono_ns();
    (void)topic;
    replay_restart(&in->replay, partition, now_ns);
    ask(in, now_ns);
}

/* Troubles are logged by the bus. */
static const struct consumer_events consumer_events = {
    .record = on_record,
    .assigned = on_assigned,
    .revoked = on_revoked,
    .restarted = on_restarted,
    .reached_end = on_reached_end,
    .surveyed = on_surveyed,
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
    in->survey_ns = TIME_NEVER;
    in->tell_ns = TIME_NEVER;
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
    replay_fini(&in->replay);
    free(in->bounds);
    free(in->starts);
    free(in);
}

bool
inbox_caught_up(const struct inbox *in, int32_t partition)
{
    return replay_caught_up(&in->replay, partition);
}

bool
inbox_may_bring(const struct inbox *in, const struct uuid *id)
{
    return uuid_minted_us(id) > in->assigned_us - HANDOVER_US &&
           clock_wall_us() < in->assigned_us + HANDOVER_US;
}

size_t
inbox_behind(const struct inbox *in)
{
    return in->replay.behind;
}

void
inbox_describe(const struct inbox *in, struct buf *out)
{
    replay_describe(&in->replay, clock_mono_ns(), out);
}

void
inbox_read_again(struct inbox *in)
{
    consumer_reassign(in->consumer);
}

static void
tell_progress(struct inbox *in, int64_t now_ns)
{
    const struct replay *replay = &in->replay;
    double seconds = (double)(now_ns - replay->begun_ns) / (double)NS_PER_S;
    if (replay->behind == 0) {
        log_info("replies_read", log_int("records", replay->records),
                 log_real("seconds", seconds));
        in->tell_ns = TIME_NEVER;
        return;
    }
    log_info("replies_reading", log_int("records", replay->records),
             log_int("left", replay_left(replay)),
             log_int("behind", (int64_t)replay->behind), log_real("seconds", seconds));
    in->tell_ns = now_ns + TELL_EVERY_NS;
}

/* The beginning is told by on_surveyed(), which knows how much there is. */
static void
watch_progress(struct inbox *in, int64_t now_ns)
{
    bool behind = in->replay.behind > 0;
    store_set_bulk(in->config.store, behind);
    if (in->tell_ns == TIME_NEVER) {
        in->tell_ns = behind ? now_ns + TELL_EVERY_NS : TIME_NEVER;
    } else if (!behind || now_ns >= in->tell_ns) {
        tell_progress(in, now_ns);
    }
}

static int64_t
least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t
inbox_turn(struct inbox *in, int64_t now_ns)
{
    watch_progress(in, now_ns);
    if (now_ns >= in->settle_ns) {
        settle(in);
    }
    if (now_ns >= in->survey_ns) {
        in->survey_ns = now_ns + ASK_AGAIN_NS;
        ask(in, now_ns);
    }
    if (now_ns >= in->commit_ns) {
        commit_read(in, false);
        in->commit_ns = now_ns + COMMIT_EVERY_NS;
    }
    return least(least(in->settle_ns, in->commit_ns),
                 least(in->survey_ns, in->tell_ns));
}
