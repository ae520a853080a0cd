/* SPDX-License-Identifier: Apache-2.0 */
/* A list of models, which come and go with the repository, and the announcer that tells
 * of them. */
#include "batcher/models.h"

#include "base/clock.h"
#include "base/log.h"
#include "batcher/device.h"
#include "batcher/model_running.h"
#include "batcher/models_memory.h"
#include "batcher/models_poll.h"
#include "batcher/models_state.h"

#include <stdlib.h>

#define ANNOUNCE_EVERY_NS (5 * NS_PER_S)
#define ANNOUNCE_RETRY_NS (50 * NS_PER_MS)

static void
model_changed(void *arg)
{
    struct models *ms = arg;
    ms->announce_at_ns = 0;
}

struct model *
models_find(const struct models *ms, struct span name)
{
    for (size_t i = 0; i < ms->count; i++) {
        if (span_is_text(name, model_name(ms->items[i]))) {
            return ms->items[i];
        }
    }
    return NULL;
}

static enum status
models_grow(struct models *ms)
{
    if (ms->count < ms->capacity) {
        return STATUS_OK;
    }
    size_t capacity = ms->capacity == 0 ? 16 : ms->capacity * 2;
    struct model **items = realloc(ms->items, capacity * sizeof(struct model *));
    if (items == NULL) {
        return STATUS_NO_MEMORY;
    }
    ms->items = items;
    ms->capacity = capacity;
    return STATUS_OK;
}

/* It is read once more: what was read stays for the next look to be compared with. */
enum status
models_take(struct models *ms, struct repository_model *m, struct fault *fault)
{
    struct model *known = models_find(ms, span_of_text(m->name));
    if (known != NULL && model_is_as(known, m)) {
        return STATUS_OK;
    }
    struct repository_model own;
    enum status status =
        repository_read_model(&own, ms->context.config->models, m->name);
    if (status != STATUS_OK) {
        return fault_set(fault, status, "its folder cannot be read");
    }
    struct source *source = source_create(&own);
    if (source == NULL) {
        repository_model_close(&own);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a model");
    }
    if (known != NULL) {
        status = model_update(known, source);
    } else {
        status = models_grow(ms);
        if (status == STATUS_OK) {
            status = model_create(&ms->items[ms->count], &ms->context, source, fault);
        }
        ms->count += status == STATUS_OK ? 1 : 0;
    }
    source_drop(&source);
    return status;
}

static enum status
models_open(struct models *ms, struct outbox *notices, struct fault *fault)
{
    const struct batcher_config *config = ms->context.config;
    enum status status =
        repository_open(&ms->seen, config->models, config->models_load, fault);
    for (size_t i = 0; i < ms->seen.count && status == STATUS_OK; i++) {
        status = models_take(ms, &ms->seen.models[i], fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    ms->look_at_ns = config->models_poll_ns == 0
                         ? TIME_NEVER
                         : clock_mono_ns() + config->models_poll_ns;
    return announcer_create(&ms->announcer, notices, ms->context.bus,
                            config->group_instance, fault);
}

enum status
models_create(struct models **out,
              const struct model_context *context,
              struct outbox *notices,
              struct fault *fault)
{
    struct models *ms = calloc(1, sizeof *ms);
    if (ms == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the models");
    }
    ms->context = *context;
    ms->context.changed = model_changed;
    ms->context.arg = ms;
    enum status status = models_open(ms, notices, fault);
    if (status != STATUS_OK) {
        models_stop(ms);
        models_destroy(&ms);
        return status;
    }
    *out = ms;
    return STATUS_OK;
}

void
models_stop(struct models *ms)
{
    for (size_t i = 0; i < ms->count; i++) {
        model_stop(ms->items[i]);
    }
}

void
models_destroy(struct models **models)
{
    struct models *ms = *models;
    *models = NULL;
    if (ms == NULL) {
        return;
    }
    for (size_t i = 0; i < ms->count; i++) {
        model_destroy(&ms->items[i]);
    }
    announcer_destroy(&ms->announcer);
    free(ms->items);
    repository_close(&ms->seen);
    free(ms);
}

static void
announce_one(void *arg, const struct model_info *info)
{
    struct models *ms = arg;
    struct model_info said = *info;
    if (ms->draining && (said.state == MODEL_READY || said.state == MODEL_UNLOADED)) {
        said.state = MODEL_UNAVAILABLE;
        said.reason = span_of_text("the batcher stops");
    }
    announcer_say(ms->announcer, &said);
}

void
models_announce(struct models *ms, int64_t now_ns)
{
    announcer_begin(ms->announcer);
    for (size_t i = 0; i < ms->count; i++) {
        model_measure(ms->items[i]);
        model_each_info(ms->items[i], announce_one, ms);
    }
    bool all = announcer_end(ms->announcer);
    ms->announce_at_ns = now_ns + (all ? ANNOUNCE_EVERY_NS : ANNOUNCE_RETRY_NS);
}

bool
models_are_announced(const struct models *ms, int64_t now_ns)
{
    for (size_t i = 0; i < ms->count; i++) {
        if (!model_tells_none(ms->items[i])) {
            return false;
        }
    }
    return ms->announce_at_ns > now_ns + ANNOUNCE_RETRY_NS;
}

static int64_t
sooner(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

/** Closes what was removed and has finished. */
static void
models_forget(struct models *ms)
{
    for (size_t i = ms->count; i > 0; i--) {
        struct model *m = ms->items[i - 1];
        if (model_is_over(m)) {
            model_destroy(&m);
            ms->items[i - 1] = ms->items[--ms->count];
            model_changed(ms);
        }
    }
}

int64_t
models_turn(struct models *ms, int64_t now_ns)
{
    int64_t due_ns = ms->draining ? TIME_NEVER : models_poll(ms, now_ns);
    for (size_t i = 0; i < ms->count; i++) {
        due_ns = sooner(due_ns, model_turn(ms->items[i], now_ns));
    }
    due_ns = sooner(due_ns, models_load_next(ms, now_ns));
    due_ns = sooner(due_ns, devices_dispatch(ms->context.devices, now_ns));
    for (size_t i = 0; i < ms->count; i++) {
        due_ns = sooner(due_ns, model_take_in(ms->items[i], now_ns));
    }
    for (size_t i = 0; i < ms->count; i++) {
        due_ns =
            sooner(due_ns, model_tell_running(ms->items[i], ms->announcer, now_ns));
    }
    models_forget(ms);
    if (now_ns >= ms->announce_at_ns) {
        models_announce(ms, now_ns);
    }
    return sooner(ms->announce_at_ns, due_ns);
}

void
models_reload(struct models *ms)
{
    if (!ms->draining) {
        models_look(ms, span_of(NULL, 0));
    }
}

void
models_order(struct models *ms, const struct control *order)
{
    bool load = order->type == CONTROL_LOAD;
    if (ms->draining) {
        return;
    }
    if (load) {
        models_look(ms, order->model);
    }
    struct model *m = models_find(ms, order->model);
    if (m == NULL) {
        log_info("order_for_others", log_span("model", order->model));
    } else {
        model_order(m, load, order->issued_us);
    }
}

void
models_write_memory(struct models *ms, struct buf *out)
{
    buf_append_text(out,
                    "# HELP leat_batcher_model_memory_bytes Memory that a loaded model "
                    "takes: resident on the host, or on the device that is named.\n"
                    "# TYPE leat_batcher_model_memory_bytes gauge\n");
    for (size_t i = 0; i < ms->count; i++) {
        model_write_memory(ms->items[i], out);
    }
}

size_t
models_waiting(const struct models *ms)
{
    size_t waiting = 0;
    for (size_t i = 0; i < ms->count; i++) {
        waiting += model_waiting(ms->items[i]);
    }
    return waiting;
}

void
models_cancel(struct models *ms, const struct uuid *id, struct span tenant)
{
    for (size_t i = 0; i < ms->count; i++) {
        model_cancel(ms->items[i], id, tenant);
    }
}

void
models_drain(struct models *ms)
{
    ms->draining = true;
    for (size_t i = 0; i < ms->count; i++) {
        model_drain(ms->items[i]);
    }
}

bool
models_are_idle(const struct models *ms)
{
    for (size_t i = 0; i < ms->count; i++) {
        if (!model_is_idle(ms->items[i])) {
            return false;
        }
    }
    return true;
}

bool
models_device_is_gone(const struct models *ms)
{
    for (size_t i = 0; i < ms->count; i++) {
        if (model_device_is_gone(ms->items[i])) {
            return true;
        }
    }
    return false;
}

bool
models_are_fenced(const struct models *ms)
{
    for (size_t i = 0; i < ms->count; i++) {
        if (model_is_fenced(ms->items[i])) {
            return true;
        }
    }
    return false;
}

bool
models_are_settled(struct models *ms, const char **waiting_for)
{
    for (size_t i = 0; i < ms->count; i++) {
        if (!model_is_settled(ms->items[i], waiting_for)) {
            return false;
        }
    }
    return true;
}

size_t
models_ready_count(const struct models *ms)
{
    size_t count = 0;
    for (size_t i = 0; i < ms->count; i++) {
        count += model_is_ready(ms->items[i]) ? 1 : 0;
    }
    return count;
}

size_t
models_partitions(const struct models *ms)
{
    size_t count = 0;
    for (size_t i = 0; i < ms->count; i++) {
        count += model_partitions(ms->items[i]);
    }
    return count;
}

enum status
models_collect(struct models *ms, uint32_t number, struct transactor *transactor)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < ms->count; i++) {
        status = model_collect(ms->items[i], number, transactor);
    }
    return status;
}
