/* SPDX-License-Identifier: Apache-2.0 */
/* An array of models, as the repository has them, and the announcer that tells of them.
 */
#include "batcher/models.h"

#include "base/clock.h"
#include "batcher/announce.h"
#include "batcher/device.h"
#include "batcher/repository.h"

#include <stdlib.h>

#define ANNOUNCE_EVERY_NS (5 * NS_PER_S)
#define ANNOUNCE_RETRY_NS (50 * NS_PER_MS)

struct models {
    struct model_context context;
    struct repository repository;
    struct model **items; /* one per entry of the repository */
    size_t count;
    struct announcer *announcer;
    int64_t announce_at_ns;
    bool draining;
};

static void
model_changed(void *arg)
{
    struct models *ms = arg;
    ms->announce_at_ns = 0;
}

static enum status
models_open(struct models *ms, struct outbox *notices, struct fault *fault)
{
    const struct batcher_config *config = ms->context.config;
    enum status status =
        repository_open(&ms->repository, config->models, config->models_load, fault);
    if (status != STATUS_OK) {
        return status;
    }
    ms->items = calloc(ms->repository.count, sizeof(struct model *));
    if (ms->items == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the models");
    }
    for (size_t i = 0; i < ms->repository.count; i++) {
        status =
            model_create(&ms->items[i], &ms->context, &ms->repository.models[i], fault);
        if (status != STATUS_OK) {
            return status;
        }
        ms->count++;
    }
    return announcer_create(&ms->announcer, notices, ms->context.bus,
                            config->group_instance, ms->count, fault);
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
    repository_close(&ms->repository);
    free(ms);
}

void
models_announce(struct models *ms, int64_t now_ns)
{
    ms->announce_at_ns = now_ns + ANNOUNCE_EVERY_NS;
    for (size_t i = 0; i < ms->count; i++) {
        struct model_info info = model_info(ms->items[i]);
        if (ms->draining && info.state == MODEL_READY) {
            info.state = MODEL_UNAVAILABLE;
            info.reason = span_of_text("the batcher stops");
        }
        if (announcer_send(ms->announcer, i, &info) != STATUS_OK) {
            ms->announce_at_ns = now_ns + ANNOUNCE_RETRY_NS;
        }
    }
}

bool
models_are_announced(const struct models *ms, int64_t now_ns)
{
    return ms->announce_at_ns > now_ns + ANNOUNCE_RETRY_NS;
}

int64_t
models_turn(struct models *ms, int64_t now_ns)
{
    int64_t due_ns = TIME_NEVER;
    for (size_t i = 0; i < ms->count; i++) {
        int64_t model_ns = model_turn(ms->items[i], now_ns);
        due_ns = model_ns < due_ns ? model_ns : due_ns;
    }
    int64_t devices_ns = devices_dispatch(ms->context.devices, now_ns);
    due_ns = devices_ns < due_ns ? devices_ns : due_ns;
    for (size_t i = 0; i < ms->count; i++) {
        int64_t model_ns = model_take_in(ms->items[i], now_ns);
        due_ns = model_ns < due_ns ? model_ns : due_ns;
    }
    if (now_ns >= ms->announce_at_ns) {
        models_announce(ms, now_ns);
    }
    return ms->announce_at_ns < due_ns ? ms->announce_at_ns : due_ns;
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
        count += model_info(ms->items[i]).state == MODEL_READY ? 1 : 0;
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
