/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a consumer, and what its user asks of it. What comes in is reading.h's.
 */
#include "bus/consumer.h"

#include "base/clock.h"
#include "base/log.h"
#include "bus/client.h"
#include "bus/consumer_state.h"
#include "bus/membership.h"
#include "bus/offsets.h"
#include "bus/reading.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CLOSE_POLL_MS = 50 };

#define CLOSE_WAIT_NS (5 * NS_PER_S)
#define DROP_WAIT_NS  (2 * NS_PER_S)

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
        reading_listen(settings);
        c->poll_interval_ns = membership_poll_interval(settings);
        status = client_create(&c->rk, settings, CLIENT_CONSUMER, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    c->assignment.rk = c->rk;
    c->doubt = (struct doubt){.loop = c->loop, .rk = c->rk};
    rd_kafka_poll_set_consumer(c->rk);
    status = bell_open(&c->bell, c->loop, rd_kafka_queue_get_consumer(c->rk),
                       reading_serve, c);
    if (status == STATUS_OK) {
        status = loop_each_turn(c->loop, reading_turn, c);
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
    c->closing = true;
    if (c->all_partitions) {
        assignment_lose(&c->assignment, false);
    }
    consumer_revoke_end(c);
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

static void *
consumer_end_client(void *rk)
{
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return NULL;
}

/*
 * librdkafka 2.0.2 loses count of the partitions of a topic that was deleted and waits
 * for them for ever. By now the group is left and every offset committed: such a client
 * is left behind.
 */
static void
consumer_drop_client(struct consumer *c)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, consumer_end_client, c->rk) != 0) {
        (void)consumer_end_client(c->rk);
        return;
    }
    int64_t end_ns = clock_mono_ns() + DROP_WAIT_NS;
    const struct timespec end = {.tv_sec = end_ns / NS_PER_S,
                                 .tv_nsec = end_ns % NS_PER_S};
    if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &end) != 0) {
        log_warn("kafka_client_left", log_text("consumer", c->name),
                 log_text("reason", "it waits for partitions that are gone"));
        pthread_detach(thread);
    }
}

void
consumer_destroy(struct consumer **consumer)
{
    struct consumer *c = *consumer;
    if (c == NULL) {
        return;
    }
    if (c->has_turn) {
        loop_no_turn(c->loop, reading_turn, c);
    }
    if (c->rk != NULL) {
        surveyor_destroy(&c->surveyor);
        doubt_fini(&c->doubt);
        consumer_close(c);
        bell_close(&c->bell);
        if (c->pool.held > 0) {
            log_error("kafka_records_held", log_text("consumer", c->name),
                      log_int("count", (int64_t)c->pool.held));
        }
        consumer_drop_client(c);
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

void
consumer_revoke_end(struct consumer *consumer)
{
    if (consumer->assignment.leaving) {
        assignment_leave(&consumer->assignment);
    }
}

int64_t
consumer_poll_interval(const struct consumer *consumer)
{
    return consumer->poll_interval_ns;
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

static void
consumer_surveyed(void *arg, struct survey *survey)
{
    struct consumer *c = arg;
    c->events.surveyed(c->arg, survey);
}

enum status
consumer_survey(struct consumer *consumer, struct survey *survey)
{
    enum status status = STATUS_OK;
    if (consumer->surveyor == NULL) {
        status =
            surveyor_create(&consumer->surveyor, consumer->loop, consumer->rk,
                            !consumer->assignment.dev, consumer_surveyed, consumer);
    }
    return status == STATUS_OK ? surveyor_ask(consumer->surveyor, survey) : status;
}

void
consumer_begin(struct consumer *consumer, const struct partition *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct position *at = positions_find(&consumer->assignment.positions,
                                             parts[i].topic, parts[i].partition);
        if (at != NULL && at->next == OFFSET_LATER) {
            at->next = parts[i].offset;
            consumer->repeat = true;
        }
    }
    bell_ring(&consumer->bell);
}

void
consumer_reassign(struct consumer *consumer)
{
    reading_begin_again(consumer);
}

enum status
consumer_partitions(struct consumer *consumer,
                    const char *topic,
                    int64_t timeout_ns,
                    int32_t *count)
{
    return offsets_partitions(consumer->rk, topic, timeout_ns, count);
}
