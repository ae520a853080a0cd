/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See instance.h: what an instance says and how long it lives. What its batches go
 * through is pipeline.h.
 */
#include "runner/instance.h"

#include "runner/backend.h"
#include "runner/device_memory.h"
#include "runner/pipeline.h"
#include "runner/slab.h"
#include "runner/warm_up.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { EXIT_DEVICE_LOST = 75, TIMER_SLACK_NS = 1 };

struct instance {
    uint32_t id;
    int control_fd;
    struct properties fields;     /* of the load message; owns the texts */
    struct properties properties; /* of model.properties */
    const struct backend_ops *ops;
    void *state; /* ops->state_size bytes */
    struct model model;
    struct slab slab;
    struct warm_up warm_up;
    struct pipeline pipeline;
    pthread_t thread;
    atomic_bool ended;
};

static const char *
field(const struct instance *in, const char *key, const char *fallback)
{
    const char *value = properties_text(&in->fields, key);
    return value == NULL ? fallback : value;
}

static enum status
load_model(struct instance *in, struct fault *fault)
{
    static const int64_t rows[] = {0, SLOT_ROWS_MAX};
    int64_t most = 0;
    enum status status =
        properties_int(&in->fields, "max_batch_size", rows, &most, fault);
    if (status != STATUS_OK) {
        return status;
    }
    in->model.max_batch_size = (uint32_t)most;
    status = model_read_tensors(&in->model, &in->properties, fault);
    if (status == STATUS_OK) {
        status = model_read_buckets(&in->model, &in->properties, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct model_source source = {
        .platform = field(in, "platform", ""),
        .directory = field(in, "dir", "."),
        .properties = &in->properties,
        .device = field(in, "device", "cpu"),
        .control_fd = in->control_fd,
        .instance = in->id,
        .slab = in->slab.base,
        .slab_bytes = in->slab.size,
    };
    status = in->ops->load(in->state, &source, &in->model, fault);
    if (status == STATUS_OK) {
        status = warm_up_run(&in->warm_up, &in->pipeline, &source, fault);
    }
    if (status == STATUS_OK && in->model.device_bytes == 0) {
        in->model.device_bytes = device_memory_claim();
    }
    return status == STATUS_OK ? pipeline_start(&in->pipeline, fault) : status;
}

static void
add_tensors(struct buf *message,
            const char *key,
            const struct model_tensor *tensors,
            uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        buf_append_format(message, "%s=", key);
        model_tensor_format(&tensors[i], message);
        buf_append_byte(message, '\n');
    }
}

static void
add_costs(struct buf *message, const struct warm_up *w)
{
    for (size_t i = 0; i < w->count; i++) {
        const struct warm_up_cost *c = &w->costs[i];
        if (c->run_ns > 0) {
            buf_append_format(message, "cost=%" PRIu32 " %" PRId64 " %" PRId64 "\n",
                              c->rows, c->prepare_ns, c->run_ns);
        }
    }
}

static void
say_loaded(const struct instance *in)
{
    struct buf message;
    control_begin(&message, "loaded");
    control_add_number(&message, "instance", in->id);
    control_add(&message, "platform", field(in, "platform", ""));
    add_tensors(&message, "input", in->model.inputs, in->model.input_count);
    add_tensors(&message, "output", in->model.outputs, in->model.output_count);
    add_costs(&message, &in->warm_up);
    if (in->model.device_bytes > 0) {
        control_add_number(&message, "memory", in->model.device_bytes);
    }
    control_send(in->control_fd, &message);
}

static void
say_failed(const struct instance *in, const struct fault *fault)
{
    struct buf message;
    control_begin(&message, "failed");
    control_add_number(&message, "instance", in->id);
    control_add(&message, "reason", fault->text);
    if (fault->status == STATUS_NO_MEMORY) {
        control_add(&message, "cause", "out_of_memory");
    }
    control_send(in->control_fd, &message);
}

static void
say_unloaded(const struct instance *in)
{
    struct buf message;
    control_begin(&message, "unloaded");
    control_add_number(&message, "instance", in->id);
    control_send(in->control_fd, &message);
}

static void
serve(struct instance *in)
{
    if (pipeline_serve(&in->pipeline) == SLOT_DEVICE_LOST) {
        control_log(in->control_fd, "error", in->id, "the device is lost");
        _exit(EXIT_DEVICE_LOST);
    }
}

static void *
instance_main(void *arg)
{
    struct instance *in = arg;
    struct fault fault = {.status = STATUS_OK};
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
    bool loaded = load_model(in, &fault) == STATUS_OK;
    if (loaded) {
        say_loaded(in);
        serve(in);
    }
    if (in->ops->unload != NULL) {
        in->ops->unload(in->state);
    }
    slab_unmap(&in->slab);
    /* Before the word of it: the parent may answer with a load of the same number. */
    atomic_store_explicit(&in->ended, true, memory_order_release);
    if (loaded) {
        say_unloaded(in);
    } else {
        say_failed(in, &fault);
    }
    return NULL;
}

static enum status
choose_backend(struct instance *in, const struct properties *load, struct fault *fault)
{
    const char *platform = properties_text(load, "platform");
    in->ops = backend_find(platform == NULL ? "" : platform);
    if (in->ops == NULL) {
        struct buf names;
        buf_init(&names, sizeof fault->text);
        backend_list(&names);
        enum status status =
            fault_set(fault, STATUS_UNSUPPORTED, "platform=%.60s: this runner has %.*s",
                      platform == NULL ? "" : platform, (int)names.size,
                      (const char *)names.data);
        buf_fini(&names);
        return status;
    }
    if (properties_text(load, "property.steps") != NULL) {
        in->ops = &backend_steps;
    }
    in->state = calloc(1, in->ops->state_size > 0 ? in->ops->state_size : 1);
    in->pipeline.ops = in->ops;
    in->pipeline.state = in->state;
    return in->state != NULL ? STATUS_OK
                             : fault_set(fault, STATUS_NO_MEMORY, "no memory");
}

enum status
instance_start(struct instance **out,
               uint32_t id,
               int control_fd,
               struct control_message *load,
               struct fault *fault)
{
    struct instance *in = calloc(1, sizeof *in);
    if (in == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the instance");
    }
    in->id = id;
    in->control_fd = control_fd;
    in->pipeline.model = &in->model;
    in->pipeline.slab = &in->slab;
    enum status status = choose_backend(in, &load->fields, fault);
    if (status == STATUS_OK) {
        status = slab_open(&in->slab, load, fault);
    }
    if (status != STATUS_OK) {
        free(in->state);
        free(in);
        return status;
    }
    in->fields = load->fields;
    load->fields = (struct properties){.count = 0};
    properties_subset(&in->fields, "property.", &in->properties);
    if (pthread_create(&in->thread, NULL, instance_main, in) != 0) {
        slab_unmap(&in->slab);
        slab_close(&in->slab);
        properties_fini(&in->fields);
        free(in->state);
        free(in);
        return fault_set(fault, STATUS_IO, "no thread for the instance");
    }
    *out = in;
    return STATUS_OK;
}

uint32_t
instance_id(const struct instance *instance)
{
    return instance->id;
}

void
instance_stop(struct instance *instance)
{
    pipeline_stop(&instance->pipeline);
}

bool
instance_ended(const struct instance *instance)
{
    return atomic_load_explicit(&instance->ended, memory_order_acquire);
}

void
instance_destroy(struct instance **instance)
{
    struct instance *in = *instance;
    pthread_join(in->thread, NULL);
    slab_close(&in->slab);
    properties_fini(&in->fields);
    free(in->state);
    free(in);
    *instance = NULL;
}
