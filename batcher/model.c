/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model takes what is due a step on each turn: its versions first, then what they
 * make possible.
 */
#include "batcher/model.h"

#include "base/clock.h"
#include "base/log.h"
#include "batcher/exactly_once.h"
#include "batcher/model_items.h"
#include "batcher/model_versions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOSSES_MAX = 16 };

/* Requests that may wait in the lobby beside those that a loaded version takes. */
enum { LOBBY_MAX = 1024 };

static const struct span any_version = {0};

/* The intake. */

static void
model_start_intake(struct model *m)
{
    const struct intake_config config = {
        .model = m->name,
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
        log_error("model_failed", log_text("model", m->name),
                  log_text("reason", fault.text));
        snprintf(m->trouble, sizeof m->trouble, "%s", fault.text);
        m->context.changed(m->context.arg);
    }
}

static bool
may_read(const struct model *m)
{
    bool served = model_choose(m, any_version) != NULL || m->wish == WISH_ON_DEMAND;
    return served && !m->draining && !m->removed && m->trouble[0] == '\0' &&
           *m->context.orders_read;
}

/** Whether requests wait as long as they are better left in Kafka. */
static bool
is_full(const struct model *m)
{
    if (m->draining || m->removed || lobby_count(&m->lobby) >= LOBBY_MAX) {
        return true;
    }
    bool full = false;
    bool takes = false;
    for (const struct version *v = m->versions; v != NULL; v = v->next) {
        full = full || (v->open && former_is_full(v->dispatcher.former));
        takes = takes || version_takes(v);
    }
    return full ||
           (!takes && (m->wish != WISH_ON_DEMAND || lobby_count(&m->lobby) > 0));
}

static bool
has_room(const struct model *m)
{
    const struct version *v = m->versions;
    while (v != NULL && (!v->open || former_has_room(v->dispatcher.former))) {
        v = v->next;
    }
    return v == NULL && !is_full(m);
}

static void
model_regulate(struct model *m)
{
    bool paused = intake_is_paused(m->intake);
    if (!paused && is_full(m)) {
        intake_pause(m->intake);
    } else if (paused && has_room(m)) {
        intake_resume(m->intake);
    }
}

/* Life. */

static enum model_wish
first_wish(const struct model *m, const struct repository_model *source)
{
    return source->lazy || m->context.config->models_lazy ? WISH_ON_DEMAND
                                                          : WISH_LOADED;
}

enum status
model_create(struct model **out,
             const struct model_context *context,
             struct source *source,
             struct fault *fault)
{
    struct model *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a model");
    }
    m->context = *context;
    m->name = strdup(source->model.name);
    m->wish = first_wish(m, &source->model);
    lobby_init(&m->lobby);
    item_pool_init(&m->pool, context->seed);
    if (m->name == NULL || model_take_versions(m, source) != STATUS_OK) {
        model_destroy(&m);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a model");
    }
    *out = m;
    return STATUS_OK;
}

void
model_stop(struct model *m)
{
    model_drop_lobby(m, -1);
    for (struct version *v = m->versions; v != NULL; v = v->next) {
        version_stop(v);
    }
}

void
model_destroy(struct model **model)
{
    struct model *m = *model;
    *model = NULL;
    if (m == NULL) {
        return;
    }
    intake_destroy(&m->intake);
    while (m->versions != NULL) {
        struct version *v = m->versions;
        m->versions = v->next;
        version_destroy(&v);
    }
    item_pool_fini(&m->pool);
    free(m->name);
    free(m);
}

const char *
model_name(const struct model *m)
{
    return m->name;
}

enum status
model_update(struct model *m, struct source *source)
{
    m->removed = false;
    m->context.changed(m->context.arg);
    return model_take_versions(m, source);
}

void
model_remove(struct model *m)
{
    if (!m->removed) {
        m->removed = true;
        log_info("model_removed", log_text("model", m->name));
        m->context.changed(m->context.arg);
    }
}

bool
model_is_over(const struct model *m)
{
    return m->removed && m->pool.live == 0 && !model_is_open(m) && m->running_mark == 0;
}

void
model_order(struct model *m, bool load, int64_t issued_us)
{
    m->wish = load ? WISH_LOADED : WISH_UNLOADED;
    m->insists = load;
    /* Clocks of those who order differ: who waits for an earlier one is answered, too.
     */
    m->order_us = issued_us > m->order_us ? issued_us : m->order_us;
    for (struct version *v = m->versions; v != NULL && load; v = v->next) {
        if (v->state == MODEL_FAILED && !v->open && v->wanted) {
            v->state = MODEL_UNLOADED;
        }
    }
    log_info("model_ordered", log_text("model", m->name),
             log_text("order", load ? "load" : "unload"));
    m->context.changed(m->context.arg);
}

/* Turns. */

/** What an order asked for has come about, or has failed. */
static void
note_obeyed(struct model *m)
{
    bool busy = model_is_loading(m) || model_wants(m) != NULL;
    for (const struct version *v = m->versions; v != NULL && !busy; v = v->next) {
        busy = v->leaving;
    }
    if (!busy) {
        m->insists = false;
    }
    if (!busy && m->obeyed_us != m->order_us) {
        m->obeyed_us = m->order_us;
        m->context.changed(m->context.arg);
    }
}

int64_t
model_turn(struct model *m, int64_t now_ns)
{
    int64_t due_ns = TIME_NEVER;
    for (struct version *v = m->versions; v != NULL; v = v->next) {
        int64_t version_ns = version_turn(v, now_ns);
        due_ns = version_ns < due_ns ? version_ns : due_ns;
    }
    model_steer(m);
    if (m->removed) {
        model_drop_lobby(m, -1);
    }
    if (model_wants(m) == NULL) {
        m->wanting_ns = 0;
    } else if (m->wanting_ns == 0) {
        m->wanting_ns = now_ns;
    }
    note_obeyed(m);
    if (m->intake == NULL && may_read(m)) {
        model_start_intake(m);
    }
    int64_t lobby_ns = model_expire_lobby(m, now_ns);
    return lobby_ns < due_ns ? lobby_ns : due_ns;
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
    size_t count = lobby_count(&m->lobby);
    for (const struct version *v = m->versions; v != NULL; v = v->next) {
        count += v->open ? former_count(v->dispatcher.former) : 0;
    }
    return count;
}

static void
cancel_item(struct model *m, struct item *it, struct span tenant)
{
    if (span_equal(it->request.tenant, tenant)) {
        model_cancel_item(m, it);
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

static void
versions_drop(struct model *m, int32_t partition, int64_t above)
{
    for (struct version *v = m->versions; v != NULL; v = v->next) {
        if (v->open) {
            dispatcher_drop(&v->dispatcher, partition, above);
        }
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
    model_drop_lobby(m, -1);
    for (int32_t p = 0; p < intake_partitions(m->intake); p++) {
        /* What lies below something that was begun is finished, too: its offset would
         * hold the commit back and have that answered twice. */
        versions_drop(m, p, intake_highest(m->intake, p));
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
    const struct version *v = m->versions;
    while (v != NULL && (!v->open || v->dispatcher.losses_in_row < LOSSES_MAX)) {
        v = v->next;
    }
    return v != NULL;
}

bool
model_is_fenced(const struct model *m)
{
    return m->intake != NULL && intake_is_fenced(m->intake);
}

/* How it is. */

/** Waits for what cannot be told by the state of a version. */
static bool
is_loaded_as_far_as_can_be(struct model *m)
{
    const struct version *v = m->versions;
    if (model_choose(m, any_version) != NULL && m->intake != NULL) {
        return !model_is_loading(m);
    }
    if (m->wish == WISH_ON_DEMAND && lobby_count(&m->lobby) == 0) {
        return m->intake != NULL;
    }
    snprintf(m->waiting_for, sizeof m->waiting_for, "model %s to load%s%s", m->name,
             v != NULL && v->reason[0] != '\0' ? ": " : "", v != NULL ? v->reason : "");
    return false;
}

/** None of its versions could be loaded, or none is to be. */
static bool
has_given_up(const struct model *m)
{
    const struct version *v = m->versions;
    while (v != NULL && v->state == MODEL_FAILED) {
        v = v->next;
    }
    return v == NULL || m->wish == WISH_UNLOADED || m->trouble[0] != '\0';
}

bool
model_is_settled(struct model *m, const char **waiting_for)
{
    char *text = m->waiting_for;
    *waiting_for = text;
    if (has_given_up(m)) {
        return true;
    }
    if (!is_loaded_as_far_as_can_be(m)) {
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
