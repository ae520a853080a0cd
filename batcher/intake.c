/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Partition states stand in an array indexed by partition number. A partition that has
 * too many records open is paused by itself; the whole intake is paused when the former
 * is full. The group's protocol is eager: all partitions go together, and those that
 * stay come again.
 */
#include "batcher/intake.h"

#include "base/clock.h"
#include "base/log.h"
#include "batcher/intake_partition.h"
#include "batcher/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct intake {
    struct consumer *consumer;
    struct intake_config config;
    struct intake_events events;
    void *arg;
    struct intake_set set;
    struct intake_share share; /* of each partition owned; 0: it is the only one */
    uint32_t epoch;
    bool paused;
    bool was_assigned;
    bool missing;
    bool fenced;
    bool closing;
    int64_t commit_at_ns;
    int64_t leave_ns;       /* when the revocation began that has not ended; 0: none */
    int64_t leave_until_ns; /* its end at the latest */
    char topic[TOPIC_NAME_MAX + 1];
    char group[TOPIC_NAME_MAX + 1];
};

/** Tells the consumer what the reasons to pause amount to. */
static void
partition_apply_pause(struct intake *in, int32_t partition)
{
    struct intake_partition *p = &in->set.items[partition];
    bool paused = in->paused || intake_partition_wants_pause(p);
    if (!p->owned || paused == p->paused || in->leave_ns != 0) {
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

/** After any change of what it has in hand. */
static void
partition_regulate(struct intake *in, int32_t partition)
{
    intake_partition_bound(&in->set.items[partition], &in->share);
    partition_apply_pause(in, partition);
}

static void
on_record(void *arg, struct record *r)
{
    struct intake *in = arg;
    int32_t partition = r->partition;
    struct intake_partition *p = intake_set_find(&in->set, partition);
    if (p == NULL || p->frozen) {
        record_release(&r);
        return;
    }
    enum status status = intake_partition_begin(p, r->offset, r->value.size);
    if (status != STATUS_OK) {
        /* STATUS_INVALID: fetched again after a resume; it is here already. */
        if (status != STATUS_INVALID) {
            log_error("partition_frozen", log_text("topic", in->topic),
                      log_int("partition", partition), log_status(status));
            partition_apply_pause(in, partition);
        }
        record_release(&r);
        return;
    }
    in->missing = false;
    metric_add(&batcher_metrics[METRIC_RECEIVED], 1);
    in->events.record(in->arg, r, p->epoch);
    partition_regulate(in, partition);
}

static void
on_assigned(void *arg, struct partition *parts, size_t count)
{
    struct intake *in = arg;
    in->epoch++;
    in->was_assigned = true;
    in->missing = in->missing && count == 0;
    in->share = (struct intake_share){0};
    if (count > 1) {
        in->share = (struct intake_share){.requests = in->config.requests_max / 2,
                                          .bytes = in->config.bytes_max / 2};
    }
    for (size_t i = 0; i < count; i++) {
        if (!intake_set_grow(&in->set, parts[i].partition)) {
            log_error("partition_ignored", log_int("partition", parts[i].partition));
            continue;
        }
        intake_partition_assign(&in->set.items[parts[i].partition], in->epoch);
    }
    log_info("assigned", log_text("topic", in->topic),
             log_int("count", (int64_t)count));
}

static void
on_restarted(void *arg, const char *topic, int32_t partition)
{
    struct intake *in = arg;
    struct intake_partition *p = intake_set_find(&in->set, partition);
    (void)topic;
    if (p != NULL) {
        in->epoch++;
        intake_partition_restart(p, in->epoch);
        partition_apply_pause(in, partition);
    }
}

/** @param[in] all also what was committed before */
static void
commit(struct intake *in, bool all, bool wait)
{
    if (in->set.count == 0 || in->fenced || in->config.transactional) {
        return;
    }
    struct partition *parts = calloc((size_t)in->set.count, sizeof *parts);
    if (parts == NULL) {
        return;
    }
    size_t count = 0;
    for (int32_t i = 0; i < in->set.count; i++) {
        struct intake_partition *p = &in->set.items[i];
        int64_t offset = intake_partition_committable(p);
        if (offset >= 0 && (all || offset != p->committed)) {
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
            in->set.items[parts[i].partition].committed = -1;
        }
    }
    free(parts);
}

/* Otherwise only the next answer would bring the next commit. */
static void
on_commit_failed(void *arg)
{
    struct intake *in = arg;
    intake_set_uncommit(&in->set);
}

/** What lies below something that was begun is finished, too, while there is time: its
 * offset would hold the commit back and have that answered twice. */
static void
partitions_tell_revoked(struct intake *in, bool is_over)
{
    for (int32_t i = 0; i < in->set.count; i++) {
        const struct intake_partition *p = &in->set.items[i];
        if (p->owned) {
            in->events.revoked(in->arg, i, is_over ? -1 : p->highest);
        }
    }
}

/** The partitions are others' from now on. What is still in hand is stale. */
static void
intake_leave(struct intake *in, bool lost)
{
    size_t left = intake_set_in_hand(&in->set);
    size_t count = intake_owned_count(in);
    int64_t took_ns = clock_mono_ns() - in->leave_ns;
    if (!lost) {
        /* Another member starts from here only after the broker has this. */
        commit(in, true, in->closing);
    }
    if (left > 0) {
        partitions_tell_revoked(in, true);
    }
    intake_set_disown(&in->set);
    in->leave_ns = 0;
    log_info("revoked", log_text("topic", in->topic), log_int("count", (int64_t)count),
             log_text("lost", lost ? "true" : "false"),
             log_int("took_ms", took_ns / NS_PER_MS),
             log_int("unfinished", (int64_t)left));
}

static bool
on_revoked(void *arg, const struct partition *parts, size_t count, bool lost)
{
    struct intake *in = arg;
    (void)parts;
    (void)count;
    in->leave_ns = clock_mono_ns();
    in->leave_until_ns = in->leave_ns + in->config.revoke_timeout_ns;
    partitions_tell_revoked(in, lost || in->closing);
    if (!lost && !in->closing && intake_set_in_hand(&in->set) > 0) {
        return false;
    }
    intake_leave(in, lost);
    return true;
}

/**
 * If it was made anew meanwhile, what we would commit were offsets of the old one. A
 * record that comes all the same shows that it was not.
 */
static void
topic_is_gone(struct intake *in)
{
    intake_set_lose_topic(&in->set);
}

/** Troubles are logged by the bus. */
static void
on_trouble(void *arg, enum status status, const char *reason)
{
    (void)reason;
    struct intake *in = arg;
    if (status == STATUS_FENCED && !in->fenced) {
        in->fenced = true;
        log_error("fenced", log_text("group", in->group),
                  log_text("instance", in->config.instance_id),
                  log_text("reason", "another process has joined with the same "
                                     "group.instance.id"));
        return;
    }
    if (status == STATUS_NOT_FOUND) {
        topic_is_gone(in);
    }
    if (status == STATUS_NOT_FOUND && !in->missing) {
        in->missing = true;
        log_warn("topic_missing", log_text("topic", in->topic),
                 log_text("advice", "run leat topics create"));
        return;
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
                                                        .restarted = on_restarted,
                                                        .commit_failed =
                                                            on_commit_failed,
                                                        .trouble = on_trouble};
        status = consumer_create(&in->consumer, loop, bus, &consumer, &consumer_events,
                                 in, fault);
    }
    if (status != STATUS_OK) {
        free(in);
        return status;
    }
    int64_t poll_ns = consumer_poll_interval(in->consumer);
    if (in->config.revoke_timeout_ns > poll_ns / 5 * 4) {
        in->config.revoke_timeout_ns = poll_ns / 5 * 4;
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
    in->closing = true;
    if (in->leave_ns != 0) {
        intake_leave(in, false);
    }
    consumer_destroy(&in->consumer);
    intake_set_fini(&in->set);
    free(in);
    *intake = NULL;
}

bool
intake_answered(struct intake *in, const struct intake_place *at)
{
    struct intake_partition *p = intake_set_find(&in->set, at->partition);
    if (p == NULL || p->epoch != at->epoch) {
        metric_add(&batcher_metrics[METRIC_STALE], 1);
        return false;
    }
    intake_partition_end(p, at->offset, at->bytes);
    partition_regulate(in, at->partition);
    return true;
}

void
intake_given_back(struct intake *in, const struct intake_place *at)
{
    struct intake_partition *p = intake_set_find(&in->set, at->partition);
    if (p != NULL && p->epoch == at->epoch) {
        intake_partition_give_back(p, at->bytes);
        partition_regulate(in, at->partition);
    }
}

bool
intake_is_ours(const struct intake *in, int32_t partition, uint32_t epoch)
{
    const struct intake_partition *p = intake_set_find(&in->set, partition);
    return p != NULL && epoch >= p->assigned;
}

bool
intake_stage(struct intake *in, const struct intake_place *at, uint32_t number)
{
    struct intake_partition *p = intake_set_find(&in->set, at->partition);
    if (p != NULL && p->epoch == at->epoch && number != 0) {
        intake_partition_stage(p, at->offset, number);
    }
    return intake_is_ours(in, at->partition, at->epoch);
}

enum status
intake_collect(struct intake *in, uint32_t number, struct transactor *transactor)
{
    struct partition *parts = calloc((size_t)in->set.count + 1, sizeof *parts);
    if (parts == NULL) {
        return STATUS_NO_MEMORY;
    }
    size_t count = intake_set_staged(&in->set, number, in->topic, parts);
    enum status status =
        count == 0 ? STATUS_OK
                   : transactor_offsets(transactor, in->consumer, parts, count);
    free(parts);
    return status;
}

void
intake_started(struct intake *in, int32_t partition, uint32_t epoch, int64_t offset)
{
    struct intake_partition *p = intake_set_find(&in->set, partition);
    if (p != NULL && p->epoch == epoch && offset > p->highest) {
        p->highest = offset;
    }
}

static void
apply_pauses(struct intake *in)
{
    for (int32_t i = 0; i < in->set.count; i++) {
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

/** @return when it wants to be called next */
static int64_t
intake_turn_leaving(struct intake *in, int64_t now_ns)
{
    if (in->leave_ns == 0) {
        return TIME_NEVER;
    }
    if (now_ns < in->leave_until_ns && intake_set_in_hand(&in->set) > 0) {
        return in->leave_until_ns;
    }
    intake_leave(in, false);
    consumer_revoke_end(in->consumer);
    return TIME_NEVER;
}

int64_t
intake_turn(struct intake *in, int64_t now_ns)
{
    int64_t leave_ns = intake_turn_leaving(in, now_ns);
    if (now_ns >= in->commit_at_ns) {
        /* Partitions that came while we were paused are paused here: the consumer does
         * not know them yet when it tells of them. */
        apply_pauses(in);
        commit(in, false, false);
        in->commit_at_ns = now_ns + in->config.commit_interval_ns;
    }
    return leave_ns < in->commit_at_ns ? leave_ns : in->commit_at_ns;
}

int64_t
intake_highest(const struct intake *in, int32_t partition)
{
    const struct intake_partition *p = intake_set_find(&in->set, partition);
    return p == NULL ? -1 : p->highest;
}

int32_t
intake_partitions(const struct intake *in)
{
    return in->set.count;
}

size_t
intake_owned_count(const struct intake *in)
{
    return intake_set_owned(&in->set);
}

bool
intake_was_assigned(const struct intake *in)
{
    return in->was_assigned;
}

bool
intake_is_fenced(const struct intake *in)
{
    return in->fenced;
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
