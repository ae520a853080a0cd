/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of each partition is asked for at start and read from as an explicit offset:
 * OFFSET_END would be resolved later and could skip what comes in between.
 */
#include "cli/replies_tap.h"

#include "base/clock.h"
#include "bus/consumer.h"
#include "schemas/codec.h"

#include <stdlib.h>

enum { TAP_PARTITIONS_MAX = 1024, TAP_ARENA_BYTES = 1 << 20 };

struct replies_tap {
    struct consumer *consumer;
    struct arena arena;
    replies_tap_fn fn;
    void *arg;
};

static void
tap_record(void *arg, struct record *r)
{
    struct replies_tap *tap = arg;
    struct reply reply;
    arena_reset(&tap->arena);
    if (reply_decode(r->value, &tap->arena, &reply, NULL) == STATUS_OK &&
        reply_is_terminal(&reply)) {
        tap->fn(tap->arg, &reply);
    }
    record_release(&r);
}

static void
tap_assigned(void *arg, struct partition *parts, size_t count)
{
    (void)arg;
    (void)parts;
    (void)count;
}

static enum status
tap_assign(struct replies_tap *tap, const char *topic)
{
    static struct partition parts[TAP_PARTITIONS_MAX];
    int32_t count = 0;
    enum status status =
        consumer_partitions(tap->consumer, topic, 10 * NS_PER_S, &count);
    if (status == STATUS_OK && count > TAP_PARTITIONS_MAX) {
        status = STATUS_TOO_LARGE;
    }
    for (int32_t i = 0; status == STATUS_OK && i < count; i++) {
        int64_t low = 0;
        parts[i] = (struct partition){.topic = topic, .partition = i};
        status = consumer_bounds(tap->consumer, topic, i, 10 * NS_PER_S, &low,
                                 &parts[i].offset);
    }
    if (status != STATUS_OK) {
        return status;
    }
    return consumer_assign(tap->consumer, parts, (size_t)count);
}

enum status
replies_tap_create(struct replies_tap **out,
                   struct loop *loop,
                   const struct bus_config *bus,
                   replies_tap_fn fn,
                   void *arg,
                   struct fault *fault)
{
    static const struct consumer_events events = {.record = tap_record,
                                                  .assigned = tap_assigned};
    const struct consumer_config config = {.name = "replies-tap"};
    char topic[TOPIC_NAME_MAX + 1];
    struct replies_tap *tap = calloc(1, sizeof(*tap));
    if (tap == NULL) {
        return STATUS_NO_MEMORY;
    }
    arena_init(&tap->arena, TAP_ARENA_BYTES);
    tap->fn = fn;
    tap->arg = arg;
    enum status status = bus_topic_name(bus, TOPIC_REPLIES, span_of_text(""), topic);
    if (status == STATUS_OK) {
        status =
            consumer_create(&tap->consumer, loop, bus, &config, &events, tap, fault);
    }
    if (status == STATUS_OK) {
        status = tap_assign(tap, topic);
        if (status != STATUS_OK) {
            fault_set(fault, status, "cannot read the topic %s", topic);
        }
    }
    if (status != STATUS_OK) {
        replies_tap_destroy(&tap);
        return status;
    }
    *out = tap;
    return STATUS_OK;
}

void
replies_tap_destroy(struct replies_tap **tap)
{
    struct replies_tap *t = *tap;
    *tap = NULL;
    if (t == NULL) {
        return;
    }
    if (t->consumer != NULL) {
        consumer_destroy(&t->consumer);
    }
    arena_fini(&t->arena);
    free(t);
}
