/* SPDX-License-Identifier: Apache-2.0 */
/* One parcel and one buffer per model, used again and again. */
#include "batcher/announce.h"

#include "base/clock.h"
#include "base/log.h"
#include "schemas/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ANNOUNCEMENT_MAX = 1024 * 1024, KEY_BYTES = 512, INSTANCE_BYTES = 128 };

struct announcement {
    struct parcel parcel;
    struct buf bytes;
    char key[KEY_BYTES];
    bool under_way;
};

struct announcer {
    struct outbox *outbox;
    struct producer_topic *topic;
    char instance[INSTANCE_BYTES];
    size_t count;
    struct announcement items[];
};

static void
announcement_done(struct parcel *p, enum status status)
{
    struct announcement *a =
        (struct announcement *)(void *)((char *)p -
                                        offsetof(struct announcement, parcel));
    a->under_way = false;
    if (status != STATUS_OK && status != STATUS_CLOSED) {
        log_warn("announcement_refused", log_status(status));
    }
}

static void
instance_name(struct announcer *a, const char *instance)
{
    if (instance != NULL) {
        snprintf(a->instance, sizeof a->instance, "%s", instance);
        return;
    }
    char host[64] = "host";
    (void)gethostname(host, sizeof host - 1);
    snprintf(a->instance, sizeof a->instance, "%s-%d", host, (int)getpid());
}

enum status
announcer_create(struct announcer **out,
                 struct outbox *outbox,
                 const struct bus_config *bus,
                 const char *instance,
                 size_t models,
                 struct fault *fault)
{
    struct announcer *a = calloc(1, sizeof *a + models * sizeof a->items[0]);
    if (a == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for announcements");
    }
    a->outbox = outbox;
    a->count = models;
    instance_name(a, instance);
    for (size_t i = 0; i < models; i++) {
        buf_init(&a->items[i].bytes, ANNOUNCEMENT_MAX);
    }
    char name[TOPIC_NAME_MAX + 1];
    enum status status = bus_topic_name(bus, TOPIC_MODELS, span_of(NULL, 0), name);
    if (status == STATUS_OK) {
        status = outbox_topic(outbox, name, &a->topic);
    }
    if (status != STATUS_OK) {
        announcer_destroy(&a);
        return fault_set(fault, status, "the models topic has no valid name");
    }
    *out = a;
    return STATUS_OK;
}

void
announcer_destroy(struct announcer **announcer)
{
    struct announcer *a = *announcer;
    if (a == NULL) {
        return;
    }
    for (size_t i = 0; i < a->count; i++) {
        buf_fini(&a->items[i].bytes);
    }
    free(a);
    *announcer = NULL;
}

enum status
announcer_send(struct announcer *a, size_t i, const struct model_info *info)
{
    struct announcement *item = &a->items[i];
    if (item->under_way) {
        return STATUS_FULL;
    }
    struct model_info stamped = *info;
    stamped.instance = span_of_text(a->instance);
    stamped.published_us = clock_wall_us();
    buf_reset(&item->bytes);
    model_info_encode(&stamped, &item->bytes);
    if (item->bytes.status != STATUS_OK) {
        return STATUS_OK;
    }
    int size =
        snprintf(item->key, sizeof item->key, "%.*s/%.*s@%s", (int)info->model.size,
                 (const char *)info->model.data, (int)info->version.size,
                 (const char *)info->version.data, a->instance);
    item->parcel.done = announcement_done;
    item->parcel.record = (struct outgoing){.topic = a->topic,
                                            .partition = PARTITION_BY_KEY,
                                            .key = span_of(item->key, (size_t)size),
                                            .value = buf_span(&item->bytes)};
    item->under_way = true;
    outbox_send(a->outbox, &item->parcel);
    return STATUS_OK;
}
