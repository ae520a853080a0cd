/* SPDX-License-Identifier: Apache-2.0 */
/* One row per kind of topic; the request topics repeat theirs per model. */
#include "cli/topic_plan.h"

#include "base/clock.h"

#include <stdio.h>

enum { CONFIG_MAX = 4, FIXED_TOPICS = 5 };

#define FIELD(name) offsetof(struct topic_sizes, name)

const struct option topic_options[] = {
    {.name = "topics.requests.partitions",
     .kind = OPTION_INT,
     .offset = FIELD(request_partitions),
     .least = 1,
     .most = 10000,
     .fallback = "16",
     .help = "Partitions of each request topic; four times the batchers you expect."},
    {.name = "topics.replies.partitions",
     .kind = OPTION_INT,
     .offset = FIELD(reply_partitions),
     .least = 1,
     .most = 10000,
     .fallback = "16",
     .help = "Partitions of the replies and webhooks topics; never change it later."},
    {.name = "topics.replication",
     .kind = OPTION_INT,
     .offset = FIELD(replication),
     .least = -1,
     .most = 100,
     .fallback = "-1",
     .help = "Replicas of each partition; -1 takes the broker's default."},
    {.name = "topics.requests.retention",
     .kind = OPTION_DURATION,
     .offset = FIELD(request_retention_ns),
     .least = NS_PER_S,
     .most = INT64_MAX,
     .fallback = "1d",
     .help = "How long requests stay in Kafka."},
    {.name = "topics.replies.retention",
     .kind = OPTION_DURATION,
     .offset = FIELD(reply_retention_ns),
     .least = NS_PER_S,
     .most = INT64_MAX,
     .fallback = "1d",
     .help = "How long replies stay in Kafka; at least results.ttl."},
    {.name = "topics.message.max",
     .kind = OPTION_BYTES,
     .offset = FIELD(message_bytes_max),
     .least = 1024,
     .most = 1LL << 30,
     .fallback = "8MiB",
     .help = "Largest record of the request and reply topics."},
};
const size_t topic_option_count = sizeof(topic_options) / sizeof(topic_options[0]);

#define DAY_NS (86400 * NS_PER_S)

struct plan {
    const struct bus_config *bus;
    struct arena *arena;
    struct topic_spec *specs;
    size_t count;
};

/* What differs between the kinds of topics; 0 = not set. */
struct kind {
    const char *suffix;
    int64_t partitions;
    bool compacted;
    int64_t retention_ns;
    int64_t message_bytes;
};

static bool
config_put(struct plan *p, struct topic_spec *spec, const char *key, const char *value)
{
    struct property *config = (struct property *)(uintptr_t)spec->config;
    config[spec->config_count].key = key;
    config[spec->config_count].value = arena_text(p->arena, span_of_text(value));
    return config[spec->config_count++].value != NULL;
}

static bool
config_put_number(struct plan *p,
                  struct topic_spec *spec,
                  const char *key,
                  int64_t value)
{
    char text[32];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    return config_put(p, spec, key, text);
}

static enum status
plan_topic(struct plan *p,
           const struct kind *kind,
           struct span model,
           int64_t replication)
{
    struct topic_spec *spec = &p->specs[p->count];
    char name[TOPIC_NAME_MAX + 1];
    enum status status = bus_topic_name(p->bus, kind->suffix, model, name);
    if (status != STATUS_OK) {
        return status;
    }
    *spec = (struct topic_spec){
        .name = arena_text(p->arena, span_of_text(name)),
        .partitions = (int32_t)kind->partitions,
        .replication = (int32_t)replication,
        .config = arena_array(p->arena, CONFIG_MAX, sizeof(struct property)),
    };
    bool good = spec->name != NULL && spec->config != NULL;
    if (good && kind->compacted) {
        good = config_put(p, spec, "cleanup.policy",
                          kind->retention_ns > 0 ? "compact,delete" : "compact");
    }
    if (good && kind->retention_ns > 0) {
        good =
            config_put_number(p, spec, "retention.ms", kind->retention_ns / NS_PER_MS);
    }
    if (good && kind->message_bytes > 0) {
        good = config_put_number(p, spec, "max.message.bytes", kind->message_bytes);
    }
    p->count += good ? 1 : 0;
    return good ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status
topic_plan(const struct bus_config *bus,
           const struct topic_sizes *sizes,
           const char *const *models,
           size_t model_count,
           struct arena *arena,
           struct topic_plan *out,
           struct fault *fault)
{
    int64_t replies = sizes->reply_partitions;
    int64_t reply_ns = sizes->reply_retention_ns;
    int64_t bytes = sizes->message_bytes_max;
    const struct kind fixed[FIXED_TOPICS] = {
        {TOPIC_REPLIES, replies, false, reply_ns, bytes},
        /* A pending delivery is written at least once a day, an ended one not again. */
        {TOPIC_WEBHOOKS, replies, true, 7 * DAY_NS, 0},
        {TOPIC_MODELS, 1, true, 0, 0},
        {TOPIC_CONTROL, 1, false, 600 * NS_PER_S, 0},
        {TOPIC_DEAD_LETTERS, 1, false, 7 * DAY_NS, bytes},
    };
    const struct kind requests = {TOPIC_REQUESTS, sizes->request_partitions, false,
                                  sizes->request_retention_ns, bytes};
    struct plan p = {.bus = bus, .arena = arena};
    p.specs = arena_array(arena, FIXED_TOPICS + model_count, sizeof(*p.specs));
    enum status status = p.specs == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < FIXED_TOPICS; i++) {
        status = plan_topic(&p, &fixed[i], span_of_text(""), sizes->replication);
    }
    for (size_t i = 0; status == STATUS_OK && i < model_count; i++) {
        status = plan_topic(&p, &requests, span_of_text(models[i]), sizes->replication);
        if (status == STATUS_INVALID) {
            fault_set(fault, status, "a topic cannot carry the model name '%s'",
                      models[i]);
        }
    }
    *out = (struct topic_plan){.specs = p.specs, .count = p.count};
    return status;
}
