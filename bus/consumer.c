/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records on their way in. Everything happens in consumer_serve(), which the bell calls
 * from the loop's dispatch: records, rebalances, errors, ends of partitions; so whoever
 * has something to do once a turn finds what came in. librdkafka rings only when its
 * queue was empty: what a budget leaves over, and every half second, is rung for here.
 */
#include "bus/consumer.h"

#include "base/clock.h"
#include "base/log.h"
#include "bus/assignment.h"
#include "bus/bell.h"
#include "bus/client.h"
#include "bus/membership.h"
#include "bus/offsets.h"
#include "bus/record.h"

#include <librdkafka/rdkafka.h>

#include <stdlib.h>
#include <string.h>

enum {
    BUDGET_RECORDS = 512,
    CLOCK_EACH = 16, /* records between two looks at the clock */
    TOPICS_MAX = 8,
    CLOSE_POLL_MS = 50,
};

#define BUDGET_NS     (2 * NS_PER_MS)
#define POLL_LEAST_NS (500 * NS_PER_MS)
#define CLOSE_WAIT_NS (5 * NS_PER_S)
#define START_WAIT_NS (2 * NS_PER_S)

struct consumer {
    struct loop *loop;
    const char *name;
    struct consumer_events events;
    void *arg;
    rd_kafka_t *rk;
    struct bell bell;
    struct record_pool pool;
    struct assignment assignment;
    char *topics[TOPICS_MAX];
    size_t topic_count;
    int64_t poll_ns; /* to be polled again at the latest */
    bool all_partitions;
    bool starting; /* all_partitions: not assigned yet */
    bool has_turn;
};

static void
consumer_trouble(struct consumer *c, enum status status, const char *reason)
{
    log_warn("kafka_trouble", log_text("consumer", c->name), log_status(status),
             log_text("reason", reason));
    if (c->events.trouble != NULL) {
        c->events.trouble(c->arg, status, reason);
    }
}

static void
consumer_gain(struct consumer *c, rd_kafka_topic_partition_list_t *list)
{
    enum status status = assignment_gain(&c->assignment, list);
    if (status != STATUS_OK) {
        consumer_trouble(c, status, "an assignment cannot be read");
    }
}

static void
consumer_rebalanced(rd_kafka_t *rk,
                    rd_kafka_resp_err_t error,
                    rd_kafka_topic_partition_list_t *list,
                    void *opaque)
{
    struct consumer *c = opaque;
    if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        consumer_gain(c, list);
        return;
    }
    assignment_lose(&c->assignment, rd_kafka_assignment_lost(rk) != 0);
    rd_kafka_assign(rk, NULL);
    if (error != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
        consumer_trouble(c, client_status(error), rd_kafka_err2str(error));
    }
}

static void
consumer_committed(rd_kafka_t *rk,
                   rd_kafka_resp_err_t error,
                   rd_kafka_topic_partition_list_t *list,
                   void *opaque)
{
    (void)rk;
    (void)list;
    const struct consumer *c = opaque;
    /* _NO_OFFSET: there was nothing to commit. */
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR && error != RD_KAFKA_RESP_ERR__NO_OFFSET) {
        log_warn("kafka_commit_failed", log_text("consumer", c->name),
                 log_text("reason", rd_kafka_err2str(error)));
    }
}

/* librdkafka has logged it already, and goes on trying unless it is fatal. */
static void
consumer_failed(rd_kafka_t *rk, int error, const char *reason, void *opaque)
{
    struct consumer *c = opaque;
    char fatal[200];
    if (error == RD_KAFKA_RESP_ERR__FATAL) {
        error = (int)rd_kafka_fatal_error(rk, fatal, sizeof(fatal));
        reason = fatal;
    }
    if (c->events.trouble != NULL) {
        c->events.trouble(c->arg, client_status((rd_kafka_resp_err_t)error), reason);
    }
}

static void
consumer_reached(struct consumer *c, struct position *at)
{
    if (positions_reach_end(&c->assignment.positions, at) &&
        c->events.reached_end != NULL) {
        c->events.reached_end(c->arg, at->topic, at->partition);
    }
}

/*
 * librdkafka tells of an end only when a fetch came back empty, which under steady
 * traffic never happens; so a position is also compared with the end last heard of.
 */
static void
consumer_compare_ends(struct consumer *c)
{
    if (c->events.reached_end == NULL || c->assignment.positions.behind == 0) {
        return;
    }
    for (size_t i = 0; i < c->assignment.positions.count; i++) {
        struct position *at = &c->assignment.positions.items[i];
        int64_t low = 0;
        int64_t high = 0;
        if (at->caught_up || at->next < 0 ||
            rd_kafka_get_watermark_offsets(c->rk, at->topic, at->partition, &low,
                                           &high) != RD_KAFKA_RESP_ERR_NO_ERROR) {
            continue;
        }
        if (high >= 0 && at->next >= high) {
            consumer_reached(c, at);
        }
    }
}

/* Dev mode: what was to be read next is gone. Told, then read from what is left. */
static void
consumer_restart(struct consumer *c, const rd_kafka_message_t *m, struct position *at)
{
    consumer_trouble(c, client_status(m->err), rd_kafka_message_errstr(m));
    positions_restart(&c->assignment.positions, at);
    enum status status = assignment_repeat(&c->assignment);
    if (status != STATUS_OK) {
        consumer_trouble(c, status, "cannot read from the oldest record either");
    }
}

static void
consumer_take_error(struct consumer *c, const rd_kafka_message_t *m)
{
    struct position *at = NULL;
    if (m->rkt != NULL) {
        at = positions_find(&c->assignment.positions, rd_kafka_topic_name(m->rkt),
                            m->partition);
    }
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (at != NULL) {
            consumer_reached(c, at);
        }
    } else if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && at != NULL) {
        consumer_restart(c, m, at);
    } else {
        consumer_trouble(c, client_status(m->err), rd_kafka_message_errstr(m));
    }
}

/* No memory for a record: it is given back and asked for again, never skipped. */
static void
consumer_refetch(struct consumer *c, rd_kafka_message_t *m, struct position *at)
{
    at->next = m->offset;
    rd_kafka_message_destroy(m);
    enum status status = assignment_repeat(&c->assignment);
    consumer_trouble(c, status == STATUS_OK ? STATUS_NO_MEMORY : status,
                     "no memory for a record");
}

/* Takes the message. */
static void
consumer_take(struct consumer *c, rd_kafka_message_t *m)
{
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        consumer_take_error(c, m);
        rd_kafka_message_destroy(m);
        return;
    }
    struct position *at = positions_find(&c->assignment.positions,
                                         rd_kafka_topic_name(m->rkt), m->partition);
    if (at == NULL || !positions_advance(at, m->offset)) {
        rd_kafka_message_destroy(m);
        return;
    }
    struct record *r = record_make(&c->pool, m);
    if (r == NULL) {
        consumer_refetch(c, m, at);
        return;
    }
    c->events.record(c->arg, r);
}

static void
consumer_start(struct consumer *c)
{
    rd_kafka_topic_partition_list_t *list = offsets_list_all(
        c->rk, (const char *const *)c->topics, c->topic_count, START_WAIT_NS);
    if (list == NULL) {
        consumer_trouble(c, STATUS_NOT_FOUND, "topics or brokers not found yet");
        return;
    }
    c->starting = false;
    consumer_gain(c, list);
    rd_kafka_topic_partition_list_destroy(list);
}

static void
consumer_serve(void *arg)
{
    struct consumer *c = arg;
    if (c->starting) {
        consumer_start(c);
    }
    int64_t now_ns = clock_mono_ns();
    int64_t end_ns = now_ns + BUDGET_NS;
    c->poll_ns = now_ns + POLL_LEAST_NS;
    for (int taken = 1; taken <= BUDGET_RECORDS; taken++) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(c->rk, 0);
        if (m == NULL) {
            consumer_compare_ends(c);
            return;
        }
        consumer_take(c, m);
        if (taken % CLOCK_EACH == 0 && clock_mono_ns() > end_ns) {
            break;
        }
    }
    bell_ring(&c->bell);
}

static int64_t
consumer_turn(void *arg, int64_t now_ns)
{
    struct consumer *c = arg;
    if (now_ns >= c->poll_ns) {
        c->poll_ns = now_ns + POLL_LEAST_NS;
        bell_ring(&c->bell);
    }
    return c->poll_ns;
}

static enum status
consumer_subscribe(struct consumer *c, struct fault *fault)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    for (size_t i = 0; i < c->topic_count; i++) {
        rd_kafka_topic_partition_list_add(list, c->topics[i], RD_KAFKA_PARTITION_UA);
    }
    rd_kafka_resp_err_t error = rd_kafka_subscribe(c->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return fault_set(fault, client_status(error), "kafka consumer %s: %s", c->name,
                         rd_kafka_err2str(error));
    }
    return STATUS_OK;
}

static enum status
consumer_open(struct consumer *c,
              const struct bus_config *bus,
              const struct consumer_config *config,
              struct fault *fault)
{
    rd_kafka_conf_t *settings = NULL;
    bool wants_ends = c->events.reached_end != NULL;
    enum status status = membership_settings(&settings, bus, config, wants_ends, fault);
    if (status == STATUS_OK) {
        rd_kafka_conf_set_opaque(settings, c);
        rd_kafka_conf_set_rebalance_cb(settings, consumer_rebalanced);
        rd_kafka_conf_set_offset_commit_cb(settings, consumer_committed);
        rd_kafka_conf_set_error_cb(settings, consumer_failed);
        status = client_create(&c->rk, settings, CLIENT_CONSUMER, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    c->assignment.rk = c->rk;
    rd_kafka_poll_set_consumer(c->rk);
    status = bell_open(&c->bell, c->loop, rd_kafka_queue_get_consumer(c->rk),
                       consumer_serve, c);
    if (status == STATUS_OK) {
        status = loop_each_turn(c->loop, consumer_turn, c);
        c->has_turn = status == STATUS_OK;
    }
    if (status != STATUS_OK) {
        return fault_set(fault, status, "kafka consumer: %s", status_name(status));
    }
    if (c->topic_count > 0 && !c->all_partitions) {
        return consumer_subscribe(c, fault);
    }
    return STATUS_OK;
}

static enum status
consumer_copy_topics(struct consumer *c, const struct consumer_config *config)
{
    while (c->topic_count < TOPICS_MAX && config->topics[c->topic_count] != NULL) {
        char *copy = strdup(config->topics[c->topic_count]);
        if (copy == NULL) {
            return STATUS_NO_MEMORY;
        }
        c->topics[c->topic_count++] = copy;
    }
    return STATUS_OK;
}

enum status
consumer_create(struct consumer **out,
                struct loop *loop,
                const struct bus_config *bus,
                const struct consumer_config *config,
                const struct consumer_events *events,
                void *arg,
                struct fault *fault)
{
    struct consumer *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "kafka consumer: no memory");
    }
    c->loop = loop;
    c->name = config->name;
    c->events = *events;
    c->arg = arg;
    c->assignment =
        (struct assignment){.events = &c->events, .arg = arg, .dev = bus->dev};
    c->all_partitions = config->all_partitions;
    c->starting = config->all_partitions;
    enum status status = consumer_copy_topics(c, config);
    if (status == STATUS_OK) {
        status = consumer_open(c, bus, config, fault);
    }
    if (status != STATUS_OK) {
        consumer_destroy(&c);
        return status;
    }
    *out = c;
    return STATUS_OK;
}

/*
 * In librdkafka's own thread while its events are served here, so that a broker that
 * does not answer cannot hold us for longer than CLOSE_WAIT_NS.
 */
static void
consumer_close(struct consumer *c)
{
    int64_t end_ns = clock_mono_ns() + CLOSE_WAIT_NS;
    if (c->all_partitions) {
        assignment_lose(&c->assignment, false);
    }
    rd_kafka_queue_t *queue = rd_kafka_queue_new(c->rk);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(c->rk, queue);
    while (error == NULL && !rd_kafka_consumer_closed(c->rk) &&
           clock_mono_ns() < end_ns) {
        /* Not rd_kafka_queue_poll_callback(): it aborts on a record still queued. */
        rd_kafka_message_t *unread = rd_kafka_consume_queue(queue, CLOSE_POLL_MS);
        if (unread != NULL) {
            rd_kafka_message_destroy(unread);
        }
    }
    rd_kafka_error_destroy(error);
    rd_kafka_queue_destroy(queue);
}

void
consumer_destroy(struct consumer **consumer)
{
    struct consumer *c = *consumer;
    if (c == NULL) {
        return;
    }
    if (c->has_turn) {
        loop_no_turn(c->loop, consumer_turn, c);
    }
    if (c->rk != NULL) {
        consumer_close(c);
        bell_close(&c->bell);
        if (c->pool.held > 0) {
            log_error("kafka_records_held", log_text("consumer", c->name),
                      log_int("count", (int64_t)c->pool.held));
        }
        rd_kafka_destroy_flags(c->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    assignment_fini(&c->assignment);
    record_pool_fini(&c->pool);
    for (size_t i = 0; i < c->topic_count; i++) {
        free(c->topics[i]);
    }
    free(c);
    *consumer = NULL;
}

enum status
consumer_assign(struct consumer *consumer, const struct partition *parts, size_t count)
{
    return assignment_set(&consumer->assignment, parts, count);
}

enum status
consumer_pause(struct consumer *consumer, const char *topic, int32_t partition)
{
    return assignment_pause(&consumer->assignment, topic, partition);
}

enum status
consumer_resume(struct consumer *consumer, const char *topic, int32_t partition)
{
    return assignment_resume(&consumer->assignment, topic, partition);
}

rd_kafka_consumer_group_metadata_t *
consumer_membership(const struct consumer *c)
{
    return c->assignment.membership == NULL ? NULL
                                            : membership_copy(c->assignment.membership);
}

enum status
consumer_commit(struct consumer *consumer,
                const struct partition *parts,
                size_t count,
                bool wait)
{
    return offsets_commit(consumer->rk, parts, count, wait);
}

enum status
consumer_bounds(struct consumer *consumer,
                const char *topic,
                int32_t partition,
                int64_t timeout_ns,
                int64_t *low,
                int64_t *high)
{
    return offsets_bounds(consumer->rk, topic, partition, timeout_ns, low, high);
}

enum status
consumer_offset_at(struct consumer *consumer,
                   const char *topic,
                   int32_t partition,
                   int64_t wall_us,
                   int64_t timeout_ns,
                   int64_t *offset)
{
    if (consumer->assignment.dev) {
        *offset = OFFSET_BEGINNING;
        return STATUS_OK;
    }
    struct partition part = {topic, partition, wall_us / 1000};
    return offsets_at(consumer->rk, &part, timeout_ns, offset);
}

enum status
consumer_partitions(struct consumer *consumer,
                    const char *topic,
                    int64_t timeout_ns,
                    int32_t *count)
{
    return offsets_partitions(consumer->rk, topic, timeout_ns, count);
}
