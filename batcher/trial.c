/* SPDX-License-Identifier: Apache-2.0 */
/* See trial.h. The loader does it; a runner that dies is not started a second time. */
#include "batcher/trial.h"

#include "base/clock.h"
#include "batcher/instance.h"
#include "batcher/loader.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAMES_BYTES = 64 * 1024 };

struct attempt {
    struct trial *trial;
    const struct repository_model *source;
    const struct repository_version *files;
    struct instance *instances;
    struct loader loader;
    bool over;
};

static void
end(struct attempt *a, bool loaded, const char *reason)
{
    if (!a->over) {
        a->over = true;
        a->trial->loaded = loaded;
        snprintf(a->trial->reason, sizeof a->trial->reason, "%s", reason);
    }
}

static enum status
trial_described(void *arg, struct span message, struct fault *fault)
{
    struct attempt *a = arg;
    return model_spec_read(&a->trial->spec, message, &a->trial->arena, fault);
}

static void
trial_measured(void *arg, struct span message, bool first)
{
    struct attempt *a = arg;
    struct trial *t = a->trial;
    t->device_bytes += model_spec_memory(message);
    while (first && t->cost_count < TRIAL_COSTS_MAX &&
           model_spec_next_cost(&message, &t->costs[t->cost_count])) {
        t->cost_count++;
    }
}

static void
trial_loaded(void *arg)
{
    struct attempt *a = arg;
    a->trial->memory_bytes = loader_memory(&a->loader);
    end(a, true, "");
}

static void
trial_died(void *arg, const char *how)
{
    char reason[200];
    snprintf(reason, sizeof reason, "the runner died while it loaded: %s", how);
    end(arg, false, reason);
}

/* Of a runner that follows another one, which is not waited for. */
static void
trial_starved(void *arg)
{
    (void)arg;
}

static void
trial_failed(void *arg, const char *reason, bool no_memory)
{
    (void)no_memory;
    end(arg, false, reason);
}

static void
wait_for_end(struct attempt *a, struct loop *loop)
{
    while (!a->over) {
        int64_t now_ns = clock_mono_ns();
        int64_t due_ns = loader_turn(&a->loader, now_ns);
        if (!a->over) {
            int64_t most_ns = now_ns + NS_PER_S;
            loop_turn(loop, (due_ns < most_ns ? due_ns : most_ns) - now_ns);
        }
    }
}

/** @param[out] count those that are to be closed, also on error */
static enum status
open_instances(struct attempt *a,
               struct loop *loop,
               const struct batcher_config *config,
               uint32_t *count)
{
    enum status status = STATUS_OK;
    *count = 0;
    a->instances = calloc(a->source->instances, sizeof *a->instances);
    if (a->instances == NULL) {
        return STATUS_NO_MEMORY;
    }
    while (*count < a->source->instances && status == STATUS_OK) {
        struct instance *in = &a->instances[*count];
        in->index = *count;
        status = instance_open(in, loop, (uint64_t)config->slot_bytes,
                               NULL /* no batch */, NULL);
        *count += status == STATUS_OK ? 1 : 0;
    }
    return status;
}

static void
load_all(struct attempt *a, struct loop *loop, const struct batcher_config *config)
{
    a->loader =
        (struct loader){.loop = loop,
                        .programs = {.runner = config->runner_command,
                                     .python = config->runner_python,
                                     .python_script = config->runner_python_script},
                        .source = a->source,
                        .files = a->files,
                        .instances = a->instances,
                        .instance_count = a->source->instances,
                        .events = {.described = trial_described,
                                   .measured = trial_measured,
                                   .loaded = trial_loaded,
                                   .died = trial_died,
                                   .starved = trial_starved,
                                   .failed = trial_failed},
                        .arg = a};
    int64_t begin_ns = clock_mono_ns();
    loader_init(&a->loader);
    wait_for_end(a, loop);
    a->trial->took_ns = clock_mono_ns() - begin_ns;
    loader_stop(&a->loader);
}

static enum status
trial_on(struct attempt *a, struct loop *loop, const struct batcher_config *config)
{
    uint32_t count = 0;
    enum status status = open_instances(a, loop, config, &count);
    if (status == STATUS_OK) {
        load_all(a, loop, config);
    }
    while (count > 0) {
        instance_close(&a->instances[--count]);
    }
    free(a->instances);
    return status;
}

enum status
trial_run(struct trial *out,
          const struct batcher_config *config,
          const struct repository_model *m,
          const struct repository_version *version,
          struct fault *fault)
{
    struct attempt a = {.trial = out, .source = m, .files = version};
    struct loop *loop = NULL;
    *out = (struct trial){.spec = {.max_batch_size = m->max_batch_size}};
    arena_init(&out->arena, NAMES_BYTES);
    enum status status = loop_create(&loop);
    if (status == STATUS_OK) {
        status = trial_on(&a, loop, config);
    }
    loop_destroy(&loop);
    return status == STATUS_OK
               ? STATUS_OK
               : fault_set(fault, status, "a runner cannot be tried: %s",
                           status_name(status));
}

void
trial_close(struct trial *t)
{
    arena_fini(&t->arena);
}
