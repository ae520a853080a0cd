/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only a real Kafka can prove about the bus: bus_on_kafka BOOTSTRAP KILL START.
 * KILL and START are shell commands that take the broker away and bring it back.
 * Topics, a round trip, two members that share a group, a broker that is killed.
 */
#include "base/clock.h"
#include "base/loop.h"
#include "bus/admin.h"
#include "bus/consumer.h"
#include "bus/partition.h"
#include "bus/producer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTITIONS = 6, RECORDS = 4000 };

#define TOPIC       "bus.check"
#define PATIENCE_NS (60 * NS_PER_S)
#define TURN_NS     (10 * NS_PER_MS)

#define REQUIRE(condition) require(condition, #condition, __LINE__)

struct member {
    struct consumer *consumer;
    int64_t next[PARTITIONS]; /* -1: not ours */
    size_t partitions;
    size_t assignments;
    size_t revocations;
    bool keeps; /* what is revoked */
    bool kept;
};

static struct loop *loop;
static struct bus_config bus = {.topics_prefix = "", .client_id = "bus-check"};
static struct producer *producer;
static struct producer_topic *topic;
static size_t sent;
static size_t stored;
static size_t misplaced;
static size_t surveys;
static unsigned char seen[RECORDS]; /* how often each record was read */

static void
require(bool holds, const char *what, int line)
{
    if (!holds) {
        fprintf(stderr, "bus_on_kafka: line %d: %s does not hold\n", line, what);
        exit(1);
    }
}

static void
on_report(void *context, void *arg, const struct delivery *d)
{
    (void)context;
    const char *key = arg;
    stored += d->status == STATUS_OK;
    misplaced += d->partition != partition_of_key(span_of_text(key), PARTITIONS);
}

/* Key and value are the record's number. @return whether it was taken */
static bool
send_next(void)
{
    static char keys[RECORDS][8];
    char *key = keys[sent];
    snprintf(key, sizeof(keys[0]), "%zu", sent);
    struct outgoing out = {
        .topic = topic,
        .partition = PARTITION_BY_KEY,
        .key = span_of_text(key),
        .value = span_of_text(key),
        .arg = key,
    };
    bool taken = producer_send(producer, &out) == STATUS_OK;
    sent += taken;
    return taken;
}

static void
send_many(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        REQUIRE(send_next());
        if (i % 10 == 0) {
            loop_turn(loop, NS_PER_MS);
        }
    }
}

static void
on_record(void *arg, struct record *r)
{
    struct member *m = arg;
    REQUIRE(span_equal(r->key, r->value));
    size_t number = (size_t)atoi((const char *)r->value.data);
    REQUIRE(number < RECORDS);
    seen[number]++;
    m->next[r->partition] = r->offset + 1;
    record_release(&r);
}

static void
on_assigned(void *arg, struct partition *parts, size_t count)
{
    (void)parts;
    struct member *m = arg;
    m->partitions = count;
    m->assignments++;
}

static void
on_surveyed(void *arg, struct survey *survey)
{
    (void)arg;
    (void)survey;
    surveys++;
}

static void
member_commit(struct member *m)
{
    struct partition done[PARTITIONS];
    size_t count = 0;
    for (int32_t i = 0; i < PARTITIONS; i++) {
        if (m->next[i] >= 0) {
            done[count++] = (struct partition){TOPIC, i, m->next[i]};
        }
    }
    if (count > 0) {
        REQUIRE(consumer_commit(m->consumer, done, count, true) == STATUS_OK);
    }
}

static bool
on_revoked(void *arg, const struct partition *parts, size_t count, bool lost)
{
    (void)parts;
    struct member *m = arg;
    REQUIRE(count == m->partitions);
    if (!lost) {
        member_commit(m);
    }
    for (int i = 0; i < PARTITIONS; i++) {
        m->next[i] = -1;
    }
    m->partitions = 0;
    m->revocations++;
    m->kept = m->keeps && !lost;
    return !m->kept;
}

static void
member_open(struct member *m, const char *name)
{
    static const struct consumer_events events = {
        .record = on_record,
        .assigned = on_assigned,
        .revoked = on_revoked,
        .surveyed = on_surveyed,
    };
    struct consumer_config config = {.name = name, .group = "check", .topics = {TOPIC}};
    struct fault fault = {0};
    *m = (struct member){0};
    for (int i = 0; i < PARTITIONS; i++) {
        m->next[i] = -1;
    }
    REQUIRE(consumer_create(&m->consumer, loop, &bus, &config, &events, m, &fault) ==
            STATUS_OK);
}

static bool
until(const size_t *value, size_t wanted)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (*value != wanted && clock_mono_ns() < end_ns) {
        loop_turn(loop, TURN_NS);
    }
    return *value == wanted;
}

static size_t
times_seen(unsigned times)
{
    size_t count = 0;
    for (size_t i = 0; i < sent; i++) {
        count += seen[i] == times;
    }
    return count;
}

static bool
until_all_seen(void)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (times_seen(0) > 0 && clock_mono_ns() < end_ns) {
        loop_turn(loop, TURN_NS);
    }
    size_t missing[PARTITIONS] = {0};
    for (size_t i = 0; i < sent; i++) {
        char key[8];
        snprintf(key, sizeof(key), "%zu", i);
        missing[partition_of_key(span_of_text(key), PARTITIONS)] += seen[i] == 0;
    }
    for (int p = 0; p < PARTITIONS; p++) {
        if (missing[p] > 0) {
            fprintf(stderr, "partition %d: %zu records not seen\n", p, missing[p]);
        }
    }
    return times_seen(0) == 0;
}

static bool
until_connected(bool wanted)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (producer_connected(producer) != wanted && clock_mono_ns() < end_ns) {
        loop_turn(loop, TURN_NS);
    }
    return producer_connected(producer) == wanted;
}

static void
check_topics(void)
{
    static const struct property settings[] = {
        {"retention.ms", "3600000"},
        {"cleanup.policy", "compact,delete"},
    };
    struct topic_spec spec = {.name = TOPIC,
                              .partitions = PARTITIONS,
                              .replication = -1,
                              .config = settings,
                              .config_count = 2};
    struct admin *admin = NULL;
    struct fault fault = {0};
    REQUIRE(admin_create(&admin, &bus, &fault) == STATUS_OK);
    int brokers = 0;
    REQUIRE(admin_brokers(admin, PATIENCE_NS, &brokers, &fault) == STATUS_OK);
    REQUIRE(brokers == 1);
    struct topic_view view;
    REQUIRE(admin_describe_topic(admin, TOPIC, PATIENCE_NS, &view, &fault) ==
            STATUS_OK);
    REQUIRE(!view.exists);
    REQUIRE(admin_create_topic(admin, &spec, PATIENCE_NS, &fault) == STATUS_OK);
    REQUIRE(admin_create_topic(admin, &spec, PATIENCE_NS, &fault) == STATUS_CONFLICT);
    struct topic_spec greedy = {.name = "greedy", .partitions = 1, .replication = 5};
    REQUIRE(admin_create_topic(admin, &greedy, PATIENCE_NS, &fault) == STATUS_INVALID);
    REQUIRE(strstr(fault.text, "greedy") != NULL);
    REQUIRE(admin_describe_topic(admin, TOPIC, PATIENCE_NS, &view, &fault) ==
            STATUS_OK);
    REQUIRE(view.exists && view.partitions == PARTITIONS && view.replication == 1);
    REQUIRE(view.in_sync == 1 && view.min_insync == 1 && view.compacted);
    REQUIRE(view.retention_ms == 3600000 && view.message_bytes_max > 0);
    admin_destroy(&admin);
    printf("topics are created and described\n");
}

static void
check_round_trip(struct member *a)
{
    send_many(1000);
    REQUIRE(until(&stored, 1000));
    REQUIRE(misplaced == 0);
    member_open(a, "a");
    REQUIRE(until(&a->partitions, PARTITIONS));
    REQUIRE(until_all_seen());
    REQUIRE(times_seen(1) == 1000);
    printf("1000 records came back once each, where their keys belong\n");
}

/* All partitions at once: their ends, and where two times are in them. */
static void
check_survey(struct member *a)
{
    struct bound bounds[PARTITIONS];
    const int64_t times_us[] = {1, clock_wall_us() + 3600LL * 1000 * 1000};
    for (size_t i = 0; i < 2; i++) {
        int64_t records = 0;
        struct survey survey = {TOPIC, times_us[i], bounds, PARTITIONS, 0};
        for (int32_t p = 0; p < PARTITIONS; p++) {
            bounds[p] = (struct bound){.partition = p};
        }
        surveys = 0;
        REQUIRE(consumer_survey(a->consumer, &survey) == STATUS_OK);
        REQUIRE(consumer_survey(a->consumer, &survey) == STATUS_FULL);
        REQUIRE(until(&surveys, 1));
        REQUIRE(survey.partition_count == PARTITIONS);
        for (int32_t p = 0; p < PARTITIONS; p++) {
            REQUIRE(bounds[p].status == STATUS_OK && bounds[p].low == 0);
            REQUIRE(bounds[p].since == (i == 0 ? 0 : OFFSET_END));
            records += bounds[p].high;
        }
        REQUIRE(records == 1000);
    }
    printf("one survey tells of all partitions\n");
}

static void
check_group(struct member *a)
{
    struct member b;
    member_open(&b, "b");
    REQUIRE(until(&b.partitions, PARTITIONS / 2));
    REQUIRE(until(&a->partitions, PARTITIONS / 2));
    REQUIRE(a->revocations == 1);
    send_many(1000);
    REQUIRE(until_all_seen());
    consumer_destroy(&b.consumer);
    REQUIRE(b.revocations == 1);
    REQUIRE(until(&a->partitions, PARTITIONS));
    send_many(500);
    REQUIRE(until_all_seen());
    REQUIRE(times_seen(1) == sent);
    printf("two members shared 6 partitions, nothing read twice\n");
}

/* A keeps what is revoked for longer than a heartbeat and a session's answer take; the
   group waits, nothing is read meanwhile, and both go on afterwards. */
static void
check_keep(struct member *a)
{
    enum { KEPT_S = 3 };
    struct member b;
    size_t before = a->revocations;
    a->keeps = true;
    member_open(&b, "late");
    REQUIRE(until(&a->revocations, before + 1));
    int64_t end_ns = clock_mono_ns() + KEPT_S * NS_PER_S;
    send_many(200);
    while (clock_mono_ns() < end_ns) {
        loop_turn(loop, TURN_NS);
        REQUIRE(a->kept && a->assignments == a->revocations);
    }
    REQUIRE(times_seen(0) == 200);
    REQUIRE(b.partitions == 0);
    a->keeps = false;
    consumer_revoke_end(a->consumer);
    REQUIRE(until(&b.partitions, PARTITIONS / 2));
    REQUIRE(until(&a->partitions, PARTITIONS / 2));
    REQUIRE(a->revocations == before + 1);
    REQUIRE(until_all_seen());
    consumer_destroy(&b.consumer);
    REQUIRE(until(&a->partitions, PARTITIONS));
    REQUIRE(times_seen(1) == sent);
    printf("what is revoked can be kept for %d s: the group waits, none is lost\n",
           KEPT_S);
}

/* A pause of librdkafka's outlives the assignment; ours must not. */
static void
check_pause(struct member *a)
{
    struct member b;
    for (int32_t i = 0; i < PARTITIONS; i++) {
        REQUIRE(consumer_pause(a->consumer, TOPIC, i) == STATUS_OK);
    }
    member_open(&b, "b");
    REQUIRE(until(&b.partitions, PARTITIONS / 2));
    REQUIRE(until(&a->partitions, PARTITIONS / 2));
    send_many(100);
    REQUIRE(until_all_seen());
    consumer_destroy(&b.consumer);
    REQUIRE(until(&a->partitions, PARTITIONS));
    printf("partitions that come again are not paused\n");
}

/* The end of a member that keeps what is revoked: it goes at once. */
static void
check_keep_to_the_end(struct member *a)
{
    struct member b;
    struct member c;
    member_open(&b, "b");
    REQUIRE(until(&b.partitions, PARTITIONS / 2));
    REQUIRE(until(&a->partitions, PARTITIONS / 2));
    b.keeps = true;
    member_open(&c, "c");
    REQUIRE(until(&b.revocations, 1));
    consumer_destroy(&b.consumer);
    REQUIRE(until(&c.partitions, PARTITIONS / 2));
    consumer_destroy(&c.consumer);
    REQUIRE(until(&a->partitions, PARTITIONS));
    send_many(100);
    REQUIRE(until_all_seen());
    REQUIRE(times_seen(1) == sent);
    printf("a member that ends gives up what it kept\n");
}

static void
check_away(const char *kill, const char *start)
{
    char command[1024];
    REQUIRE(until(&stored, sent));
    REQUIRE(producer_connected(producer));
    REQUIRE(system(kill) == 0); /* NOLINT(cert-env33-c): the test's own script */
    int64_t from_ns = clock_mono_ns();
    REQUIRE(send_next());
    REQUIRE(until_connected(false));
    int64_t noticed_ns = clock_mono_ns() - from_ns;
    REQUIRE(noticed_ns < NS_PER_S);
    snprintf(command, sizeof(command), "%s &", start);
    REQUIRE(system(command) == 0); /* NOLINT(cert-env33-c) */
    REQUIRE(until_connected(true));
    REQUIRE(until(&stored, sent));
    send_many(100);
    REQUIRE(until(&stored, sent));
    REQUIRE(until_all_seen());
    printf("a killed broker was noticed after %lld ms; it came back, nothing is lost\n",
           (long long)(noticed_ns / NS_PER_MS));
}

int
main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: bus_on_kafka BOOTSTRAP KILL START\n");
        return 2;
    }
    bus.bootstrap_servers = argv[1];
    struct producer_config config = {.name = "check",
                                     .delivery_timeout_ns = PATIENCE_NS};
    struct fault fault = {0};
    struct member a;
    REQUIRE(loop_create(&loop) == STATUS_OK);
    check_topics();
    REQUIRE(producer_create(&producer, loop, &bus, &config, on_report, NULL, &fault) ==
            STATUS_OK);
    REQUIRE(producer_topic(producer, TOPIC, &topic) == STATUS_OK);
    check_round_trip(&a);
    check_survey(&a);
    check_group(&a);
    check_pause(&a);
    check_keep(&a);
    check_keep_to_the_end(&a);
    check_away(argv[2], argv[3]);
    consumer_destroy(&a.consumer);
    producer_destroy(&producer);
    loop_destroy(&loop);
    return 0;
}
