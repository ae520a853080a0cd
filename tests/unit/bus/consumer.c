/* SPDX-License-Identifier: Apache-2.0 */
/* Consumers on the in-process broker. */
#include "bus/admin.h"
#include "bus/partition.h"
#include "line.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(consumer, hands_over_keys_values_and_headers_as_they_were_sent, .timeout = 60)
{
    struct line line;
    line_open(&line, 4);
    struct record_header headers[] = {{"traceparent", span_of_text("00-ab")},
                                      {"empty", span_of("", 0)},
                                      {"twice", span_of_text("1")},
                                      {"twice", span_of_text("2")}};
    struct outgoing out = {
        .topic = line.topic,
        .partition = PARTITION_BY_KEY,
        .key = span_of_text("0191-key"),
        .value = span_of("a\0b", 3),
        .headers = headers,
        .header_count = 4,
    };
    cr_assert_eq(producer_send(line.producer, &out), STATUS_OK);
    line_consume(&line);
    cr_assert(line_until(&line, &line.record_count, 1));
    const struct record *r = line.records[0];
    cr_assert_str_eq(r->topic, "t");
    cr_assert_eq(r->partition, partition_of_key(span_of_text("0191-key"), 4));
    cr_assert_eq(r->offset, 0);
    cr_assert_lt(llabs(r->timestamp_us - clock_wall_us()), 60 * 1000 * 1000);
    cr_assert(span_is_text(r->key, "0191-key"));
    cr_assert(span_equal(r->value, span_of("a\0b", 3)));
    struct span value;
    cr_assert_eq(record_header_find(r, "traceparent", &value), STATUS_OK);
    cr_assert(span_is_text(value, "00-ab"));
    cr_assert_eq(record_header_find(r, "empty", &value), STATUS_OK);
    cr_assert_eq(value.size, 0);
    cr_assert_eq(record_header_find(r, "twice", &value), STATUS_OK);
    cr_assert(span_is_text(value, "2"), "the last one counts");
    cr_assert_eq(record_header_find(r, "absent", &value), STATUS_NOT_FOUND);
    const char *name = NULL;
    cr_assert_eq(record_header_at(r, 2, &name, &value), STATUS_OK);
    cr_assert_str_eq(name, "twice");
    cr_assert(span_is_text(value, "1"));
    cr_assert_eq(record_header_at(r, 4, &name, &value), STATUS_NOT_FOUND);
    line_close(&line);
}

Test(consumer, hands_over_a_tombstone_and_a_record_without_headers, .timeout = 60)
{
    struct line line;
    line_open(&line, 1);
    struct outgoing out = {.topic = line.topic, .key = span_of_text("gone")};
    cr_assert_eq(producer_send(line.producer, &out), STATUS_OK);
    line_consume(&line);
    cr_assert(line_until(&line, &line.record_count, 1));
    cr_assert_null(line.records[0]->value.data);
    cr_assert_eq(line.records[0]->value.size, 0);
    struct span value;
    cr_assert_eq(record_header_find(line.records[0], "x", &value), STATUS_NOT_FOUND);
    line_close(&line);
}

Test(consumer, keeps_records_valid_across_later_polls, .timeout = 60)
{
    struct line line;
    line_open(&line, 4);
    static char values[1000][16];
    line_consume(&line);
    for (size_t i = 0; i < 1000; i++) {
        snprintf(values[i], sizeof(values[i]), "value %zu", i);
        line_send(&line, values[i], values[i]);
        loop_turn(line.loop, 0);
    }
    cr_assert(line_until(&line, &line.record_count, 1000));
    bool seen[1000] = {false};
    for (size_t i = 0; i < 1000; i++) {
        const struct record *r = line.records[i];
        cr_assert(span_equal(r->key, r->value));
        size_t at = (size_t)atoi((const char *)r->value.data + strlen("value "));
        cr_assert_lt(at, 1000);
        cr_assert(!seen[at]);
        seen[at] = true;
    }
    line_close(&line);
}

Test(consumer, reads_every_partition_and_tells_of_their_ends, .timeout = 60)
{
    struct line line;
    line_open(&line, 5);
    for (int32_t i = 0; i < 5; i++) {
        cr_assert_eq(line_try(&line, i, span_of_text("v"), NULL), STATUS_OK);
    }
    cr_assert(line_until(&line, &line.stored, 5));
    line_consume(&line);
    cr_assert(line_until(&line, &line.record_count, 5));
    cr_assert(line_until(&line, &line.ends, 5));
    cr_assert_eq(line.assigned, 5);
    line_stop_consuming(&line);
    cr_assert_eq(line.revoked, 5);
    cr_assert(!line.revoked_lost);
    cr_assert_eq(line.ends, 5, "each end is told once");
    line_close(&line);
}

Test(consumer, resumes_where_it_committed, .timeout = 60)
{
    struct line line;
    line_open(&line, 1);
    for (int i = 0; i < 10; i++) {
        line_send(&line, "k", "v");
    }
    line_consume(&line);
    cr_assert(line_until(&line, &line.record_count, 10));
    struct partition done = {"t", 0, 7};
    cr_assert_eq(consumer_commit(line.consumer, &done, 1, true), STATUS_OK);
    line_stop_consuming(&line);
    line_consume(&line);
    cr_assert(line_until(&line, &line.record_count, 3));
    cr_assert_eq(line.records[0]->offset, 7);
    line_close(&line);
}

Test(consumer, starts_where_the_assigned_callback_says, .timeout = 60)
{
    struct line line;
    line_open(&line, 1);
    for (int i = 0; i < 10; i++) {
        line_send(&line, "k", "v");
    }
    cr_assert(line_until(&line, &line.stored, 10));
    line.start = 8;
    line_consume(&line);
    cr_assert(line_until(&line, &line.record_count, 2));
    cr_assert_eq(line.records[0]->offset, 8);
    line_close(&line);
}

Test(consumer,
     reads_nothing_of_a_partition_until_it_is_told_where_to_begin,
     .timeout = 60)
{
    struct line line;
    line_open(&line, 2);
    for (int i = 0; i < 10; i++) {
        cr_assert_eq(line_try(&line, i % 2, span_of_text("v"), NULL), STATUS_OK);
    }
    cr_assert(line_until(&line, &line.stored, 10));
    line.start = OFFSET_LATER;
    line_consume(&line);
    cr_assert(line_until(&line, &line.assigned, 2));
    const struct partition first[] = {{"t", 1, 3}, {"t", 7, 0}};
    consumer_begin(line.consumer, first, 2);
    cr_assert(line_until(&line, &line.record_count, 2));
    cr_assert(line_until(&line, &line.ends, 1));
    cr_assert_eq(line.records[0]->partition, 1);
    cr_assert_eq(line.records[0]->offset, 3);
    cr_assert_eq(line.record_count, 2, "nothing of the other one");
    const struct partition again[] = {{"t", 0, 4}, {"t", 1, 0}};
    consumer_begin(line.consumer, again, 2);
    cr_assert(line_until(&line, &line.ends, 2));
    cr_assert_eq(line.record_count, 3, "the one that is read goes on where it was");
    cr_assert_eq(line.records[2]->partition, 0);
    cr_assert_eq(line.records[2]->offset, 4);
    line_close(&line);
}

Test(consumer, surveys_many_partitions_at_once_without_blocking, .timeout = 60)
{
    enum { MANY = 500 };
    static struct bound bounds[MANY + 1];
    struct line line;
    line_open(&line, MANY);
    for (int32_t i = 0; i < 20; i++) {
        cr_assert_eq(line_try(&line, i % 10, span_of_text("v"), NULL), STATUS_OK);
    }
    cr_assert(line_until(&line, &line.stored, 20));
    line_consume(&line);
    for (int32_t i = 0; i <= MANY; i++) {
        bounds[i] = (struct bound){.partition = i};
    }
    struct survey survey = {.topic = "t", .bounds = bounds, .count = MANY};
    int64_t begun_ns = clock_mono_ns();
    cr_assert_eq(consumer_survey(line.consumer, &survey), STATUS_OK);
    cr_assert_lt(clock_mono_ns() - begun_ns, NS_PER_S / 2); /* 1 ms for each */
    cr_assert_eq(consumer_survey(line.consumer, &survey), STATUS_FULL);
    cr_assert(line_until(&line, &line.surveys, 1));
    cr_assert_eq(survey.partition_count, MANY);
    for (int32_t i = 0; i < MANY; i++) {
        cr_assert_eq(bounds[i].status, STATUS_OK);
        cr_assert_eq(bounds[i].low, 0);
        cr_assert_eq(bounds[i].high, i < 10 ? 2 : 0);
        cr_assert_eq(bounds[i].since, 0, "the in-process broker knows no times");
    }
    survey.count = MANY + 1;
    cr_assert_eq(consumer_survey(line.consumer, &survey), STATUS_OK);
    cr_assert(line_until(&line, &line.surveys, 2));
    cr_assert_neq(bounds[MANY].status, STATUS_OK, "there is no such partition");
    cr_assert_eq(bounds[0].status, STATUS_OK, "which spoils nothing for the others");
    line_close(&line);
}

Test(consumer, forgets_a_survey_at_its_end, .timeout = 60)
{
    struct bound bound = {.partition = 0};
    struct survey survey = {.topic = "t", .bounds = &bound, .count = 1};
    struct line line;
    line_open(&line, 1);
    line_consume(&line);
    dev_broker_destroy(&line.broker);
    cr_assert_eq(consumer_survey(line.consumer, &survey), STATUS_OK);
    line_stop_consuming(&line);
    cr_assert_eq(line.surveys, 0);
    line_close(&line);
}

Test(consumer, pauses_and_resumes_a_partition_without_loss_or_repeat, .timeout = 60)
{
    struct line line;
    line_open(&line, 2);
    line_consume(&line);
    cr_assert_eq(line_try(&line, 0, span_of_text("0"), NULL), STATUS_OK);
    cr_assert(line_until(&line, &line.record_count, 1));
    for (int round = 0; round < 5; round++) {
        size_t before = line.record_count;
        cr_assert_eq(consumer_pause(line.consumer, "t", 0), STATUS_OK);
        for (int i = 0; i < 20; i++) {
            cr_assert_eq(line_try(&line, 0, span_of_text("0"), NULL), STATUS_OK);
            cr_assert_eq(line_try(&line, 1, span_of_text("1"), NULL), STATUS_OK);
        }
        cr_assert(line_until(&line, &line.record_count, before + 20));
        for (size_t i = before; i < line.record_count; i++) {
            cr_assert_eq(line.records[i]->partition, 1);
        }
        cr_assert_eq(consumer_resume(line.consumer, "t", 0), STATUS_OK);
        cr_assert(line_until(&line, &line.record_count, before + 40));
    }
    int64_t next[2] = {0, 0};
    for (size_t i = 0; i < line.record_count; i++) {
        cr_assert_eq(line.records[i]->offset, next[line.records[i]->partition]++);
    }
    cr_assert_eq(next[0], 101);
    cr_assert_eq(next[1], 100);
    cr_assert_eq(consumer_pause(line.consumer, "t", 9), STATUS_NOT_FOUND);
    line_close(&line);
}

Test(consumer, reads_exactly_what_it_is_told_without_a_group, .timeout = 60)
{
    struct line line;
    line_open(&line, 3);
    for (int32_t i = 0; i < 3; i++) {
        cr_assert_eq(line_try(&line, i, span_of_text("a"), NULL), STATUS_OK);
        cr_assert_eq(line_try(&line, i, span_of_text("b"), NULL), STATUS_OK);
    }
    cr_assert(line_until(&line, &line.stored, 6));
    line_consume_as(&line, &(struct consumer_config){.name = "reader"});
    int64_t low = -9;
    int64_t high = -9;
    cr_assert_eq(consumer_bounds(line.consumer, "t", 1, NS_PER_S, &low, &high),
                 STATUS_OK);
    cr_assert_eq(low, 0);
    cr_assert_eq(high, 2);
    int32_t count = 0;
    cr_assert_eq(consumer_partitions(line.consumer, "t", NS_PER_S, &count), STATUS_OK);
    cr_assert_eq(count, 3);
    struct partition parts[] = {{"t", 1, OFFSET_BEGINNING}, {"t", 2, 1}};
    cr_assert_eq(consumer_assign(line.consumer, parts, 2), STATUS_OK);
    cr_assert(line_until(&line, &line.record_count, 3));
    cr_assert(line_until(&line, &line.ends, 2));
    cr_assert_eq(line.record_count, 3);
    cr_assert_eq(line.assigned, 0);
    struct partition again = {"t", 0, OFFSET_BEGINNING};
    cr_assert_eq(consumer_assign(line.consumer, &again, 1), STATUS_OK);
    cr_assert(line_until(&line, &line.record_count, 5));
    cr_assert_eq(line.records[4]->partition, 0);
    line_close(&line);
    cr_assert_eq(line.revoked, 0);
}

Test(consumer, tells_when_records_fell_out_of_the_dev_broker, .timeout = 60)
{
    struct line line;
    line_open(&line, 1);
    size_t size = 600 * 1024;
    uint8_t *value = calloc(1, size);
    for (size_t i = 0; i < 20; i++) {
        cr_assert_eq(line_try(&line, 0, span_of(value, size), NULL), STATUS_OK);
        cr_assert(line_until(&line, &line.stored, i + 1));
    }
    line.start = 0;
    line_consume(&line);
    cr_assert(line_until(&line, &line.record_count, 1));
    cr_assert_eq(line.restarts, 1);
    cr_assert_eq(line.troubles, 0);
    cr_assert_gt(line.records[0]->offset, 0);
    cr_assert(line_until(&line, &line.ends, 1));
    cr_assert_eq(line.records[line.record_count - 1]->offset, 19);
    line_close(&line);
    free(value);
}

Test(consumer, goes_on_after_the_broker_was_away, .timeout = 60)
{
    struct line line;
    line_open(&line, 1);
    line_consume(&line);
    line_send(&line, "k", "before");
    cr_assert(line_until(&line, &line.record_count, 1));
    dev_broker_down(line.broker);
    cr_assert(line_until(&line, &line.troubles, 1));
    line_send(&line, "k", "after");
    dev_broker_up(line.broker);
    cr_assert(line_until(&line, &line.record_count, 2));
    cr_assert(span_is_text(line.records[1]->value, "after"));
    line_close(&line);
}

/* One turn reads 512 records at most. What was sent while the broker was down is one
 * batch, which one fetch brings, so that some are queued when the consumer closes. */
static void
close_with_unread(bool member)
{
    enum { SENT = 2000 };
    struct line line;
    line_open(&line, 1);
    dev_broker_down(line.broker);
    for (int i = 0; i < SENT; i++) {
        line_send(&line, "k", "v");
    }
    dev_broker_up(line.broker);
    cr_assert(line_until(&line, &line.stored, SENT));
    line_consume_as(&line, &(struct consumer_config){.name = "test",
                                                     .group = "g",
                                                     .topics = {"t"},
                                                     .all_partitions = !member});
    cr_assert(line_until(&line, &line.record_count, 1));
    cr_assert_lt(line.record_count, SENT, "some must be unread");
    line_stop_consuming(&line);
    cr_assert_eq(line.revoked, 1);
    line_close(&line);
}

Test(consumer, closes_while_fetched_records_are_unread, .timeout = 60)
{
    close_with_unread(false);
}

Test(consumer, leaves_its_group_while_fetched_records_are_unread, .timeout = 60)
{
    close_with_unread(true);
}

Test(consumer, works_as_a_member_of_a_group, .timeout = 60)
{
    struct line line;
    line_open(&line, 3);
    line_send(&line, "k", "v");
    line_consume_as(&line, &(struct consumer_config){
                               .name = "member", .group = "g", .topics = {"t"}});
    cr_assert(line_until(&line, &line.record_count, 1));
    cr_assert_eq(line.assigned, 3);
    line_stop_consuming(&line);
    cr_assert_eq(line.revoked, 3);
    line_close(&line);
}

/* What was fetched before and is still on its way must not come between. */
static void
reads_again(struct line *line)
{
    enum { COUNT = 1500, FIRST = 5 };
    for (int i = 0; i < COUNT; i++) {
        line_send(line, "k", "v");
    }
    cr_assert(line_until(line, &line->record_count, 100));
    size_t before = line->record_count;
    line->start = FIRST;
    consumer_reassign(line->consumer);
    cr_assert_eq(line->revoked, 0, "the group hears nothing of it");
    cr_assert_eq(line->assigned, 2);
    cr_assert(line_until(line, &line->record_count, before + COUNT - FIRST));
    for (size_t i = 0; i < COUNT - FIRST; i++) {
        cr_assert_eq(line->records[before + i]->offset, (int64_t)i + FIRST);
    }
}

Test(consumer, reads_again_from_where_it_is_told, .timeout = 60)
{
    struct line line;
    line_open(&line, 1);
    line_consume(&line);
    reads_again(&line);
    line_close(&line);
}

Test(consumer, reads_again_as_a_member_of_a_group, .timeout = 60)
{
    struct line line;
    const struct consumer_config config = {
        .name = "member", .group = "g", .topics = {"t"}};
    line_open(&line, 1);
    line_consume_as(&line, &config);
    consumer_reassign(line.consumer); /* nothing is assigned yet */
    reads_again(&line);
    line_close(&line);
}

Test(consumer, asks_again_where_it_is_if_that_was_refused, .timeout = 60)
{
    struct line line;
    line_open(&line, 4);
    line.bus.dev = false;
    for (int32_t i = 0; i < 4; i++) {
        cr_assert_eq(line_try(&line, i, span_of_text("v"), NULL), STATUS_OK);
    }
    cr_assert(line_until(&line, &line.stored, 4));
    dev_broker_fail_offsets(line.broker);
    line_consume_as(&line, &(struct consumer_config){
                               .name = "member", .group = "g", .topics = {"t"}});
    cr_assert(line_until(&line, &line.record_count, 4));
    cr_assert_gt(line.troubles, 0);
    line_close(&line);
}

Test(consumer, leaves_at_once_at_its_end_whatever_its_user_keeps, .timeout = 60)
{
    struct line line;
    line_open(&line, 2);
    line_consume_as(&line, &(struct consumer_config){
                               .name = "member", .group = "g", .topics = {"t"}});
    cr_assert(line_until(&line, &line.assigned, 2));
    line.keeps = true;
    int64_t begin_ns = clock_mono_ns();
    line_stop_consuming(&line);
    cr_assert_eq(line.revoked, 2);
    cr_assert_lt(clock_mono_ns() - begin_ns, 4 * NS_PER_S);
    line_close(&line);
}

Test(admin, counts_brokers_and_describes_topics_of_the_dev_broker, .timeout = 60)
{
    struct line line;
    line_open(&line, 3);
    struct admin *admin = NULL;
    struct fault fault = {0};
    cr_assert_eq(admin_create(&admin, &line.bus, &fault), STATUS_OK);
    int brokers = 0;
    cr_assert_eq(admin_brokers(admin, 5 * NS_PER_S, &brokers, &fault), STATUS_OK);
    cr_assert_eq(brokers, 1);
    struct topic_view view;
    cr_assert_eq(admin_describe_topic(admin, "t", NS_PER_S, &view, &fault), STATUS_OK);
    cr_assert(view.exists);
    cr_assert_eq(view.partitions, 3);
    cr_assert_eq(view.min_insync, -2, "the in-process broker does not say");
    line_send(&line, "k", "v");
    line_consume(&line);
    cr_assert(line_until(&line, &line.record_count, 1));
    int32_t p = line.records[0]->partition;
    int64_t committed = 0;
    int64_t end = 0;
    cr_assert_eq(admin_lag(admin, "g", "t", p, 5 * NS_PER_S, &committed, &end),
                 STATUS_OK);
    cr_assert_eq(committed, -1);
    cr_assert_eq(end, 1);
    struct partition done = {"t", p, 1};
    cr_assert_eq(consumer_commit(line.consumer, &done, 1, true), STATUS_OK);
    cr_assert_eq(admin_lag(admin, "g", "t", p, 5 * NS_PER_S, &committed, &end),
                 STATUS_OK);
    cr_assert_eq(committed, 1);
    admin_destroy(&admin);
    line_close(&line);
}

Test(admin, says_in_words_that_no_broker_answers, .timeout = 60)
{
    struct bus_config bus = {.bootstrap_servers = "127.0.0.1:1", .client_id = "test"};
    struct admin *admin = NULL;
    struct fault fault = {0};
    cr_assert_eq(admin_create(&admin, &bus, &fault), STATUS_OK);
    int brokers = 0;
    cr_assert_eq(admin_brokers(admin, 300 * NS_PER_MS, &brokers, &fault),
                 STATUS_UNAVAILABLE);
    cr_assert_gt(strlen(fault.text), 0);
    admin_destroy(&admin);
}
