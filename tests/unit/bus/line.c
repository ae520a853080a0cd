/* SPDX-License-Identifier: Apache-2.0 */
/* The shared set-up; every wait turns the loop and has an end. */
#include "line.h"

#include <criterion/criterion.h>

#include <string.h>

#define PATIENCE_NS (20 * NS_PER_S)
#define TURN_NS     (10 * NS_PER_MS)

static void
on_report(void *context, void *arg, const struct delivery *d)
{
    struct line *line = context;
    line->reports++;
    line->stored += d->status == STATUS_OK;
    line->last = *d;
    line->last.reason = NULL;
    line->last_arg = arg;
}

static void
on_record(void *arg, struct record *r)
{
    struct line *line = arg;
    cr_assert_lt(line->record_count, LINE_KEPT_MAX);
    line->records[line->record_count++] = r;
}

static void
on_assigned(void *arg, struct partition *parts, size_t count)
{
    struct line *line = arg;
    line->assigned += count;
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(parts[i].offset, OFFSET_COMMITTED);
        parts[i].offset = line->start;
    }
}

static bool
on_revoked(void *arg, const struct partition *parts, size_t count, bool lost)
{
    (void)parts;
    struct line *line = arg;
    line->revoked += count;
    line->revoked_lost = lost;
    return !line->keeps;
}

static void
on_restarted(void *arg, const char *topic, int32_t partition)
{
    struct line *line = arg;
    cr_assert_str_eq(topic, "t");
    cr_assert_geq(partition, 0);
    line->restarts++;
}

static void
on_end(void *arg, const char *topic, int32_t partition)
{
    struct line *line = arg;
    cr_assert_str_eq(topic, "t");
    cr_assert_geq(partition, 0);
    line->ends++;
}

static void
on_surveyed(void *arg, struct survey *survey)
{
    struct line *line = arg;
    cr_assert_str_eq(survey->topic, "t");
    line->surveys++;
}

static void
on_trouble(void *arg, enum status status, const char *reason)
{
    struct line *line = arg;
    cr_assert_not_null(reason);
    line->troubles++;
    line->trouble = status;
}

void
line_open(struct line *line, int32_t partitions)
{
    *line = (struct line){.start = OFFSET_COMMITTED};
    struct fault fault = {0};
    cr_assert_eq(dev_broker_create(&line->broker, &fault), STATUS_OK, "%s", fault.text);
    cr_assert_eq(dev_broker_create_topic(line->broker, "t", partitions), STATUS_OK);
    cr_assert_eq(loop_create(&line->loop), STATUS_OK);
    line->bus = (struct bus_config){
        .bootstrap_servers = dev_broker_bootstrap(line->broker),
        .topics_prefix = "leat.",
        .client_id = "test",
        .dev = true,
    };
    struct producer_config config = {.name = "test",
                                     .delivery_timeout_ns = 5 * NS_PER_S,
                                     .queue_bytes_max = 1 << 20};
    cr_assert_eq(producer_create(&line->producer, line->loop, &line->bus, &config,
                                 on_report, line, &fault),
                 STATUS_OK, "%s", fault.text);
    cr_assert_eq(producer_topic(line->producer, "t", &line->topic), STATUS_OK);
}

void
line_close(struct line *line)
{
    line_stop_consuming(line);
    producer_destroy(&line->producer);
    loop_destroy(&line->loop);
    dev_broker_destroy(&line->broker);
}

void
line_consume_as(struct line *line, const struct consumer_config *config)
{
    static const struct consumer_events events = {
        .record = on_record,
        .assigned = on_assigned,
        .revoked = on_revoked,
        .restarted = on_restarted,
        .reached_end = on_end,
        .surveyed = on_surveyed,
        .trouble = on_trouble,
    };
    struct fault fault = {0};
    cr_assert_eq(consumer_create(&line->consumer, line->loop, &line->bus, config,
                                 &events, line, &fault),
                 STATUS_OK, "%s", fault.text);
}

void
line_consume(struct line *line)
{
    line_consume_as(line, &(struct consumer_config){.name = "test",
                                                    .group = "g",
                                                    .topics = {"t"},
                                                    .all_partitions = true});
}

void
line_stop_consuming(struct line *line)
{
    for (size_t i = 0; i < line->record_count; i++) {
        record_release(&line->records[i]);
    }
    line->record_count = 0;
    consumer_destroy(&line->consumer);
}

enum status
line_try(struct line *line, int32_t partition, struct span value, void *arg)
{
    struct outgoing out = {
        .topic = line->topic, .partition = partition, .value = value, .arg = arg};
    return producer_send(line->producer, &out);
}

void
line_send(struct line *line, const char *key, const char *value)
{
    struct outgoing out = {
        .topic = line->topic,
        .partition = PARTITION_BY_KEY,
        .key = span_of_text(key),
        .value = span_of_text(value),
    };
    cr_assert_eq(producer_send(line->producer, &out), STATUS_OK);
}

bool
line_until(struct line *line, const size_t *count, size_t wanted)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (*count < wanted && clock_mono_ns() < end_ns) {
        loop_turn(line->loop, TURN_NS);
    }
    return *count >= wanted;
}

bool
line_until_connected(struct line *line, bool wanted)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (producer_connected(line->producer) != wanted && clock_mono_ns() < end_ns) {
        loop_turn(line->loop, TURN_NS);
    }
    return producer_connected(line->producer) == wanted;
}
