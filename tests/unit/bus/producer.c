/* SPDX-License-Identifier: Apache-2.0 */
/* Producers on the in-process broker: every record taken is reported once. */
#include "line.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

Test(producer, reports_each_record_once_with_its_argument, .timeout = 60)
{
    struct line line;
    line_open(&line, 4);
    int mark = 0;
    cr_assert_eq(line_try(&line, 2, span_of_text("hello"), &mark), STATUS_OK);
    cr_assert_eq(producer_pending(line.producer), 1);
    cr_assert(line_until(&line, &line.reports, 1));
    cr_assert_eq(line.last.status, STATUS_OK);
    cr_assert_eq(line.last.partition, 2);
    cr_assert_eq(line.last.offset, 0);
    cr_assert(!line.last.possibly_stored);
    cr_assert_eq(line.last_arg, &mark);
    cr_assert_eq(producer_pending(line.producer), 0);
    line_close(&line);
    cr_assert_eq(line.reports, 1);
}

Test(producer, learns_the_partitions_of_a_topic, .timeout = 60)
{
    struct line line;
    line_open(&line, 7);
    cr_assert_eq(producer_topic_partitions(line.producer, line.topic), 0);
    cr_assert(line_until_connected(&line, true));
    int64_t end_ns = clock_mono_ns() + 30 * NS_PER_S;
    while (producer_topic_partitions(line.producer, line.topic) == 0 &&
           clock_mono_ns() < end_ns) {
        loop_turn(line.loop, NS_PER_MS);
    }
    cr_assert_eq(producer_topic_partitions(line.producer, line.topic), 7);
    struct producer_topic *again = NULL;
    cr_assert_eq(producer_topic(line.producer, "t", &again), STATUS_OK);
    cr_assert_eq(again, line.topic);
    cr_assert_eq(producer_topic(line.producer, "no/name", &again), STATUS_INVALID);
    line_close(&line);
}

Test(producer, refuses_a_partition_that_does_not_exist, .timeout = 60)
{
    struct line line;
    line_open(&line, 4);
    cr_assert_eq(line_try(&line, 0, span_of_text("warm"), NULL), STATUS_OK);
    cr_assert(line_until(&line, &line.reports, 1));
    struct record_header header = {"reason", span_of_text("x")};
    struct outgoing out = {.topic = line.topic,
                           .partition = 4,
                           .value = span_of_text("v"),
                           .headers = &header,
                           .header_count = 1};
    cr_assert_eq(producer_send(line.producer, &out), STATUS_NOT_FOUND);
    cr_assert_eq(producer_pending(line.producer), 0);
    line_close(&line);
    cr_assert_eq(line.reports, 1);
}

Test(producer, refuses_a_record_over_the_limit, .timeout = 60)
{
    struct line line;
    line_open(&line, 1);
    size_t size = 9 * 1024 * 1024;
    uint8_t *big = calloc(1, size);
    cr_assert_eq(line_try(&line, 0, span_of(big, size), NULL), STATUS_TOO_LARGE);
    line_close(&line);
    free(big);
    cr_assert_eq(line.reports, 0);
}

Test(producer, says_full_over_its_bytes_and_takes_more_when_they_went, .timeout = 60)
{
    struct line line;
    line_open(&line, 1);
    dev_broker_down(line.broker);
    size_t size = 300 * 1024;
    uint8_t *value = calloc(1, size);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(line_try(&line, 0, span_of(value, size), NULL), STATUS_OK);
    }
    cr_assert_eq(line_try(&line, 0, span_of(value, size), NULL), STATUS_FULL);
    dev_broker_up(line.broker);
    cr_assert(line_until(&line, &line.stored, 3));
    cr_assert_eq(line_try(&line, 0, span_of(value, size), NULL), STATUS_OK);
    cr_assert(line_until(&line, &line.stored, 4));
    line_close(&line);
    free(value);
}

Test(producer, hides_a_passing_error_of_the_broker, .timeout = 60)
{
    struct line line;
    line_open(&line, 1);
    dev_broker_fail_produce(line.broker, 2, 1);
    cr_assert_eq(line_try(&line, 0, span_of_text("v"), NULL), STATUS_OK);
    cr_assert(line_until(&line, &line.reports, 1));
    cr_assert_eq(line.last.status, STATUS_OK);
    line_close(&line);
}

Test(producer, reports_a_lasting_error_as_surely_not_stored, .timeout = 60)
{
    struct line line;
    line_open(&line, 1);
    dev_broker_fail_produce(line.broker, 1, 0);
    cr_assert_eq(line_try(&line, 0, span_of_text("v"), NULL), STATUS_OK);
    cr_assert(line_until(&line, &line.reports, 1));
    cr_assert_eq(line.last.status, STATUS_UNAVAILABLE);
    cr_assert(!line.last.possibly_stored);
    cr_assert_eq(line_try(&line, 0, span_of_text("w"), NULL), STATUS_OK);
    cr_assert(line_until(&line, &line.stored, 1), "the next record is not harmed");
    line_close(&line);
}

Test(producer, replaces_a_client_that_failed_for_good, .timeout = 60)
{
    struct line line;
    line_open(&line, 1);
    cr_assert_eq(line_try(&line, 0, span_of_text("v"), NULL), STATUS_OK);
    cr_assert(line_until(&line, &line.stored, 1));
    dev_broker_fence_producer(line.broker);
    cr_assert_eq(line_try(&line, 0, span_of_text("w"), NULL), STATUS_OK);
    cr_assert(line_until(&line, &line.reports, 2));
    cr_assert_neq(line.last.status, STATUS_OK);
    int64_t end_ns = clock_mono_ns() + 30 * NS_PER_S;
    while (line_try(&line, 0, span_of_text("x"), NULL) != STATUS_OK &&
           clock_mono_ns() < end_ns) {
        loop_turn(line.loop, NS_PER_MS);
    }
    cr_assert(line_until(&line, &line.reports, 3));
    cr_assert_eq(line.last.status, STATUS_OK);
    line_close(&line);
}

Test(producer, gives_up_after_its_timeout, .timeout = 60)
{
    struct line line;
    line_open(&line, 1);
    cr_assert(line_until_connected(&line, true));
    dev_broker_down(line.broker);
    cr_assert_eq(line_try(&line, 0, span_of_text("v"), NULL), STATUS_OK);
    int64_t from_ns = clock_mono_ns();
    cr_assert(line_until(&line, &line.reports, 1));
    cr_assert_eq(line.last.status, STATUS_TIMEOUT);
    cr_assert_lt(clock_mono_ns() - from_ns, 12 * NS_PER_S);
    line_close(&line);
}

Test(producer, notices_within_a_second_that_kafka_is_away_and_resumes, .timeout = 60)
{
    struct line line;
    line_open(&line, 1);
    cr_assert(!producer_connected(line.producer));
    cr_assert(line_until_connected(&line, true));
    dev_broker_down(line.broker);
    int64_t from_ns = clock_mono_ns();
    cr_assert_eq(line_try(&line, 0, span_of_text("v"), NULL), STATUS_OK);
    cr_assert(line_until_connected(&line, false));
    cr_assert_lt(clock_mono_ns() - from_ns, 3 * NS_PER_S);
    dev_broker_up(line.broker);
    from_ns = clock_mono_ns();
    cr_assert(line_until_connected(&line, true));
    cr_assert_lt(clock_mono_ns() - from_ns, 5 * NS_PER_S);
    cr_assert(line_until(&line, &line.stored, 1), "what waited was sent after all");
    line_close(&line);
}

Test(producer, reports_as_closed_what_is_queued_when_it_ends, .timeout = 60)
{
    struct line line;
    line_open(&line, 1);
    dev_broker_down(line.broker);
    for (int i = 0; i < 50; i++) {
        cr_assert_eq(line_try(&line, 0, span_of_text("v"), NULL), STATUS_OK);
    }
    producer_destroy(&line.producer);
    cr_assert_null(line.producer);
    cr_assert_eq(line.reports, 50);
    cr_assert_eq(line.last.status, STATUS_CLOSED);
    cr_assert(!line.last.possibly_stored);
    line_close(&line);
}

Test(producer, uses_both_lanes_under_load_and_loses_nothing, .timeout = 60)
{
    struct line line;
    line_open(&line, 4);
    for (int i = 0; i < 3000; i++) {
        line_send(&line, i % 2 == 0 ? "even" : "odd", "value");
        if (i % 100 == 0) {
            loop_turn(line.loop, 0);
        }
    }
    cr_assert(line_until(&line, &line.reports, 3000));
    cr_assert_eq(line.stored, 3000);
    producer_flush(line.producer);
    line_close(&line);
}

Test(producer, fails_to_open_with_bad_settings_in_words)
{
    struct line line;
    line_open(&line, 1);
    struct property extra = {"producer.acks", "0"};
    struct bus_config bus = line.bus;
    bus.extra = (struct property_list){.items = &extra, .count = 1};
    struct producer_config config = {.name = "x", .delivery_timeout_ns = NS_PER_S};
    struct producer *producer = NULL;
    struct fault fault = {0};
    cr_assert_eq(
        producer_create(&producer, line.loop, &bus, &config, NULL, NULL, &fault),
        STATUS_INVALID);
    cr_assert_null(producer);
    cr_assert_not_null(strstr(fault.text, "acks"));
    line_close(&line);
}
