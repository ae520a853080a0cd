/* SPDX-License-Identifier: Apache-2.0 */
/* A consumer whose records go where their keys say; what does not decode is
 * logged and left out, for the other models must stay served.
 */
#include "ingest/models_topic.h"

#include "base/clock.h"
#include "base/log.h"
#include "bus/consumer.h"

#include <stdlib.h>

struct models_topic {
    struct catalogue *catalogue;
    struct running_jobs *running;
    struct consumer *consumer;
    models_topic_fn fn;
    void *arg;
    bool caught_up;
    char name[TOPIC_NAME_MAX + 1];
};

static void
on_record(void *arg, struct record *r)
{
    struct models_topic *topic = arg;
    struct catalogue_model *model = NULL;
    struct fault fault = {0};
    int64_t heard_us = topic->caught_up ? clock_wall_us() : 0;
    enum status status =
        running_jobs_is_key(r->key)
            ? running_jobs_apply(topic->running, r->key, r->value, heard_us, &fault)
            : catalogue_apply(topic->catalogue, r->key, r->value, heard_us, &model,
                              &fault);
    if (status != STATUS_OK) {
        log_warn("model_state_unreadable", log_span("key", r->key),
                 log_int("offset", r->offset), log_text("reason", fault.text));
    } else if (model != NULL && model->entry_count > 0) {
        topic->fn(topic->arg, model);
    }
    record_release(&r);
}

static void
on_assigned(void *arg, struct partition *parts, size_t count)
{
    (void)arg;
    (void)parts;
    (void)count;
}

static void
on_reached_end(void *arg, const char *name, int32_t partition)
{
    struct models_topic *topic = arg;
    (void)name;
    (void)partition;
    topic->caught_up = true;
}

static enum status
consumer_start(struct models_topic *topic,
               struct loop *loop,
               const struct bus_config *bus,
               struct fault *fault)
{
    static const struct consumer_events events = {
        .record = on_record,
        .assigned = on_assigned,
        .reached_end = on_reached_end,
    };
    const struct consumer_config config = {.name = "models"};
    enum status status =
        consumer_create(&topic->consumer, loop, bus, &config, &events, topic, fault);
    if (status != STATUS_OK) {
        return status;
    }
    const struct partition first = {
        .topic = topic->name, .partition = 0, .offset = OFFSET_BEGINNING};
    status = consumer_assign(topic->consumer, &first, 1);
    if (status != STATUS_OK) {
        fault_set(fault, status, "cannot read topic %s", topic->name);
    }
    return status;
}

enum status
models_topic_open(struct models_topic **out,
                  struct loop *loop,
                  const struct bus_config *bus,
                  models_topic_fn fn,
                  void *arg,
                  struct fault *fault)
{
    struct models_topic *topic = calloc(1, sizeof(*topic));
    if (topic == NULL) {
        return STATUS_NO_MEMORY;
    }
    topic->fn = fn;
    topic->arg = arg;
    enum status status =
        bus_topic_name(bus, TOPIC_MODELS, span_of_text(""), topic->name);
    if (status == STATUS_OK) {
        status = catalogue_create(&topic->catalogue);
    }
    if (status == STATUS_OK) {
        status = running_jobs_create(&topic->running, (uint64_t)clock_mono_ns());
    }
    if (status == STATUS_OK) {
        status = consumer_start(topic, loop, bus, fault);
    }
    if (status != STATUS_OK) {
        models_topic_close(&topic);
        return status;
    }
    *out = topic;
    return STATUS_OK;
}

void
models_topic_close(struct models_topic **topic)
{
    struct models_topic *t = *topic;
    *topic = NULL;
    if (t == NULL) {
        return;
    }
    if (t->consumer != NULL) {
        consumer_destroy(&t->consumer);
    }
    catalogue_destroy(&t->catalogue);
    running_jobs_destroy(&t->running);
    free(t);
}

const struct catalogue *
models_topic_catalogue(const struct models_topic *topic)
{
    return topic->catalogue;
}

struct running_jobs *
models_topic_running(const struct models_topic *topic)
{
    return topic->running;
}

bool
models_topic_caught_up(const struct models_topic *topic)
{
    return topic->caught_up;
}
