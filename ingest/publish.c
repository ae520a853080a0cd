/* SPDX-License-Identifier: Apache-2.0 */
/* A lane per model: its topic and its current partition. Lanes are made when the
 * catalogue learns of a model, so that no request waits for a topic to be looked up.
 */
#include "ingest/publish.h"

#include "base/clock.h"
#include "ingest/sticky.h"

#include <stdlib.h>

/* Records of a quantum for a model that takes one request at a time: few enough that a
 * burst spreads over several batchers, enough that a produce batch is worth its cost.
 */
enum { UNBATCHED_QUANTUM = 8 };

/* How long ids are minted for one reply partition. Longer than a quantum of requests: a
 * batch of the model gathers several of those, and its replies are to travel together.
 */
#define REPLY_QUANTUM_NS (100 * NS_PER_MS)

/* While requests are many, sockets and replies are looked at this often at most: a
 * wake-up for each costs as much as its work, and requests linger for 1 ms anyway.
 */
#define BUSY_PACE_NS (300 * NS_PER_US)

struct lane {
    struct producer_topic *topic; /* NULL: not prepared */
    struct sticky sticky;
};

struct publish {
    const struct bus_config *bus;
    struct results *results;
    struct producer *requests;
    struct producer *replies;
    struct producer_topic *replies_topic;
    int64_t reply_turn_ns; /* when the next reply partition is taken */
    struct lane lanes[CATALOGUE_MODELS_MAX]; /* by model number */
};

static enum status
producers_open(struct publish *publish,
               struct loop *loop,
               const struct publish_config *config,
               struct fault *fault)
{
    struct producer_config settings = {
        .name = "requests",
        .delivery_timeout_ns = config->delivery_timeout_ns,
        .stall_ns = config->stall_ns,
        .queue_bytes_max = (int64_t)config->queue_bytes_max,
        .pace_ns = BUSY_PACE_NS,
    };
    enum status status =
        producer_create(&publish->requests, loop, publish->bus, &settings,
                        config->request, config->context, fault);
    if (status != STATUS_OK) {
        return status;
    }
    settings.name = "queued";
    settings.pace_ns = 0;
    status = producer_create(&publish->replies, loop, publish->bus, &settings,
                             config->queued, config->context, fault);
    if (status != STATUS_OK) {
        return status;
    }
    char name[TOPIC_NAME_MAX + 1];
    status = bus_topic_name(publish->bus, TOPIC_REPLIES, span_of_text(""), name);
    if (status != STATUS_OK) {
        return fault_set(fault, status, "no topic name: check topics.prefix");
    }
    return producer_topic(publish->replies, name, &publish->replies_topic);
}

enum status
publish_open(struct publish **out,
             struct loop *loop,
             const struct bus_config *bus,
             struct results *results,
             const struct publish_config *config,
             struct fault *fault)
{
    struct publish *publish = calloc(1, sizeof(*publish));
    if (publish == NULL) {
        return STATUS_NO_MEMORY;
    }
    publish->bus = bus;
    publish->results = results;
    enum status status = producers_open(publish, loop, config, fault);
    if (status != STATUS_OK) {
        publish_close(&publish);
        return status;
    }
    *out = publish;
    return STATUS_OK;
}

void
publish_close(struct publish **publish)
{
    struct publish *p = *publish;
    *publish = NULL;
    if (p == NULL) {
        return;
    }
    if (p->requests != NULL) {
        producer_destroy(&p->requests);
    }
    if (p->replies != NULL) {
        producer_destroy(&p->replies);
    }
    free(p);
}

enum status
publish_prepare(struct publish *publish, const struct catalogue_model *model)
{
    struct lane *lane = &publish->lanes[model->number];
    if (lane->topic != NULL) {
        return STATUS_OK;
    }
    char name[TOPIC_NAME_MAX + 1];
    enum status status =
        bus_topic_name(publish->bus, TOPIC_REQUESTS, model->name, name);
    if (status != STATUS_OK) {
        return status;
    }
    sticky_init(&lane->sticky);
    return producer_topic(publish->requests, name, &lane->topic);
}

enum status
publish_aim(struct publish *publish,
            const struct catalogue_model *model,
            const struct model_info *info,
            int64_t now_ns,
            struct publish_aim *aim)
{
    enum status status = publish_prepare(publish, model);
    if (status != STATUS_OK) {
        return status;
    }
    struct lane *lane = &publish->lanes[model->number];
    *aim = (struct publish_aim){.topic = lane->topic, .partition = PARTITION_BY_KEY};
    int32_t partitions = producer_topic_partitions(publish->requests, lane->topic);
    if (partitions <= 0) {
        return STATUS_OK; /* not heard yet: the client places it once it knows */
    }
    bool turned = false;
    int32_t rows = info->max_batch_size > 0 ? info->max_batch_size : UNBATCHED_QUANTUM;
    aim->partition = sticky_take(&lane->sticky, partitions, rows,
                                 sticky_quantum_ns(info->batch_us), now_ns, &turned);
    if (turned && now_ns >= publish->reply_turn_ns) {
        publish->reply_turn_ns = now_ns + REPLY_QUANTUM_NS;
        results_next_partition(publish->results);
    }
    return STATUS_OK;
}

enum status
publish_request(struct publish *publish,
                const struct publish_aim *aim,
                struct outgoing *out)
{
    out->topic = aim->topic;
    out->partition = aim->partition;
    return producer_send(publish->requests, out);
}

enum status
publish_queued(struct publish *publish, struct outgoing *out)
{
    out->topic = publish->replies_topic;
    out->partition = PARTITION_BY_KEY;
    return producer_send(publish->replies, out);
}

int32_t
publish_partitions(struct publish *publish, const struct catalogue_model *model)
{
    struct producer_topic *topic = publish->lanes[model->number].topic;
    return topic == NULL ? 0 : producer_topic_partitions(publish->requests, topic);
}

bool
publish_connected(const struct publish *publish)
{
    return producer_connected(publish->requests);
}

void
publish_flush(struct publish *publish)
{
    producer_flush(publish->requests);
    producer_flush(publish->replies);
}
