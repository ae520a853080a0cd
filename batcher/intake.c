/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partition states stand in an array indexed by partition number. A partition that has
 * too many records open is paused by itself; the whole intake is paused when the former
 * is full.
 */
#include "batcher/intake.h"

#include "base/clock.h"
#include "base/log.h"
#include "batcher/metrics.h"
#include "batcher/watermark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW_MAX = 1 << 20,   /* records between the oldest open one and the newest */
    WINDOW_PAUSE = 1 << 16, /* at which a partition is paused */
    PARTITIONS_MAX = 4096,
};

struct intake_partition {
    struct watermark watermark;
    uint32_t epoch;
    bool owned;
    bool paused;        /* as the consumer was told */
    bool window_paused; /* its window is long */
    bool frozen;        /* no memory for its window: nothing behind it is taken */
    int64_t committed;  /* next offset last committed, -1 = none */
    int64_t highest;    /* offset started, -1 = none */
    uint32_t staged;    /* last transaction with an answer from here, 0 = none */
};

struct intake {
    struct consumer *consumer;
    struct intake_config config;
    struct intake_events events;
    void *arg;
    struct intake_partition *partitions;
    int32_t partition_count;
    uint32_t epoch;
    bool paused;
    bool was_assigned;
    bool missing;
    int64_t commit_at_ns;
    char topic[TOPIC_NAME_MAX + 1];
    char group[TOPIC_NAME_MAX + 1];
};

static struct intake_partition *
partition_find(const struct intake *in, int32_t partition)
{
    if (partition < 0 || partition >= in->partition_count) {
        return NULL;
    }
    struct intake_partition *p = &in->partitions[partition];
    return p->owned ? p : NULL;
}

/** Tells the consumer what the two reasons to pause amount to. */
static void
partition_apply_pause(struct intake *in, int32_t partition)
{
    struct intake_partition *p = &in->partitions[partition];
    bool paused = in->paused || p->window_paused || p->frozen;
    if (!p->owned || paused == p->paused) {
        return;
    }
    enum status status = paused ? consumer_pause(in->consumer, in->topic, partition)
                                : consumer_resume(in->consumer, in->topic, partition);
    if (status == STATUS_OK) {
        p->paused = paused;
    } else {
        log_warn("pause_failed", log_text("topic", in->topic),
                 log_int("partition", partition), log_status(status));
    }
}

static void
on_record(void *arg, struct record *r)
{
    struct intake *in = arg;
    struct intake_partition *p = partition_find(in, r->partition);
    if (p == NULL || p->frozen) {
        record_release(&r);
        return;
    }
    enum status status = watermark_begin(&p->watermark, r->offset);
    if (status == STATUS_INVALID) {
        /* Fetched again after a resume: it is here already. */
        record_release(&r);
        return;
    }
    if (status != STATUS_OK) {
        log_error("partition_frozen", log_text("topic", in->topic),
                  log_int("partition", r->partition), log_status(status));
        p->frozen = true;
        partition_apply_pause(in, r->partition);
        record_release(&r);
        return;
    }
    if (p->watermark.count >= WINDOW_PAUSE && !p->window_paused) {
        p->window_paused = true;
        partition_apply_pause(in, r->partition);
    }
    metric_add(&batcher_metrics[METRIC_RECEIVED], 1);
    in->events.record(in->arg, r, p->epoch);
}

static bool
partitions_grow(struct intake *in, int32_t partition)
{
    if (partition < in->partition_count) {
        return true;
    }
    if (partition >= PARTITIONS_MAX) {
        return false;
    }
    size_t count = (size_t)partition + 1;
    struct intake_partition *grown =
        realloc(in->partitions, count * sizeof *in->partitions);
    if (grown == NULL) {
        return false;
    }
    for (size_t i = (size_t)in->partition_count; i < count; i++) {
        grown[i] = (struct intake_partition){.committed = -1};
        watermark_init(&grown[i].watermark, WINDOW_MAX);
    }
    in->partitions = grown;
    in->partition_count = (int32_t)count;
    return true;
}

static void
on_assigned(void *arg, struct partition *parts, size_t count)
{
    struct intake *in = arg;
    in->epoch++;
    in->was_assigned = true;
    in->missing = in->missing && count == 0;
    for (size_t i = 0; i < count; i++) {
        if (!partitions_grow(in, parts[i].partition)) {
            log_error("partition_ignored", log_int("partition", parts[i].partition));
            continue;
        }
        struct intake_partition *p = &in->partitions[parts[i].partition];
        watermark_reset(&p->watermark);
        p->epoch = in->epoch;
        p->owned = true;
        p->paused = false;
        p->window_paused = false;
        p->frozen = false;
        p->committed = -1;
        p->highest = -1;
        p->staged = 0;
    }
    log_info("assigned", log_text("topic", in->topic),
             log_int("count", (int64_t)count));
}

/** Commits what is answered and not committed yet. */
static void
commit(struct intake *in, bool wait)
{
    if (in->partition_count == 0 || in->config.transactional) {
        return;
    }
    struct partition *parts = calloc((size_t)in->partition_count, sizeof *parts);
    if (parts == NULL) {
        return;
    }
    size_t count = 0;
    for (int32_t i = 0; i < in->partition_count; i++) {
        struct intake_partition *p = &in->partitions[i];
        int64_t offset = p->owned ? watermark_committable(&p->watermark) : -1;
        if (offset >= 0 && (wait || offset != p->committed)) {
            parts[count++] = (struct partition){
                .topic = in->topic, .partition = i, .offset = offset};
            p->committed = offset;
        }
    }
    enum status status =
        count == 0 ? STATUS_OK : consumer_commit(in->consumer, parts, count, wait);
    if (status != STATUS_OK) {
        log_warn("commit_failed", log_text("topic", in->topic), log_status(status));
        for (size_t i = 0; i < count; i++) {
            in->partitions[parts[i].partition].committed = -1;
        }
    }
    free(parts);
}

static void
on_revoked(void *arg, const struct partition *parts, size_t count, bool lost)
{
    struct intake *in = arg;
    int32_t *numbers = calloc(count + 1, sizeof *numbers);
    if (numbers != NULL) {
        for (size_t i = 0; i < count; i++) {
            numbers[i] = parts[i].partition;
        }
        in->events.revoked(in->arg, numbers, count, lost);
        free(numbers);
    }
    if (!lost) {
        commit(in, true);
    }
    for (size_t i = 0; i < count; i++) {
        struct intake_partition *p = partition_find(in, parts[i].partition);
        if (p != NULL) {
            p->owned = false;
        }
    }
    log_info("revoked", log_text("topic", in->topic), log_int("count", (int64_t)count),
             log_text("lost", lost ? "true" : "false"));
}

static void
on_trouble(void *arg, enum status status, const char *reason)
{
    struct intake *in = arg;
    if (status == STATUS_NOT_FOUND && !in->missing) {
        in->missing = true;
        log_warn("topic_missing", log_text("topic", in->topic),
                 log_text("advice", "run leat topics create"));
        return;
    }
    if (status != STATUS_NOT_FOUND) {
        log_warn("kafka_trouble", log_text("topic", in->topic), log_status(status),
                 log_text("reason", reason));
    }
}

static enum status
intake_name(struct intake *in, const struct bus_config *bus, struct fault *fault)
{
    enum status status =
        bus_topic_name(bus, TOPIC_REQUESTS, span_of_text(in->config.model), in->topic);
    if (status != STATUS_OK) {
        return fault_set(fault, status, "%s is no topic name", in->config.model);
    }
    int size = snprintf(in->group, sizeof in->group, "%sbatcher.%s", bus->topics_prefix,
                        in->config.model);
    if (size < 0 || (size_t)size >= sizeof in->group) {
        return fault_set(fault, STATUS_INVALID, "the group's name is too long");
    }
    return STATUS_OK;
}

enum status
intake_create(struct intake **out,
              struct loop *loop,
              const struct bus_config *bus,
              const struct intake_config *config,
              const struct intake_events *events,
              void *arg,
              struct fault *fault)
{
    struct intake *in = calloc(1, sizeof *in);
    if (in == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the intake");
    }
    in->config = *config;
    in->events = *events;
    in->arg = arg;
    enum status status = intake_name(in, bus, fault);
    if (status == STATUS_OK) {
        const struct consumer_config consumer = {.name = in->topic,
                                                 .group = in->group,
                                                 .instance_id = config->instance_id,
                                                 .topics = {in->topic},
                                                 .all_partitions = bus->dev};
        const struct consumer_events consumer_events = {.record = on_record,
                                                        .assigned = on_assigned,
                                                        .revoked = on_revoked,
                                                        .trouble = on_trouble};
        status = consumer_create(&in->consumer, loop, bus, &consumer, &consumer_events,
                                 in, fault);
    }
    if (status != STATUS_OK) {
        free(in);
        return status;
    }
    *out = in;
    return STATUS_OK;
}

void
intake_destroy(struct intake **intake)
{
    struct intake *in = *intake;
    if (in == NULL) {
        return;
    }
    consumer_destroy(&in->consumer);
    for (int32_t i = 0; i < in->partition_count; i++) {
        watermark_fini(&in->partitions[i].watermark);
    }
    free(in->partitions);
    free(in);
    *intake = NULL;
}

bool
intake_answered(struct intake *in, int32_t partition, uint32_t epoch, int64_t offset)
{
    struct intake_partition *p = partition_find(in, partition);
    if (p == NULL || p->epoch != epoch) {
        metric_add(&batcher_metrics[METRIC_STALE], 1);
        return false;
    }
    watermark_end(&p->watermark, offset);
    if (p->window_paused && p->watermark.count < WINDOW_PAUSE / 2) {
        p->window_paused = false;
        partition_apply_pause(in, partition);
    }
    return true;
}

bool
intake_stage(struct intake *in,
             int32_t partition,
             uint32_t epoch,
             int64_t offset,
             uint32_t number)
{
    struct intake_partition *p = partition_find(in, partition);
    if (p == NULL || p->epoch != epoch) {
        metric_add(&batcher_metrics[METRIC_STALE], 1);
        return false;
    }
    if (number != 0) {
        watermark_stage(&p->watermark, offset, number);
        p->staged = number;
    }
    return true;
}

enum status
intake_collect(struct intake *in, uint32_t number, struct transactor *transactor)
{
    size_t count = 0;
    struct partition *parts = calloc((size_t)in->partition_count + 1, sizeof *parts);
    if (parts == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (int32_t i = 0; i < in->partition_count; i++) {
        const struct intake_partition *p = &in->partitions[i];
        if (p->owned && p->staged == number) {
            parts[count++] =
                (struct partition){.topic = in->topic,
                                   .partition = i,
                                   .offset = watermark_staged(&p->watermark, number)};
        }
    }
    enum status status =
        count == 0 ? STATUS_OK
                   : transactor_offsets(transactor, in->consumer, parts, count);
    free(parts);
    return status;
}

void
intake_started(struct intake *in, int32_t partition, uint32_t epoch, int64_t offset)
{
    struct intake_partition *p = partition_find(in, partition);
    if (p != NULL && p->epoch == epoch && offset > p->highest) {
        p->highest = offset;
    }
}

static void
apply_pauses(struct intake *in)
{
    for (int32_t i = 0; i < in->partition_count; i++) {
        partition_apply_pause(in, i);
    }
}

static void
intake_set_paused(struct intake *in, bool paused)
{
    in->paused = paused;
    apply_pauses(in);
}

void
intake_pause(struct intake *in)
{
    intake_set_paused(in, true);
}

void
intake_resume(struct intake *in)
{
    intake_set_paused(in, false);
}

bool
intake_is_paused(const struct intake *in)
{
    return in->paused;
}

int64_t
intake_turn(struct intake *in, int64_t now_ns)
{
    if (now_ns >= in->commit_at_ns) {
        /* Partitions that came while we were paused are paused here: the consumer does
         * not know them yet when it tells of them. */
        apply_pauses(in);
        commit(in, false);
        in->commit_at_ns = now_ns + in->config.commit_interval_ns;
    }
    return in->commit_at_ns;
}

void
intake_commit(struct intake *in)
{
    commit(in, true);
}

int64_t
intake_highest(const struct intake *in, int32_t partition)
{
    const struct intake_partition *p = partition_find(in, partition);
    return p == NULL ? -1 : p->highest;
}

int32_t
intake_partitions(const struct intake *in)
{
    return in->partition_count;
}

bool
intake_owns(const struct intake *in, int32_t partition)
{
    return partition_find(in, partition) != NULL;
}

size_t
intake_owned_count(const struct intake *in)
{
    size_t count = 0;
    for (int32_t i = 0; i < in->partition_count; i++) {
        count += in->partitions[i].owned ? 1 : 0;
    }
    return count;
}

bool
intake_was_assigned(const struct intake *in)
{
    return in->was_assigned;
}

bool
intake_topic_missing(const struct intake *in)
{
    return in->missing;
}

const char *
intake_topic(const struct intake *in)
{
    return in->topic;
}
