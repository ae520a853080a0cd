/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records on their way out: one or two senders ("lanes") and the upkeep of each turn:
 * is Kafka there, how many partitions has a topic, has a client failed for good and
 * must be replaced. Partitions by key are left to librdkafka, whose murmur2 is the one
 * of partition_of_key() and whose partition count is the newest.
 */
#include "bus/producer.h"

#include "base/clock.h"
#include "base/log.h"
#include "bus/client.h"
#include "bus/lane.h"
#include "bus/link.h"
#include "bus/prober.h"
#include "bus/producer_client.h"
#include "bus/sender.h"

#include <librdkafka/rdkafka.h>

#include <stdlib.h>
#include <string.h>

#define CLOSE_WAIT_NS     (5 * NS_PER_S)
#define REPLACE_WAIT_NS   NS_PER_S
#define TOPIC_ASK_LEAST   (100 * NS_PER_MS)
#define TOPIC_ASK_MOST    (8 * NS_PER_S)
#define TOPIC_MADE_WITHIN (5 * NS_PER_S) /* as topic.metadata.propagation.max.ms */
#define STALL_NS_DEFAULT  (500 * NS_PER_MS)
#define BYTES_MAX_DEFAULT (64LL * 1024 * 1024)

struct producer_topic {
    struct producer_topic *next;
    rd_kafka_topic_t *handle[LANE_COUNT];
    int32_t partitions; /* 0 until a broker said it */
    struct probe probe;
    bool asking;
    int64_t missing_ns; /* since when brokers have said so; 0 = they have not */
    int64_t ask_ns;     /* not before */
    int64_t wait_ns;    /* doubles while the topic does not exist */
    char name[];
};

struct producer {
    struct loop *loop;
    const char *name;
    delivery_fn fn;
    void *context;
    struct sender senders[LANE_COUNT];
    int sender_count;
    struct lane_meter meter;
    struct link link;
    struct prober *prober;
    struct probe link_probe;
    unsigned probes; /* under way; no client may go meanwhile */
    struct producer_topic *topics;
    int64_t bytes_max;
    int64_t pace_ns;
    bool has_turn;
    bool told_up; /* what the log was last told of the link */
};

static void
producer_reported(void *context, void *arg, const struct delivery *d)
{
    struct producer *p = context;
    if (d->status == STATUS_OK) {
        link_delivered(&p->link, loop_now(p->loop));
    }
    p->fn(p->context, arg, d);
}

static void
producer_lost(void *context)
{
    struct producer *p = context;
    link_lost(&p->link, loop_now(p->loop));
}

static enum status
producer_ask(struct producer *p, struct probe *probe, struct producer_topic *topic)
{
    *probe = (struct probe){.arg = topic};
    for (int i = 0; i < p->sender_count; i++) {
        probe->rk[i] = p->senders[i].rk;
        probe->topic[i] = topic == NULL ? NULL : topic->handle[i];
    }
    enum status status = prober_ask(p->prober, probe);
    if (status == STATUS_OK) {
        p->probes++;
    }
    return status;
}

static enum status
topic_open(struct producer_topic *topic, const struct sender *sender)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(sender->rk, topic->name, NULL);
    topic->handle[sender->lane] = handle;
    return handle == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static void
topic_close(struct producer_topic *topic, enum lane lane)
{
    if (topic->handle[lane] != NULL) {
        rd_kafka_topic_destroy(topic->handle[lane]);
        topic->handle[lane] = NULL;
    }
}

static void
topic_answered(struct producer *p, struct producer_topic *topic, int64_t now_ns)
{
    topic->asking = false;
    if (topic->probe.answered) {
        link_delivered(&p->link, now_ns);
        topic->partitions = topic->probe.partitions;
        if (topic->missing_ns == 0 || topic->partitions > 0) {
            topic->missing_ns = topic->partitions > 0 ? 0 : now_ns;
        }
    }
    topic->ask_ns = now_ns + topic->wait_ns;
    topic->wait_ns *= topic->wait_ns < TOPIC_ASK_MOST ? 2 : 1;
}

static void
producer_answered(void *context, struct probe *probe)
{
    struct producer *p = context;
    int64_t now_ns = loop_now(p->loop);
    p->probes--;
    if (probe->arg != NULL) {
        topic_answered(p, probe->arg, now_ns);
        return;
    }
    link_probed(&p->link, now_ns, probe->answered);
}

/* Asks for the topics not known yet. @return when to come again */
static int64_t
topics_keep(struct producer *p, int64_t now_ns)
{
    int64_t due_ns = TIME_NEVER;
    for (struct producer_topic *t = p->topics; t != NULL; t = t->next) {
        if (t->partitions > 0 || t->asking) {
            continue;
        }
        if (now_ns >= t->ask_ns) {
            t->asking = producer_ask(p, &t->probe, t) == STATUS_OK;
            t->ask_ns = now_ns + t->wait_ns;
        }
        if (!t->asking && t->ask_ns < due_ns) {
            due_ns = t->ask_ns;
        }
    }
    return due_ns;
}

static void
sender_stop(struct producer *p, struct sender *s, int64_t wait_ns)
{
    sender_purge(s, wait_ns);
    for (struct producer_topic *t = p->topics; t != NULL; t = t->next) {
        topic_close(t, s->lane);
    }
    sender_close(s);
}

/*
 * librdkafka gives a client up after some errors of the idempotence protocol. All it
 * still had is reported, and a fresh client takes its lane.
 */
static void
sender_replace(struct producer *p, struct sender *s)
{
    struct fault fault = {0};
    sender_stop(p, s, REPLACE_WAIT_NS);
    enum status status = sender_open(s, &fault);
    for (struct producer_topic *t = p->topics; status == STATUS_OK && t != NULL;
         t = t->next) {
        status = topic_open(t, s);
        t->partitions = 0; /* so that the new client is asked for it, too */
        t->ask_ns = 0;
    }
    if (status != STATUS_OK) {
        sender_stop(p, s, 0);
        s->failed = true;
    }
    log_warn("kafka_client_replaced", log_text("producer", p->name), log_status(status),
             log_text("reason", fault.text));
}

/* Its transactor replaces the client, or nobody. */
static bool
is_transactional(const struct producer *p)
{
    return p->senders[0].transactional_id != NULL;
}

bool
producer_renew(struct producer *producer)
{
    if (producer->probes > 0) {
        return false;
    }
    sender_replace(producer, &producer->senders[0]);
    return !producer->senders[0].failed;
}

rd_kafka_t *
producer_client(const struct producer *producer)
{
    return producer->senders[0].rk;
}

/* @return whether all lanes are usable */
static bool
senders_keep(struct producer *p)
{
    bool usable = true;
    for (int i = 0; i < p->sender_count; i++) {
        if (p->senders[i].failed && p->probes == 0 && !is_transactional(p)) {
            sender_replace(p, &p->senders[i]);
        }
        usable = usable && !p->senders[i].failed;
    }
    return usable;
}

static void
producer_tell(struct producer *p)
{
    bool is_up = link_is_up(&p->link);
    if (is_up != p->told_up) {
        log_info(is_up ? "kafka_connected" : "kafka_away",
                 log_text("producer", p->name));
    }
    p->told_up = is_up;
}

static int64_t
producer_turn(void *arg, int64_t now_ns)
{
    struct producer *p = arg;
    producer_tell(p);
    if (p->pace_ns > 0 && lane_is_busy(&p->meter, now_ns)) {
        loop_pace(p->loop, p->pace_ns);
    }
    if (!senders_keep(p)) {
        return now_ns + NS_PER_S;
    }
    bool waiting = producer_pending(p) > 0;
    if (link_take_probe(&p->link, now_ns, waiting) &&
        producer_ask(p, &p->link_probe, NULL) != STATUS_OK) {
        link_probed(&p->link, now_ns, false);
    }
    int64_t topics_ns = topics_keep(p, now_ns);
    int64_t link_ns = link_due(&p->link, waiting);
    return link_ns < topics_ns ? link_ns : topics_ns;
}

static enum status
producer_open(struct producer *p,
              const struct bus_config *bus,
              const struct producer_config *config,
              struct fault *fault)
{
    for (int i = 0; i < p->sender_count; i++) {
        p->senders[i] = (struct sender){
            .loop = p->loop,
            .name = p->name,
            .lane = (enum lane)i,
            .transactional_id = config->transactional_id,
            .transaction_timeout_ns = config->transaction_timeout_ns,
            .reported = producer_reported,
            .lost = producer_lost,
            .context = p,
        };
        enum status status =
            sender_init(&p->senders[i], bus, config->delivery_timeout_ns, fault);
        if (status == STATUS_OK) {
            status = sender_open(&p->senders[i], fault);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    enum status status = prober_create(&p->prober, p->loop, producer_answered, p);
    if (status == STATUS_OK) {
        status = loop_each_turn(p->loop, producer_turn, p);
        p->has_turn = status == STATUS_OK;
    }
    if (status != STATUS_OK) {
        return fault_set(fault, status, "kafka producer: %s", status_name(status));
    }
    return STATUS_OK;
}

enum status
producer_create(struct producer **out,
                struct loop *loop,
                const struct bus_config *bus,
                const struct producer_config *config,
                delivery_fn fn,
                void *context,
                struct fault *fault)
{
    struct producer *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "kafka producer: no memory");
    }
    p->loop = loop;
    p->name = config->name;
    p->fn = fn;
    p->context = context;
    bool single = config->single_lane || config->transactional_id != NULL;
    p->sender_count = single ? 1 : LANE_COUNT;
    p->pace_ns = config->pace_ns;
    p->bytes_max =
        config->queue_bytes_max > 0 ? config->queue_bytes_max : BYTES_MAX_DEFAULT;
    link_init(&p->link, clock_mono_ns(),
              config->stall_ns > 0 ? config->stall_ns : STALL_NS_DEFAULT);
    enum status status = producer_open(p, bus, config, fault);
    if (status != STATUS_OK) {
        producer_destroy(&p);
        return status;
    }
    *out = p;
    return STATUS_OK;
}

void
producer_destroy(struct producer **producer)
{
    struct producer *p = *producer;
    if (p == NULL) {
        return;
    }
    if (p->has_turn) {
        loop_no_turn(p->loop, producer_turn, p);
    }
    prober_destroy(&p->prober);
    for (int i = 0; i < p->sender_count; i++) {
        p->senders[i].closing = true;
        sender_stop(p, &p->senders[i], CLOSE_WAIT_NS / p->sender_count);
        sender_fini(&p->senders[i]);
    }
    while (p->topics != NULL) {
        struct producer_topic *topic = p->topics;
        p->topics = topic->next;
        free(topic);
    }
    free(p);
    *producer = NULL;
}

static bool
is_topic_name(const char *name)
{
    char copy[TOPIC_NAME_MAX + 1];
    struct bus_config none = {0};
    return bus_topic_name(&none, name, span_of(NULL, 0), copy) == STATUS_OK;
}

static enum status
producer_topic_add(struct producer *p, const char *name, struct producer_topic **out)
{
    size_t size = strlen(name) + 1;
    struct producer_topic *topic = calloc(1, sizeof(*topic) + size);
    if (topic == NULL) {
        return STATUS_NO_MEMORY;
    }
    memcpy(topic->name, name, size);
    topic->wait_ns = TOPIC_ASK_LEAST;
    enum status status = STATUS_OK;
    for (int i = 0; status == STATUS_OK && i < p->sender_count; i++) {
        /* A lane that is down gets its handles when it is replaced. */
        status =
            p->senders[i].rk == NULL ? STATUS_OK : topic_open(topic, &p->senders[i]);
    }
    if (status != STATUS_OK) {
        topic_close(topic, LANE_QUIET);
        topic_close(topic, LANE_BUSY);
        free(topic);
        return status;
    }
    topic->next = p->topics;
    p->topics = topic;
    topic->asking = producer_ask(p, &topic->probe, topic) == STATUS_OK;
    *out = topic;
    return STATUS_OK;
}

enum status
producer_topic(struct producer *producer, const char *name, struct producer_topic **out)
{
    for (struct producer_topic *t = producer->topics; t != NULL; t = t->next) {
        if (strcmp(t->name, name) == 0) {
            *out = t;
            return STATUS_OK;
        }
    }
    if (!is_topic_name(name)) {
        return STATUS_INVALID;
    }
    return producer_topic_add(producer, name, out);
}

int32_t
producer_topic_partitions(struct producer *producer, struct producer_topic *topic)
{
    (void)producer;
    return topic->partitions;
}

enum status
producer_topic_exists(const struct producer *producer,
                      const struct producer_topic *topic)
{
    if (topic->partitions > 0) {
        return STATUS_OK;
    }
    bool missing = topic->missing_ns != 0 &&
                   loop_now(producer->loop) >= topic->missing_ns + TOPIC_MADE_WITHIN;
    return missing ? STATUS_NOT_FOUND : STATUS_UNAVAILABLE;
}

enum status
producer_send(struct producer *producer, const struct outgoing *out)
{
    struct producer *p = producer;
    int64_t now_ns = loop_now(p->loop);
    int64_t size = (int64_t)(out->key.size + out->value.size);
    int64_t lent = p->senders[LANE_QUIET].bytes + p->senders[LANE_BUSY].bytes;
    bool waiting = producer_pending(p) > 0;
    if (waiting && lent + size > p->bytes_max) {
        return STATUS_FULL;
    }
    enum lane lane = p->sender_count == 1 ? LANE_QUIET : lane_choose(&p->meter, now_ns);
    if (p->senders[lane].failed) {
        return STATUS_UNAVAILABLE;
    }
    enum status status = sender_send(&p->senders[lane], out->topic->handle[lane], out);
    if (status == STATUS_OK && !waiting) {
        link_waits(&p->link, now_ns);
    }
    return status;
}

size_t
producer_pending(const struct producer *producer)
{
    return producer->senders[LANE_QUIET].pending + producer->senders[LANE_BUSY].pending;
}

bool
producer_connected(const struct producer *producer)
{
    return link_is_up(&producer->link);
}

void
producer_flush(struct producer *producer)
{
    producer->meter = (struct lane_meter){0};
}

void
producer_serve(struct producer *producer)
{
    for (int i = 0; i < producer->sender_count; i++) {
        sender_take_reports(&producer->senders[i]);
    }
}
