/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See instance.h. The path of a batch is slab_wait → slab_take → batch_open → run →
 * slab_give, all in this one thread: the only costs of a hand-over are two eventfds.
 */
#include "runner/instance.h"

#include "runner/backend.h"
#include "runner/slab.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { EXIT_DEVICE_LOST = 75, TIMER_SLACK_NS = 1000 };

struct instance {
    uint32_t id;
    int control_fd;
    struct properties fields;     /* of the load message; owns the texts */
    struct properties properties; /* of model.properties */
    const struct backend_ops *ops;
    void *state; /* ops->state_size bytes, or NULL */
    struct model model;
    struct batch batch; /* the one that runs */
    struct slab slab;
    pthread_t thread;
    atomic_bool stopping;
    atomic_bool ended;
};

static enum slot_outcome
run_slot(struct instance *in, struct slot_head *slot, bool warm_up)
{
    struct batch *b = &in->batch;
    if (batch_open(b, slot, in->slab.slot_bytes, &in->model) != STATUS_OK) {
        return SLOT_FAILED;
    }
    b->warm_up = warm_up;
    return in->ops->run(in->state, b);
}

/* Runs the largest batch in every slot, which also touches the pages it needs. */
static enum status
warm_up(struct instance *in, struct fault *fault)
{
    for (unsigned i = 0; i < SLOTS_PER_INSTANCE; i++) {
        struct slot_head *slot = slot_at(in->slab.base, in->slab.slot_bytes, i);
        enum status status =
            batch_fill_zeros(slot, in->slab.slot_bytes, &in->model, fault);
        if (status != STATUS_OK) {
            return status;
        }
        if (run_slot(in, slot, true) != SLOT_SUCCEEDED) {
            return fault_set(fault, STATUS_MODEL_FAILED, "warm-up: %s", slot->error);
        }
    }
    return STATUS_OK;
}

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
    if (status != STATUS_OK) {
        return status;
    }
    struct model_source source = {
        .directory = field(in, "dir", "."),
        .properties = &in->properties,
        .device = field(in, "device", "cpu"),
    };
    status = in->ops->load(in->state, &source, &in->model, fault);
    return status == STATUS_OK ? warm_up(in, fault) : status;
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
say_loaded(const struct instance *in)
{
    struct buf message;
    control_begin(&message, "loaded");
    control_add_number(&message, "instance", in->id);
    control_add(&message, "platform", in->ops->platform);
    add_tensors(&message, "input", in->model.inputs, in->model.input_count);
    add_tensors(&message, "output", in->model.outputs, in->model.output_count);
    control_send(in->control_fd, &message);
}

static void
say_failed(const struct instance *in, const struct fault *fault)
{
    struct buf message;
    control_begin(&message, "failed");
    control_add_number(&message, "instance", in->id);
    control_add(&message, "reason", fault->text);
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
run_filled(struct instance *in)
{
    struct slot_head *slot = slab_take(&in->slab);
    while (slot != NULL) {
        enum slot_outcome outcome = run_slot(in, slot, false);
        slab_give(&in->slab, slot, outcome);
        if (outcome == SLOT_DEVICE_LOST) {
            control_log(in->control_fd, "error", in->id, "the device is lost");
            _exit(EXIT_DEVICE_LOST);
        }
        slot = slab_take(&in->slab);
    }
}

static void
serve(struct instance *in)
{
    bool last = false;
    while (!last) {
        /* Read before the look at the slots: what was filled before the stop is run. */
        last = atomic_load_explicit(&in->stopping, memory_order_acquire);
        run_filled(in);
        if (!last) {
            slab_wait(&in->slab);
        }
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
choose_backend(struct instance *in, const char *platform, struct fault *fault)
{
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
    in->state = calloc(1, in->ops->state_size > 0 ? in->ops->state_size : 1);
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
    const char *platform = properties_text(&load->fields, "platform");
    enum status status = choose_backend(in, platform, fault);
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
    atomic_store_explicit(&instance->stopping, true, memory_order_release);
    slab_ring(&instance->slab);
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
