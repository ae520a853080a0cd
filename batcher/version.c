/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader tells how the runner is; the state follows from what it says. Dispatcher
 * and slabs are there only while the version is open.
 */
#include "batcher/version.h"

#include "base/clock.h"
#include "base/log.h"
#include "batcher/harvest.h"
#include "batcher/metrics.h"
#include "batcher/resident.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_BYTES = 64 * 1024, STARVINGS_MAX = 8 };

static_assert((int)MODEL_INSTANCES_MAX == (int)DEVICE_LANES, "a lane per instance");

static void
version_move(struct version *v, enum model_state state, const char *reason)
{
    if (reason != v->reason) {
        snprintf(v->reason, sizeof v->reason, "%s", reason);
    }
    v->state = state;
    v->context.changed(v->context.arg);
}

/* What the loader tells. */

void
version_sate(struct version *v)
{
    v->starved = false;
    v->room_made = false;
}

static void
fail(struct version *v, const char *reason)
{
    version_sate(v);
    v->starvings = 0;
    v->had_device = false;
    log_error("model_failed", log_text("model", v->source->model.name),
              log_text("version", v->files->name), log_text("reason", reason));
    metric_add(&batcher_metrics[METRIC_LOADS_FAILED], 1);
    version_move(v, MODEL_FAILED, reason);
}

/* What leaves the device may make room for it. */
static void
version_failed(void *arg, const char *reason, bool no_memory)
{
    struct version *v = arg;
    if (!no_memory || version_device(v) == NULL || v->starvings == STARVINGS_MAX) {
        fail(v, reason);
        return;
    }
    log_warn("model_starved", log_text("model", v->source->model.name),
             log_text("version", v->files->name), log_text("reason", reason));
    metric_add(&batcher_metrics[METRIC_LOADS_STARVED], 1);
    v->starved = true;
    v->starvings++;
    v->leaving = true;
    version_move(v, MODEL_UNLOADED, reason);
}

void
version_give_up(struct version *v)
{
    fail(v, v->reason);
}

static enum status
version_described(void *arg, struct span message, struct fault *fault)
{
    struct version *v = arg;
    arena_reset(&v->names);
    return model_spec_read(&v->spec, message, &v->names, fault);
}

static void
version_measured(void *arg, struct span message, bool first)
{
    struct version *v = arg;
    dispatcher_seed(&v->dispatcher, message, first);
    v->told_bytes = (first ? 0 : v->told_bytes) + model_spec_memory(message);
    if (v->told_bytes > 0) {
        v->device_bytes = v->told_bytes;
    }
}

static void
version_loaded(void *arg)
{
    struct version *v = arg;
    if (v->leaving && version_is_empty(v)) {
        return;
    }
    dispatcher_serve(&v->dispatcher, &v->spec);
    v->loaded_ns = clock_mono_ns();
    v->starvings = 0;
    v->had_device = false;
    version_sate(v);
    version_measure(v);
    version_move(v, MODEL_READY, "");
}

static void
version_starved(void *arg)
{
    struct version *v = arg;
    metric_add(&batcher_metrics[METRIC_LOADS_STARVED], 1);
    v->starved = version_device(v) != NULL;
}

static void
version_died(void *arg, const char *how)
{
    struct version *v = arg;
    if (v->dispatcher.spec != NULL) {
        harvest_dead(&v->dispatcher, how);
    }
    bool was_loaded = v->state == MODEL_READY || v->state == MODEL_UNAVAILABLE;
    version_move(v, was_loaded ? MODEL_UNAVAILABLE : MODEL_LOADING, how);
}

/* Life. */

struct version *
version_create(const struct version_context *context,
               struct source *source,
               const struct repository_version *files)
{
    struct version *v = calloc(1, sizeof *v);
    if (v == NULL) {
        return NULL;
    }
    const struct repository_model *m = &source->model;
    v->context = *context;
    v->source = source_share(source);
    v->files = files;
    v->state = MODEL_UNLOADED;
    v->spec.model = span_of_text(m->name);
    v->spec.version = span_of_text(files->name);
    v->spec.platform = span_of_text(m->platform != NULL ? m->platform : "");
    v->spec.max_batch_size = m->max_batch_size;
    arena_init(&v->names, NAMES_BYTES);
    return v;
}

static enum status
open_dispatcher(struct version *v)
{
    const struct batcher_config *c = v->context.config;
    const struct repository_model *m = &v->source->model;
    const struct dispatcher_config config = {
        .instances = m->instances,
        .waiting_max = (size_t)c->queue_requests_max,
        .waiting_bytes_max = (size_t)c->queue_bytes_max,
        .slot_bytes = (uint64_t)c->slot_bytes,
        .run_timeout_ns = c->run_timeout_ns,
        .rows_max = model_spec_rows_max(&v->spec),
        .batching = &m->batching,
        .allow_nan = m->allow_nan,
        .device = devices_find(v->context.devices, m->device)};
    if (config.device == NULL) {
        return STATUS_NO_MEMORY;
    }
    return dispatcher_init(&v->dispatcher, v->context.loop, &config, v->context.outbox,
                           v->context.items, v);
}

static int64_t
memory_max(const struct version *v)
{
    int64_t own = v->source->model.memory_max;
    return own < 0 ? v->context.config->runner_memory_max : own;
}

void
version_load(struct version *v)
{
    enum status status = open_dispatcher(v);
    if (status != STATUS_OK) {
        fail(v, "no memory for the slabs");
        return;
    }
    v->open = true;
    v->leaving = false;
    version_sate(v);
    version_move(v, MODEL_LOADING, "");
    const struct batcher_config *config = v->context.config;
    v->loader =
        (struct loader){.loop = v->context.loop,
                        .programs = {.runner = config->runner_command,
                                     .python = config->runner_python,
                                     .python_script = config->runner_python_script},
                        .memory = {.bytes_max = memory_max(v)},
                        .source = &v->source->model,
                        .files = v->files,
                        .instances = v->dispatcher.instances,
                        .instance_count = v->source->model.instances,
                        .events = {.described = version_described,
                                   .measured = version_measured,
                                   .loaded = version_loaded,
                                   .died = version_died,
                                   .starved = version_starved,
                                   .failed = version_failed},
                        .arg = v};
    loader_init(&v->loader);
}

static void
version_close(struct version *v)
{
    if (v->open) {
        dispatcher_fini(&v->dispatcher);
        v->dispatcher = (struct dispatcher){.spec = NULL};
        v->open = false;
    }
}

void
version_stop(struct version *v)
{
    if (v->open) {
        loader_stop(&v->loader);
        dispatcher_drop_all(&v->dispatcher);
        v->dispatcher.serving = false;
    }
}

void
version_destroy(struct version **version)
{
    struct version *v = *version;
    *version = NULL;
    version_close(v);
    source_drop(&v->source);
    arena_fini(&v->names);
    free(v);
}

void
version_leave(struct version *v)
{
    if (v->leaving || !v->open) {
        return;
    }
    v->leaving = true;
    log_info("model_leaves", log_text("model", v->source->model.name),
             log_text("version", v->files->name),
             log_int("waiting", (int64_t)former_count(v->dispatcher.former)));
    v->context.changed(v->context.arg);
}

/* Over its memory a runner ends what it has, and gets no more. */
static void
bound_memory(struct version *v, int64_t now_ns)
{
    enum memory_verdict verdict = loader_memory_verdict(&v->loader, now_ns);
    if (verdict == MEMORY_FINE) {
        return;
    }
    v->dispatcher.serving = false;
    if (verdict == MEMORY_BROKEN || v->dispatcher.under_way == 0) {
        bool own = v->source->model.memory_max >= 0;
        loader_kill(&v->loader, own ? "killed: it held more than its memory.max"
                                    : "killed: it held more than runner.memory.max");
    }
}

static void
watch_runner(struct version *v, int64_t now_ns)
{
    bound_memory(v, now_ns);
    if (dispatcher_overran(&v->dispatcher, now_ns)) {
        loader_kill(&v->loader, "killed: a batch ran over batcher.run.timeout");
    } else if (v->dispatcher.device_lost) {
        loader_kill(&v->loader, "it lost the device");
    }
}

/** Takes the end on by one step: nothing left to do, the runner gone, closed. */
static void
advance_end(struct version *v, int64_t now_ns)
{
    if (v->leaving && version_is_empty(v)) {
        v->dispatcher.serving = false;
        loader_unload(&v->loader, now_ns);
    }
    bool over = v->leaving || v->state == MODEL_FAILED;
    if (!over || !loader_is_over(&v->loader)) {
        return;
    }
    bool left = v->leaving;
    version_close(v);
    v->leaving = false;
    if (left) {
        log_info("model_unloaded", log_text("model", v->source->model.name),
                 log_text("version", v->files->name));
        version_move(v, MODEL_UNLOADED, v->starved ? v->reason : "");
    }
}

int64_t
version_turn(struct version *v, int64_t now_ns)
{
    if (!v->open) {
        return TIME_NEVER;
    }
    watch_runner(v, now_ns);
    int64_t due_ns = loader_turn(&v->loader, now_ns);
    if (v->dispatcher.spec != NULL) {
        int64_t dispatch_ns = dispatcher_turn(&v->dispatcher, now_ns);
        due_ns = dispatch_ns < due_ns ? dispatch_ns : due_ns;
    }
    advance_end(v, now_ns);
    return due_ns;
}

bool
version_takes(const struct version *v)
{
    return v->open && !v->leaving &&
           (v->state == MODEL_READY || v->state == MODEL_UNAVAILABLE);
}

bool
version_is_empty(const struct version *v)
{
    return !v->open || (former_count(v->dispatcher.former) == 0 &&
                        v->dispatcher.redo == NULL && v->dispatcher.under_way == 0);
}

bool
version_is_of(const struct version *v, const struct repository_version *files)
{
    return v->files->number == files->number &&
           v->files->fingerprint == files->fingerprint;
}

void
version_measure(struct version *v)
{
    int64_t bytes = v->open ? loader_memory(&v->loader) : 0;
    v->memory_bytes = bytes > 0 ? bytes : v->memory_bytes;
}

const char *
version_device(const struct version *v)
{
    return repository_model_accelerator(&v->source->model);
}

int64_t
version_memory(const struct version *v, const char *where)
{
    const char *device = version_device(v);
    if (strcmp(where, RESIDENT_HOST) == 0) {
        return v->memory_bytes;
    }
    return device != NULL && strcmp(where, device) == 0 ? v->device_bytes : 0;
}

struct model_info
version_info(const struct version *v)
{
    struct model_info info = model_spec_info(&v->spec);
    info.state = v->state;
    info.reason = span_of_text(v->reason);
    info.replicas = (int32_t)v->source->model.instances;
    if (v->leaving) {
        info.state = MODEL_UNAVAILABLE;
        info.reason = span_of_text("it is being unloaded");
    }
    if (v->open) {
        info.memory_bytes =
            v->memory_bytes + (version_device(v) != NULL ? v->device_bytes : 0);
        info.batch_us =
            cost_mean(&v->dispatcher.run, model_spec_rows_max(&v->spec)) / NS_PER_US;
    }
    return info;
}
