/* SPDX-License-Identifier: Apache-2.0 */
/* partition, lane, link, positions and config: what needs no broker. */
#include "base/clock.h"
#include "bus/config.h"
#include "bus/lane.h"
#include "bus/link.h"
#include "bus/partition.h"
#include "bus/positions.h"

#include <criterion/criterion.h>
#include <librdkafka/rdkafka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Vectors of Kafka's own UtilsTest.testMurmur2 (clients/src/test): hashes as signed. */
Test(partition, agrees_with_the_vectors_of_the_java_clients)
{
    static const struct {
        const char *key;
        int32_t hash;
    } vectors[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        int32_t expected = (vectors[i].hash & INT32_MAX) % 1000003;
        cr_assert_eq(partition_of_key(span_of_text(vectors[i].key), 1000003), expected,
                     "%s", vectors[i].key);
    }
}

Test(partition, agrees_with_librdkafka_for_keys_of_every_length_and_alignment)
{
    uint8_t bytes[80];
    unsigned seed = 7;
    for (int round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (uint8_t)rand_r(&seed);
        }
        size_t from = (size_t)round % 4;
        size_t size = (size_t)round % 70;
        int32_t count = 1 + rand_r(&seed) % 200;
        cr_assert_eq(partition_of_key(span_of(bytes + from, size), count),
                     rd_kafka_msg_partitioner_murmur2(NULL, bytes + from, size, count,
                                                      NULL, NULL));
    }
}

/* Steady arrivals for a second. @return records that took the busy lane */
static int
arrive(struct lane_meter *m, int64_t *now_ns, int rate)
{
    int busy = 0;
    for (int i = 0; i < rate; i++) {
        *now_ns += NS_PER_S / rate;
        busy += lane_choose(m, *now_ns) == LANE_BUSY;
    }
    return busy;
}

Test(lane, stays_quiet_below_the_threshold)
{
    struct lane_meter m = {0};
    int64_t now_ns = 5 * NS_PER_S;
    cr_assert_eq(arrive(&m, &now_ns, 100), 0);
    cr_assert_eq(arrive(&m, &now_ns, 1000), 0);
    cr_assert_eq(arrive(&m, &now_ns, 1400), 0);
}

Test(lane, turns_busy_within_a_tenth_of_a_second)
{
    struct lane_meter m = {0};
    int64_t now_ns = NS_PER_S;
    arrive(&m, &now_ns, 500);
    cr_assert_gt(arrive(&m, &now_ns, 5000), 4500);
}

Test(lane, keeps_its_choice_between_the_thresholds)
{
    struct lane_meter m = {0};
    int64_t now_ns = NS_PER_S;
    cr_assert_eq(arrive(&m, &now_ns, 1250), 0);
    arrive(&m, &now_ns, 4000);
    cr_assert_eq(arrive(&m, &now_ns, 1250), 1250);
    arrive(&m, &now_ns, 500);
    cr_assert_eq(arrive(&m, &now_ns, 1250), 0);
}

Test(lane, is_quiet_again_after_a_pause)
{
    struct lane_meter m = {0};
    int64_t now_ns = NS_PER_S;
    arrive(&m, &now_ns, 10000);
    cr_assert_eq(lane_choose(&m, now_ns + NS_PER_S), LANE_QUIET);
}

Test(lane, takes_a_burst_in_one_instant_as_busy)
{
    struct lane_meter m = {0};
    int busy = 0;
    for (int i = 0; i < 1000; i++) {
        busy += lane_choose(&m, NS_PER_S) == LANE_BUSY;
    }
    cr_assert_eq(busy, 1000 - 96);
}

Test(link, is_down_until_a_broker_answers)
{
    struct link link;
    link_init(&link, 0, 500 * NS_PER_MS);
    cr_assert(!link_is_up(&link));
    cr_assert(link_take_probe(&link, 0, false));
    cr_assert(!link_take_probe(&link, 0, false), "one probe at a time");
    link_probed(&link, 1, true);
    cr_assert(link_is_up(&link));
    cr_assert_eq(link_due(&link, false), TIME_NEVER);
}

Test(link, stays_up_through_a_loss_that_a_probe_disproves)
{
    struct link link;
    link_init(&link, 0, 500 * NS_PER_MS);
    link_delivered(&link, 0);
    link_lost(&link, NS_PER_S);
    cr_assert(link_is_up(&link));
    cr_assert(link_take_probe(&link, NS_PER_S, false));
    link_probed(&link, NS_PER_S, true);
    cr_assert(link_is_up(&link));
}

Test(link, goes_down_when_a_probe_fails_and_up_with_a_delivery)
{
    struct link link;
    link_init(&link, 0, 500 * NS_PER_MS);
    link_delivered(&link, 0);
    link_lost(&link, NS_PER_S);
    cr_assert(link_take_probe(&link, NS_PER_S, true));
    link_probed(&link, NS_PER_S, false);
    cr_assert(!link_is_up(&link));
    cr_assert_lt(link_due(&link, false), 2 * NS_PER_S, "it is probed again soon");
    link_delivered(&link, 2 * NS_PER_S);
    cr_assert(link_is_up(&link));
}

Test(link, is_probed_when_records_wait_without_a_report)
{
    struct link link;
    link_init(&link, 0, 500 * NS_PER_MS);
    link_delivered(&link, 0);
    link_waits(&link, 10 * NS_PER_S);
    cr_assert(!link_take_probe(&link, 10 * NS_PER_S + 100 * NS_PER_MS, true));
    cr_assert(link_take_probe(&link, 10 * NS_PER_S + 600 * NS_PER_MS, true));
    cr_assert(link_is_up(&link));
    link_probed(&link, 11 * NS_PER_S, true);
    cr_assert_eq(link_due(&link, true), 11 * NS_PER_S + 500 * NS_PER_MS);
}

Test(link, is_probed_after_as_long_a_wait_as_it_was_made_for)
{
    struct link link;
    link_init(&link, 0, 9 * NS_PER_S);
    link_delivered(&link, 0);
    link_waits(&link, NS_PER_S);
    cr_assert_eq(link_due(&link, true), 10 * NS_PER_S);
    cr_assert(!link_take_probe(&link, 10 * NS_PER_S - 1, true));
    cr_assert(link_take_probe(&link, 10 * NS_PER_S, true));
}

Test(positions, drops_what_was_handed_over_before_a_pause_only)
{
    struct partition part = {"t", 3, OFFSET_COMMITTED};
    struct positions p = {0};
    cr_assert_eq(positions_set(&p, &part, 1), STATUS_OK);
    struct position *at = positions_find(&p, "t", 3);
    cr_assert_not_null(at);
    cr_assert_null(positions_find(&p, "t", 4));
    cr_assert_null(positions_find(&p, "u", 3));
    cr_assert(positions_advance(at, 10));
    cr_assert(positions_advance(at, 11));
    at->resumed = true;
    cr_assert(!positions_advance(at, 10));
    cr_assert(!positions_advance(at, 11));
    cr_assert(positions_advance(at, 12));
    cr_assert(positions_advance(at, 5), "a topic made anew begins at 0 again");
    positions_clear(&p);
}

Test(positions, tells_of_an_end_once)
{
    struct partition parts[] = {{"t", 0, 0}, {"t", 1, 0}};
    struct positions p = {0};
    cr_assert_eq(positions_set(&p, parts, 2), STATUS_OK);
    struct position *at = positions_find(&p, "t", 1);
    cr_assert(positions_reach_end(&p, at));
    cr_assert(!positions_reach_end(&p, at));
    cr_assert_eq(p.behind, 1);
    positions_restart(&p, at, -1);
    cr_assert_eq(p.behind, 2);
    cr_assert_eq(at->gone, -1, "nothing was committed, so nothing is missing");
    positions_restart(&p, at, 70);
    positions_restart(&p, at, -1);
    cr_assert_eq(at->gone, 70, "kept until a record says what is missing");
    positions_clear(&p);
}

static struct bus_config
config_with(struct property *extra, size_t count)
{
    return (struct bus_config){
        .bootstrap_servers = "127.0.0.1:1",
        .topics_prefix = "leat.",
        .client_id = "test",
        .extra = {.items = extra, .count = count},
    };
}

Test(config, makes_names_of_topics)
{
    struct bus_config bus = config_with(NULL, 0);
    char name[TOPIC_NAME_MAX + 1];
    cr_assert_eq(bus_topic_name(&bus, TOPIC_REQUESTS, span_of_text("digits"), name),
                 STATUS_OK);
    cr_assert_str_eq(name, "leat.requests.digits");
    cr_assert_eq(bus_topic_name(&bus, TOPIC_REPLIES, span_of("", 0), name), STATUS_OK);
    cr_assert_str_eq(name, "leat.replies");
}

Test(config, refuses_names_that_kafka_would_not_take)
{
    struct bus_config bus = config_with(NULL, 0);
    char name[TOPIC_NAME_MAX + 1];
    char longest[TOPIC_NAME_MAX + 1];
    memset(longest, 'm', sizeof(longest));
    size_t room = TOPIC_NAME_MAX - strlen("leat.requests.");
    struct span bad[] = {
        span_of_text("a/b"),        span_of_text("a b"),
        span_of("a\0b", 3),         span_of_text("\xc3\xa4"),
        span_of(longest, room + 1), span_of(longest, sizeof(longest)),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_eq(bus_topic_name(&bus, TOPIC_REQUESTS, bad[i], name), STATUS_INVALID,
                     "%zu", i);
    }
    cr_assert_eq(bus_topic_name(&bus, TOPIC_REQUESTS, span_of(longest, room), name),
                 STATUS_OK);
}

Test(config, refuses_the_keys_that_would_break_a_promise)
{
    static const char *const keys[] = {
        "enable.auto.commit",
        "consumer.enable.auto.commit",
        "enable.auto.offset.store",
        "acks",
        "producer.acks",
        "request.required.acks",
        "producer.enable.idempotence",
        "producer.transactional.id",
        "partition.assignment.strategy",
        "consumer.isolation.level",
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct property extra = {keys[i], "true"};
        struct bus_config bus = config_with(&extra, 1);
        struct fault fault = {0};
        cr_assert_eq(bus_check(&bus, &fault), STATUS_INVALID, "%s", keys[i]);
        cr_assert_not_null(strstr(fault.text, keys[i]), "%s", fault.text);
    }
}

Test(config, reports_what_librdkafka_refuses_with_the_key)
{
    struct property unknown = {"no.such.key", "1"};
    struct property wrong = {"producer.linger.ms", "many"};
    struct fault fault = {0};
    struct bus_config bus = config_with(&unknown, 1);
    cr_assert_eq(bus_check(&bus, &fault), STATUS_INVALID);
    cr_assert_not_null(strstr(fault.text, "kafka.no.such.key"), "%s", fault.text);
    bus = config_with(&wrong, 1);
    cr_assert_eq(bus_check(&bus, &fault), STATUS_INVALID);
    cr_assert_not_null(strstr(fault.text, "kafka.producer.linger.ms"), "%s",
                       fault.text);
}

Test(config, takes_other_keys_for_one_role_or_for_both)
{
    struct property extra[] = {
        {"security.protocol", "plaintext"},
        {"producer.linger.ms", "3"},
        {"consumer.fetch.wait.max.ms", "100"},
        {"partition.assignment.strategy", "range"},
    };
    struct fault fault = {0};
    struct bus_config bus = config_with(extra, 4);
    cr_assert_eq(bus_check(&bus, &fault), STATUS_OK, "%s", fault.text);
}
