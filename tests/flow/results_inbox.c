/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The results room on the in-process broker: replies are produced as a batcher would,
 * and come out at waits and finds; across restarts too.
 */
#include "base/clock.h"
#include "bus/dev_broker.h"
#include "bus/producer.h"
#include "results/metrics.h"
#include "results/results.h"
#include "schemas/codec.h"

#include <criterion/criterion.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PARTITIONS = 4, VALUES_MAX = 4096 };

#define PATIENCE_NS (20 * NS_PER_S)
#define TENANT      "acme"

static struct dev_broker *broker;
static struct bus_config bus = {
    .topics_prefix = "leat.", .client_id = "t", .dev = true};
static struct loop *loop;
static struct results *results;
static struct producer *producer;
static struct producer_topic *topic;
static struct buf values[VALUES_MAX]; /* lent to the producer */
static size_t value_count;
static char directory[64];
static struct results_config config = {
    .store = directory,
    .ttl_ns = 3600 * NS_PER_S,
    .store_bytes_max = 64 << 20,
    .waits_max = 5000,
    .webhook_timeout_ns = NS_PER_S,
    .webhook_attempts_max = 3,
    .webhooks_max = 100,
};

struct waiter {
    int calls;
    enum status status;
    enum reply_status reply_status;
    char error[64];
};

static void
on_answer(void *arg, enum status status, const struct reply *reply)
{
    struct waiter *w = arg;
    w->calls++;
    w->status = status;
    if (reply != NULL) {
        w->reply_status = reply->status;
        snprintf(w->error, sizeof w->error, "%.*s", (int)reply->error.message.size,
                 (const char *)reply->error.message.data);
    }
}

static void
on_delivery(void *context, void *arg, const struct delivery *d)
{
    (void)context;
    (void)arg;
    cr_assert(d->status == STATUS_OK || d->status == STATUS_CLOSED, "%s", d->reason);
}

static void
open_results(void)
{
    struct fault fault = {0};
    cr_assert_eq(results_create(&results, loop, &bus, &config, &fault), STATUS_OK, "%s",
                 fault.text);
}

static void
await_ready(void)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (!results_ready(results)) {
        cr_assert_lt(clock_mono_ns(), end_ns, "waits for %s",
                     results_waiting_for(results));
        loop_turn(loop, 10 * NS_PER_MS);
    }
    cr_assert_str_eq(results_waiting_for(results), "");
}

static void
setup(void)
{
    struct producer_config producing = {.name = "replies"};
    producing.delivery_timeout_ns = 10 * NS_PER_S;
    snprintf(directory, sizeof directory, "/tmp/leat-flow-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(loop_create(&loop), STATUS_OK);
    cr_assert_eq(dev_broker_create(&broker, NULL), STATUS_OK);
    cr_assert_eq(dev_broker_create_topic(broker, "leat.replies", PARTITIONS),
                 STATUS_OK);
    bus.bootstrap_servers = dev_broker_bootstrap(broker);
    cr_assert_eq(
        producer_create(&producer, loop, &bus, &producing, on_delivery, NULL, NULL),
        STATUS_OK);
    cr_assert_eq(producer_topic(producer, "leat.replies", &topic), STATUS_OK);
    open_results();
}

static void
teardown(void)
{
    results_destroy(&results);
    producer_destroy(&producer);
    dev_broker_destroy(&broker);
    loop_destroy(&loop);
    for (size_t i = 0; i < value_count; i++) {
        buf_fini(&values[i]);
    }
    DIR *dir = opendir(directory);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        unlinkat(dirfd(dir), e->d_name, 0);
    }
    closedir(dir);
    cr_assert_eq(rmdir(directory), 0);
}

TestSuite(results, .init = setup, .fini = teardown, .timeout = 120);

static void
produce_bytes(const struct uuid *id, const void *bytes, size_t size)
{
    char key[UUID_TEXT];
    struct buf *value = &values[value_count++];
    cr_assert_leq(value_count, VALUES_MAX);
    buf_init(value, 1 << 20);
    buf_append(value, bytes, size);
    uuid_format(id, key);
    const struct outgoing out = {.topic = topic,
                                 .partition = PARTITION_BY_KEY,
                                 .key = span_of(key, UUID_TEXT),
                                 .value = buf_span(value)};
    cr_assert_eq(producer_send(producer, &out), STATUS_OK);
}

static void
produce(const struct uuid *id, enum reply_status status, const char *message)
{
    struct buf b;
    const struct reply reply = {
        .id = *id,
        .model = span_of_text("digits"),
        .model_version = span_of_text("1"),
        .status = status,
        .tenant = span_of_text(TENANT),
        .error = {.code = span_of_text("internal"),
                  .message = span_of_text(message),
                  .stage = span_of_text("run")},
    };
    buf_init(&b, 1 << 20);
    reply_encode(&reply, &b);
    cr_assert_eq(b.status, STATUS_OK);
    produce_bytes(id, b.data, b.size);
    buf_fini(&b);
}

static struct uuid
mint_at(int64_t wall_us)
{
    struct uuid id;
    cr_assert_eq(results_mint(results, wall_us, &id), STATUS_OK);
    return id;
}

/* Long enough ago that nobody else can have taken it in a rebalance. */
static struct uuid
mint(void)
{
    return mint_at(clock_wall_us() - 10 * NS_PER_S / NS_PER_US);
}

static struct results_wait *
expect(const struct uuid *id, int64_t in_ns, struct waiter *w)
{
    struct results_wait *wait = NULL;
    cr_assert_eq(
        results_expect(results, id, clock_mono_ns() + in_ns, on_answer, w, &wait),
        STATUS_OK);
    return wait;
}

static void
await(const struct waiter *w)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (w->calls == 0) {
        cr_assert_lt(clock_mono_ns(), end_ns, "not called");
        loop_turn(loop, 10 * NS_PER_MS);
    }
}

static void
await_produced(void)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (producer_pending(producer) > 0) {
        cr_assert_lt(clock_mono_ns(), end_ns);
        loop_turn(loop, 10 * NS_PER_MS);
    }
}

static enum status
find(const struct uuid *id, const char *tenant, struct arena *arena, struct reply *r)
{
    arena_init(arena, 1 << 20);
    enum status status = results_find(results, id, span_of_text(tenant), arena, r);
    arena_fini(arena);
    return status;
}

static enum status
find_status(const struct uuid *id, const char *tenant)
{
    struct arena arena;
    struct reply reply;
    return find(id, tenant, &arena, &reply);
}

static void
await_found(const struct uuid *id)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (find_status(id, TENANT) != STATUS_OK) {
        cr_assert_lt(clock_mono_ns(), end_ns, "not found");
        loop_turn(loop, 10 * NS_PER_MS);
    }
}

Test(results, answer_whoever_waits_for_an_id)
{
    struct waiter w[3] = {{0}};
    await_ready();
    struct uuid id = mint();
    expect(&id, PATIENCE_NS, &w[0]);
    expect(&id, PATIENCE_NS, &w[1]);
    results_next_partition(results);
    struct uuid other = mint();
    struct results_wait *forgotten = expect(&other, PATIENCE_NS, &w[2]);
    results_forget(results, forgotten);
    produce(&other, REPLY_SUCCEEDED, "");
    produce(&id, REPLY_FAILED, "first");
    await(&w[0]);
    cr_assert_eq(w[1].calls, 1);
    cr_assert_eq(w[0].status, STATUS_OK);
    cr_assert_eq(w[0].reply_status, REPLY_FAILED);
    cr_assert_str_eq(w[0].error, "first");
    await_found(&other);
    cr_assert_eq(w[2].calls, 0);
}

Test(results, answer_on_the_next_turn_when_the_reply_is_here_already)
{
    struct waiter w = {0};
    await_ready();
    struct uuid id = mint();
    produce(&id, REPLY_FAILED, "early");
    await_found(&id);
    expect(&id, PATIENCE_NS, &w);
    cr_assert_eq(w.calls, 0);
    loop_turn(loop, NS_PER_S);
    loop_turn(loop, 0);
    cr_assert_eq(w.calls, 1);
    cr_assert_str_eq(w.error, "early");
}

Test(results, tell_the_deadline_when_no_reply_comes)
{
    struct waiter w = {0};
    await_ready();
    struct uuid id = mint();
    expect(&id, 5 * NS_PER_MS, &w);
    await(&w);
    cr_assert_eq(w.status, STATUS_TIMEOUT);
    produce(&id, REPLY_SUCCEEDED, "");
    await_found(&id);
    cr_assert_eq(w.calls, 1);
}

Test(results, keep_the_first_ending_and_tell_everybody_the_same)
{
    struct waiter w = {0};
    await_ready();
    struct uuid id = mint();
    struct uuid last = mint(); /* same partition: comes after them */
    produce(&id, REPLY_QUEUED, "");
    produce(&id, REPLY_FAILED, "first");
    produce(&id, REPLY_FAILED, "second");
    produce(&id, REPLY_QUEUED, "");
    await_produced();
    produce(&last, REPLY_SUCCEEDED, "");
    await_found(&last);
    expect(&id, PATIENCE_NS, &w);
    await(&w);
    cr_assert_eq(w.reply_status, REPLY_FAILED);
    cr_assert_geq(atomic_load(&results_metric(ROW_DUPLICATES)->value), 1);
}

Test(results, hide_the_results_of_others_and_pass_over_what_is_no_reply)
{
    await_ready();
    struct uuid id = mint();
    struct uuid junk = mint();
    produce_bytes(&junk, "\xc3\x01 no reply at all", 18);
    await_produced();
    produce(&id, REPLY_SUCCEEDED, "");
    await_found(&id);
    cr_assert_eq(find_status(&id, "somebody else"), STATUS_NOT_FOUND);
    cr_assert_eq(find_status(&id, ""), STATUS_NOT_FOUND);
    cr_assert_eq(find_status(&junk, TENANT), STATUS_NOT_FOUND);
    cr_assert_eq(atomic_load(&results_metric(ROW_UNDECODABLE)->value), 1);
}

Test(results, are_not_sure_at_first_of_an_id_that_was_minted_just_now)
{
    await_ready();
    struct uuid id = mint_at(clock_wall_us());
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    cr_assert_eq(find_status(&id, TENANT), STATUS_UNAVAILABLE);
    while (find_status(&id, TENANT) == STATUS_UNAVAILABLE) {
        cr_assert_lt(clock_mono_ns(), end_ns, "still not sure");
        loop_turn(loop, 100 * NS_PER_MS);
    }
    cr_assert_eq(find_status(&id, TENANT), STATUS_NOT_FOUND);
}

Test(results, show_a_job_as_queued_before_its_record_has_come_round)
{
    struct buf b;
    struct arena arena;
    struct reply found;
    await_ready();
    const struct reply queued = {.id = mint(),
                                 .model = span_of_text("digits"),
                                 .model_version = span_of_text("1"),
                                 .status = REPLY_QUEUED,
                                 .tenant = span_of_text(TENANT)};
    buf_init(&b, 1 << 20);
    reply_encode(&queued, &b);
    cr_assert_eq(find_status(&queued.id, TENANT), STATUS_NOT_FOUND);
    results_queued(results, &queued.id, buf_span(&b));
    cr_assert_eq(find(&queued.id, TENANT, &arena, &found), STATUS_OK);
    cr_assert_eq(found.status, REPLY_QUEUED);
    produce(&queued.id, REPLY_SUCCEEDED, "");
    struct waiter w = {0};
    expect(&queued.id, PATIENCE_NS, &w);
    await(&w);
    results_queued(results, &queued.id, buf_span(&b));
    cr_assert_eq(find(&queued.id, TENANT, &arena, &found), STATUS_OK);
    cr_assert_eq(found.status, REPLY_SUCCEEDED);
    buf_fini(&b);
}

static void
on_delivered(void *arg, enum status status, const struct reply *reply)
{
    struct reply found;
    struct arena arena;
    on_answer(arg, status, reply);
    results_delivered(results, &reply->id);
    cr_assert_eq(find(&reply->id, TENANT, &arena, &found), STATUS_OK);
    cr_assert_eq(found.status, REPLY_FAILED, "known while it is being told");
}

Test(results, keep_what_was_delivered_for_a_shorter_time)
{
    struct waiter w[2] = {{0}};
    struct results_wait *wait = NULL;
    results_destroy(&results);
    config.delivered_ttl_ns = NS_PER_S;
    open_results();
    await_ready();
    struct uuid id = mint();
    struct uuid polled = mint();
    cr_assert_eq(results_expect(results, &id, clock_mono_ns() + PATIENCE_NS,
                                on_delivered, &w[0], &wait),
                 STATUS_OK);
    expect(&polled, PATIENCE_NS, &w[1]);
    produce(&id, REPLY_FAILED, "first");
    produce(&polled, REPLY_SUCCEEDED, "");
    await(&w[0]);
    await(&w[1]);
    cr_assert_eq(find_status(&id, TENANT), STATUS_OK);
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (find_status(&id, TENANT) == STATUS_OK) {
        cr_assert_lt(clock_mono_ns(), end_ns, "still there");
        loop_turn(loop, 10 * NS_PER_MS);
    }
    cr_assert_eq(find_status(&id, TENANT), STATUS_NOT_FOUND);
    cr_assert_eq(find_status(&polled, TENANT), STATUS_OK);
    int64_t known = atomic_load(&results_metric(ROW_DUPLICATES)->value);
    produce(&id, REPLY_SUCCEEDED, "second");
    while (atomic_load(&results_metric(ROW_DUPLICATES)->value) == known) {
        cr_assert_lt(clock_mono_ns(), end_ns, "not known as a second one");
        loop_turn(loop, 10 * NS_PER_MS);
    }
    cr_assert_eq(find_status(&id, TENANT), STATUS_NOT_FOUND);
    config.delivered_ttl_ns = 0;
}

Test(results, say_how_far_they_have_read)
{
    struct buf text;
    buf_init(&text, 4096);
    await_ready();
    struct uuid id = mint();
    produce(&id, REPLY_SUCCEEDED, "");
    await_found(&id);
    results_describe(results, &text);
    buf_append(&text, "", 1);
    cr_assert_not_null(strstr((char *)text.data, "replies: 4 partitions, 0 behind\n"));
    cr_assert_not_null(strstr((char *)text.data, ": from 0, next 1, end 0\n"));
    buf_fini(&text);
}

Test(results, are_there_after_a_restart_without_being_read_again)
{
    enum { COUNT = 500 };
    static struct uuid ids[COUNT];
    await_ready();
    for (size_t i = 0; i < COUNT; i++) {
        ids[i] = mint();
        produce(&ids[i], REPLY_SUCCEEDED, "");
        results_next_partition(results);
    }
    for (size_t i = 0; i < COUNT; i++) {
        await_found(&ids[i]);
    }
    results_destroy(&results);
    int64_t read = atomic_load(&results_metric(ROW_REPLIES + REPLY_SUCCEEDED)->value);
    cr_assert_eq(read, COUNT);
    open_results();
    cr_assert_eq(find_status(&ids[0], TENANT), STATUS_UNAVAILABLE);
    await_ready();
    for (size_t i = 0; i < COUNT; i++) {
        cr_assert_eq(find_status(&ids[i], TENANT), STATUS_OK);
    }
    struct uuid id = mint();
    produce(&id, REPLY_SUCCEEDED, "");
    await_found(&id);
    read = atomic_load(&results_metric(ROW_REPLIES + REPLY_SUCCEEDED)->value);
    cr_assert_eq(read, COUNT + 1);
}

Test(results, are_read_again_from_kafka_when_the_store_is_gone)
{
    struct uuid ids[20];
    await_ready();
    for (size_t i = 0; i < 20; i++) {
        ids[i] = mint();
        produce(&ids[i], REPLY_SUCCEEDED, "");
        results_next_partition(results);
    }
    for (size_t i = 0; i < 20; i++) {
        await_found(&ids[i]);
    }
    results_destroy(&results);
    char path[128];
    snprintf(path, sizeof path, "%s/data.mdb", directory);
    cr_assert_eq(unlink(path), 0);
    open_results();
    await_ready();
    for (size_t i = 0; i < 20; i++) {
        cr_assert_eq(find_status(&ids[i], TENANT), STATUS_OK);
    }
}

Test(results, tell_waiters_of_the_shutdown)
{
    struct waiter w = {0};
    await_ready();
    struct uuid id = mint();
    expect(&id, PATIENCE_NS, &w);
    results_destroy(&results);
    cr_assert_eq(w.calls, 1);
    cr_assert_eq(w.status, STATUS_CLOSED);
}

Test(results, say_what_they_wait_for_before_the_first_assignment)
{
    struct uuid id = {{0}};
    cr_assert_not(results_ready(results));
    cr_assert_neq(results_waiting_for(results)[0], '\0');
    cr_assert_eq(results_mint(results, clock_wall_us(), &id), STATUS_UNAVAILABLE);
    cr_assert_eq(find_status(&id, TENANT), STATUS_UNAVAILABLE);
    cr_assert_not(results_webhooks_enabled(results));
}

/* A bound far above what it takes, for busy machines and sanitizers. */
Test(results, come_fast)
{
    enum { COUNT = 4000 };
    static struct waiter w[COUNT];
    static struct uuid ids[COUNT];
    await_ready();
    for (size_t i = 0; i < COUNT; i++) {
        ids[i] = mint();
        expect(&ids[i], PATIENCE_NS, &w[i]);
        if (i % 32 == 31) {
            results_next_partition(results);
        }
    }
    int64_t begun_ns = clock_mono_ns();
    for (size_t i = 0; i < COUNT; i++) {
        produce(&ids[i], REPLY_SUCCEEDED, "");
    }
    for (size_t i = 0; i < COUNT; i++) {
        await(&w[i]);
    }
    int64_t each_ns = (clock_mono_ns() - begun_ns) / COUNT;
    fprintf(stderr, "produced, read, kept, answered: %lld ns\n", (long long)each_ns);
    cr_assert_lt(each_ns, 2 * NS_PER_MS);
}
