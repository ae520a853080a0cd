/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States: LOADING (first load) -> READY <-> UNAVAILABLE (the runner died, another one
 * loads), or FAILED for good when the first load fails.
 */
#include "batcher/model.h"

#include "base/clock.h"
#include "base/log.h"
#include "batcher/exactly_once.h"
#include "batcher/harvest.h"
#include "batcher/model_items.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { LOSSES_MAX = 16, NAMES_BYTES = 64 * 1024 };

static void
model_move(struct model *m, enum model_state state, const char *reason)
{
    snprintf(m->reason, sizeof m->reason, "%s", reason);
    m->state = state;
    m->context.changed(m->context.arg);
}

/** As loader_events.failed: for good. */
static void
model_fail(void *arg, const char *reason)
{
    struct model *m = arg;
    log_error("model_failed", log_text("model", m->source->name),
              log_text("version", m->source->version), log_text("reason", reason));
    model_move(m, MODEL_FAILED, reason);
}

/* The runner. */

static enum status
model_described(void *arg, struct span message, struct fault *fault)
{
    struct model *m = arg;
    return model_spec_read(&m->spec, message, &m->names, fault);
}

static void
model_measured(void *arg, struct span message, bool first)
{
    struct model *m = arg;
    dispatcher_seed(&m->dispatcher, message, first);
}

static void
model_start_intake(struct model *m)
{
    const struct intake_config config = {
        .model = m->source->name,
        .instance_id = m->context.config->group_instance,
        .commit_interval_ns = m->context.config->commit_interval_ns,
        .revoke_timeout_ns = m->context.config->rebalance_timeout_ns,
        .requests_max = (size_t)m->context.config->queue_requests_max,
        .bytes_max = (size_t)m->context.config->queue_bytes_max,
        .transactional = exactly_once_wanted(m->context.config)};
    const struct intake_events events = {.record = model_take,
                                         .revoked = model_revoked};
    struct fault fault = {.text = ""};
    enum status status = intake_create(&m->intake, m->context.loop, m->context.bus,
                                       &config, &events, m, &fault);
    if (status != STATUS_OK) {
        model_fail(m, fault.text);
    }
}

static void
model_loaded(void *arg)
{
    struct model *m = arg;
    dispatcher_serve(&m->dispatcher, &m->spec);
    model_move(m, MODEL_READY, "");
}

static void
model_died(void *arg, const char *how)
{
    struct model *m = arg;
    if (m->dispatcher.spec != NULL) {
        harvest_dead(&m->dispatcher, how);
    }
    bool was_loaded = m->state == MODEL_READY || m->state == MODEL_UNAVAILABLE;
    model_move(m, was_loaded ? MODEL_UNAVAILABLE : MODEL_LOADING, how);
}

/* Life. */

static_assert((int)MODEL_INSTANCES_MAX == (int)DEVICE_LANES, "a lane per instance");

static enum status
open_dispatcher(struct model *m)
{
    const struct batcher_config *c = m->context.config;
    const struct dispatcher_config config = {
        .instances = m->source->instances,
        .waiting_max = (size_t)c->queue_requests_max,
        .waiting_bytes_max = (size_t)c->queue_bytes_max,
        .slot_bytes = (uint64_t)c->slot_bytes,
        .run_timeout_ns = c->run_timeout_ns,
        .rows_max = model_spec_rows_max(&m->spec),
        .batching = &m->source->batching,
        .allow_nan = m->source->allow_nan,
        .device = devices_find(m->context.devices, m->source->device)};
    if (config.device == NULL) {
        return STATUS_NO_MEMORY;
    }
    return dispatcher_init(&m->dispatcher, m->context.loop, &config,
                           m->context.replier->outbox, &model_items_events, m);
}

enum status
model_create(struct model **out,
             const struct model_context *context,
             const struct repository_model *source,
             struct fault *fault)
{
    struct model *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a model");
    }
    m->context = *context;
    m->source = source;
    m->state = MODEL_LOADING;
    m->spec.model = span_of_text(source->name);
    m->spec.version = span_of_text(source->version);
    m->spec.platform = span_of_text(source->platform != NULL ? source->platform : "");
    m->spec.max_batch_size = source->max_batch_size;
    arena_init(&m->names, NAMES_BYTES);
    item_pool_init(&m->pool, context->seed);
    enum status status = open_dispatcher(m);
    if (status != STATUS_OK) {
        free(m);
        return fault_set(fault, status, "the slabs of %s", source->name);
    }
    m->loader =
        (struct loader){.loop = context->loop,
                        .command = context->config->runner_command,
                        .memory = {.bytes_max = context->config->runner_memory_max},
                        .source = source,
                        .instances = m->dispatcher.instances,
                        .instance_count = source->instances,
                        .events = {.described = model_described,
                                   .measured = model_measured,
                                   .loaded = model_loaded,
                                   .died = model_died,
                                   .failed = model_fail},
                        .arg = m};
    loader_init(&m->loader);
    *out = m;
    return STATUS_OK;
}

void
model_stop(struct model *m)
{
    loader_stop(&m->loader);
    dispatcher_drop_all(&m->dispatcher);
    m->dispatcher.serving = false;
}

void
model_destroy(struct model **model)
{
    struct model *m = *model;
    if (m == NULL) {
        return;
    }
    intake_destroy(&m->intake);
    dispatcher_fini(&m->dispatcher);
    item_pool_fini(&m->pool);
    arena_fini(&m->names);
    free(m);
    *model = NULL;
}

/** Over its memory a runner ends what it has, and gets no more. */
static void
model_bound_memory(struct model *m, int64_t now_ns)
{
    enum memory_verdict verdict = loader_memory_verdict(&m->loader, now_ns);
    if (verdict == MEMORY_FINE) {
        return;
    }
    m->dispatcher.serving = false;
    if (verdict == MEMORY_BROKEN || m->dispatcher.under_way == 0) {
        loader_kill(&m->loader, "killed: it held more than runner.memory.max");
    }
}

static void
model_watch_runner(struct model *m, int64_t now_ns)
{
    model_bound_memory(m, now_ns);
    if (dispatcher_overran(&m->dispatcher, now_ns)) {
        loader_kill(&m->loader, "killed: a batch ran over batcher.run.timeout");
    } else if (m->dispatcher.device_lost) {
        loader_kill(&m->loader, "it lost the device");
    }
}

static void
model_regulate(struct model *m)
{
    if (m->draining) {
        return;
    }
    if (former_is_full(m->dispatcher.former) && !intake_is_paused(m->intake)) {
        intake_pause(m->intake);
    } else if (former_has_room(m->dispatcher.former) && intake_is_paused(m->intake)) {
        intake_resume(m->intake);
    }
}

int64_t
model_turn(struct model *m, int64_t now_ns)
{
    model_watch_runner(m, now_ns);
    int64_t due_ns = loader_turn(&m->loader, now_ns);
    bool may_read = m->state == MODEL_READY && !m->draining && *m->context.orders_read;
    if (m->intake == NULL && may_read) {
        model_start_intake(m);
    }
    if (m->intake == NULL) {
        return due_ns;
    }
    int64_t dispatch_ns = dispatcher_turn(&m->dispatcher, now_ns);
    return dispatch_ns < due_ns ? dispatch_ns : due_ns;
}

int64_t
model_take_in(struct model *m, int64_t now_ns)
{
    if (m->intake == NULL) {
        return TIME_NEVER;
    }
    model_regulate(m);
    return intake_turn(m->intake, now_ns);
}

size_t
model_waiting(const struct model *m)
{
    return former_count(m->dispatcher.former);
}

static void
cancel_item(struct model *m, struct item *it, struct span tenant)
{
    if (span_equal(it->request.tenant, tenant) &&
        dispatcher_cancel(&m->dispatcher, it)) {
        model_items_events.started(m, it);
        reply_cancel(it);
    }
}

/* By ids, as a cancel may change which items there are. */
static void
cancel_batch(struct model *m, const struct uuid *batch, struct span tenant)
{
    size_t count = m->pool.by_id.count;
    struct uuid *ids = calloc(count + 1, sizeof *ids);
    count = ids == NULL ? 0 : map_ids(&m->pool.by_id, ids, count);
    for (size_t i = 0; i < count; i++) {
        struct uuid its;
        struct item *it = item_find(&m->pool, &ids[i]);
        if (it != NULL && item_batch(it, &its) && uuid_equal(&its, batch)) {
            cancel_item(m, it, tenant);
        }
    }
    free(ids);
}

void
model_cancel(struct model *m, const struct uuid *id, struct span tenant)
{
    struct item *it = item_find(&m->pool, id);
    if (it != NULL) {
        cancel_item(m, it, tenant);
    } else {
        cancel_batch(m, id, tenant);
    }
}

void
model_drain(struct model *m)
{
    m->draining = true;
    if (m->intake == NULL) {
        return;
    }
    intake_pause(m->intake);
    for (int32_t p = 0; p < intake_partitions(m->intake); p++) {
        /* What lies below something that was begun is finished, too: its offset would
         * hold the commit back and have that answered twice. */
        dispatcher_drop(&m->dispatcher, p, intake_highest(m->intake, p));
    }
}

bool
model_is_idle(const struct model *m)
{
    return m->pool.live == 0;
}

bool
model_device_is_gone(const struct model *m)
{
    return m->dispatcher.losses_in_row >= LOSSES_MAX;
}

bool
model_is_fenced(const struct model *m)
{
    return m->intake != NULL && intake_is_fenced(m->intake);
}

struct model_info
model_info(const struct model *m)
{
    struct model_info info = model_spec_info(&m->spec);
    info.state = m->state;
    info.reason = span_of_text(m->reason);
    info.replicas = (int32_t)m->source->instances;
    info.batch_us =
        cost_mean(&m->dispatcher.run, model_spec_rows_max(&m->spec)) / NS_PER_US;
    return info;
}

bool
model_is_settled(struct model *m, const char **waiting_for)
{
    char *text = m->waiting_for;
    *waiting_for = text;
    if (m->state == MODEL_FAILED) {
        return true;
    }
    if (m->state != MODEL_READY || m->intake == NULL) {
        snprintf(text, sizeof m->waiting_for, "model %s to load%s%s", m->source->name,
                 m->reason[0] != '\0' ? ": " : "", m->reason);
        return false;
    }
    if (intake_topic_missing(m->intake)) {
        snprintf(text, sizeof m->waiting_for,
                 "topic %.80s, which is missing: run leat topics create",
                 intake_topic(m->intake));
        return false;
    }
    if (!intake_was_assigned(m->intake)) {
        snprintf(text, sizeof m->waiting_for, "partitions of topic %.80s",
                 intake_topic(m->intake));
        return false;
    }
    return true;
}

size_t
model_partitions(const struct model *m)
{
    return m->intake == NULL ? 0 : intake_owned_count(m->intake);
}

enum status
model_collect(struct model *m, uint32_t number, struct transactor *transactor)
{
    return m->intake == NULL ? STATUS_OK
                             : intake_collect(m->intake, number, transactor);
}
