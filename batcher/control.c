/* SPDX-License-Identifier: Apache-2.0 */
/* An order without what it is about is no order. */
#include "batcher/control.h"

#include "base/arena.h"
#include "base/log.h"
#include "bus/consumer.h"
#include "schemas/codec.h"

#include <stdlib.h>

enum { ARENA_BYTES = 4096 };

struct control_topic {
    struct consumer *consumer;
    control_order_fn obey;
    void *arg;
    struct arena arena;
    bool caught_up;
    char name[TOPIC_NAME_MAX + 1];
};

static void
control_obey(struct control_topic *t, const struct control *c)
{
    static const struct uuid none;
    bool whole =
        c->type == CONTROL_CANCEL ? !uuid_equal(&c->id, &none) : c->model.size > 0;
    if (whole) {
        t->obey(t->arg, c);
    } else {
        log_info("control_ignored", log_int("type", (int64_t)c->type),
                 log_span("model", c->model));
    }
}

static void
on_record(void *arg, struct record *r)
{
    struct control_topic *t = arg;
    struct control c;
    struct fault fault = {.text = ""};
    arena_reset(&t->arena);
    if (control_decode(r->value, &t->arena, &c, &fault) == STATUS_OK) {
        control_obey(t, &c);
    } else {
        log_warn("control_unreadable", log_int("offset", r->offset),
                 log_text("reason", fault.text));
    }
    record_release(&r);
}

static void
on_reached_end(void *arg, const char *name, int32_t partition)
{
    (void)name;
    (void)partition;
    struct control_topic *t = arg;
    t->caught_up = true;
}

static enum status
control_topic_start(struct control_topic *t,
                    struct loop *loop,
                    const struct bus_config *bus,
                    struct fault *fault)
{
    static const struct consumer_events events = {.record = on_record,
                                                  .reached_end = on_reached_end};
    const struct consumer_config config = {.name = "control"};
    enum status status = bus_topic_name(bus, TOPIC_CONTROL, span_of(NULL, 0), t->name);
    if (status != STATUS_OK) {
        return fault_set(fault, status, "the control topic has no valid name");
    }
    status = consumer_create(&t->consumer, loop, bus, &config, &events, t, fault);
    if (status != STATUS_OK) {
        return status;
    }
    const struct partition only = {
        .topic = t->name, .partition = 0, .offset = OFFSET_BEGINNING};
    status = consumer_assign(t->consumer, &only, 1);
    if (status != STATUS_OK) {
        return fault_set(fault, status, "cannot read topic %s", t->name);
    }
    return STATUS_OK;
}

enum status
control_topic_open(struct control_topic **out,
                   struct loop *loop,
                   const struct bus_config *bus,
                   control_order_fn obey,
                   void *arg,
                   struct fault *fault)
{
    struct control_topic *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the control topic");
    }
    t->obey = obey;
    t->arg = arg;
    arena_init(&t->arena, ARENA_BYTES);
    enum status status = control_topic_start(t, loop, bus, fault);
    if (status != STATUS_OK) {
        control_topic_close(&t);
        return status;
    }
    *out = t;
    return STATUS_OK;
}

bool
control_topic_caught_up(const struct control_topic *topic)
{
    return topic->caught_up;
}

void
control_topic_close(struct control_topic **topic)
{
    struct control_topic *t = *topic;
    if (t == NULL) {
        return;
    }
    if (t->consumer != NULL) {
        consumer_destroy(&t->consumer);
    }
    arena_fini(&t->arena);
    free(t);
    *topic = NULL;
}
