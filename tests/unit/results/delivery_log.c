/* SPDX-License-Identifier: Apache-2.0 */
/* The topic leat.webhooks as it is written, on the in-process broker. */
#include "results/delivery_log.h"

#include "base/clock.h"
#include "base/loop.h"
#include "bus/consumer.h"
#include "bus/dev_broker.h"

#include <criterion/criterion.h>

#define TOPIC "leat.webhooks"

static struct dev_broker *broker;
static struct loop *loop;
static struct bus_config bus = {
    .topics_prefix = "leat.", .client_id = "t", .dev = true};
static struct owner owner;
static struct delivery_log *written;
static struct consumer *reader;

static void
on_learned(void *arg, const struct webhook_record *w, struct span bytes)
{
    (void)arg;
    (void)w;
    (void)bytes;
}

static void
on_caught_up(void *arg)
{
    (void)arg;
}

static void
on_read(void *arg, struct record *r)
{
    (void)arg;
    record_release(&r);
}

static void
setup(void)
{
    static const struct consumer_events events = {.record = on_read};
    const struct consumer_config reading = {.name = "reader"};
    struct fault fault = {.text = ""};
    cr_assert_eq(dev_broker_create(&broker, &fault), STATUS_OK, "%s", fault.text);
    cr_assert_eq(dev_broker_create_topic(broker, TOPIC, 1), STATUS_OK);
    bus.bootstrap_servers = dev_broker_bootstrap(broker);
    cr_assert_eq(loop_create(&loop), STATUS_OK);
    owner_init(&owner);
    cr_assert_eq(owner_resize(&owner, 1), STATUS_OK);
    owner_set(&owner, 0, true);
    owner_settle(&owner);
    const struct delivery_log_config config = {
        .bus = &bus,
        .owner = &owner,
        .events = {.record = on_learned, .caught_up = on_caught_up}};
    cr_assert_eq(delivery_log_open(&written, loop, &config, &fault), STATUS_OK, "%s",
                 fault.text);
    cr_assert_eq(consumer_create(&reader, loop, &bus, &reading, &events, NULL, &fault),
                 STATUS_OK, "%s", fault.text);
}

static void
teardown(void)
{
    consumer_destroy(&reader);
    delivery_log_close(&written);
    owner_fini(&owner);
    loop_destroy(&loop);
    dev_broker_destroy(&broker);
}

TestSuite(delivery_log, .init = setup, .fini = teardown, .timeout = 60);

static int64_t
records_there(void)
{
    int64_t low = 0;
    int64_t high = -1;
    cr_assert_eq(consumer_bounds(reader, TOPIC, 0, 20 * NS_PER_S, &low, &high),
                 STATUS_OK);
    return high;
}

static void
write_one(void)
{
    struct uuid id = uuid_mint(&owner.random, clock_wall_us());
    delivery_log_write(written, &id, span_of_text("a record"));
}

static void
await_records(int64_t count)
{
    int64_t end_ns = clock_mono_ns() + 30 * NS_PER_S;
    while (records_there() < count) {
        cr_assert_lt(clock_mono_ns(), end_ns);
        loop_turn(loop, 10 * NS_PER_MS);
        delivery_log_turn(written, clock_mono_ns());
    }
}

/* Who gives partitions away flushes: the next owner reads to the end that is there. */
Test(delivery_log, has_all_in_kafka_once_it_is_flushed)
{
    write_one(); /* connects */
    await_records(1);
    dev_broker_fail_produce(broker, 2, true);
    write_one();
    delivery_log_flush(written);
    cr_assert_eq(records_there(), 2);
}

Test(delivery_log, waits_for_a_broker_that_is_away_no_longer_than_a_few_seconds)
{
    write_one();
    await_records(1);
    dev_broker_down(broker);
    write_one();
    int64_t begin_ns = clock_mono_ns();
    delivery_log_flush(written);
    cr_assert_geq(clock_mono_ns() - begin_ns, NS_PER_S);
    cr_assert_lt(clock_mono_ns() - begin_ns, 20 * NS_PER_S);
    dev_broker_up(broker);
    await_records(2);
}
