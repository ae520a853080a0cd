/* SPDX-License-Identifier: Apache-2.0 */
/* The stage of results: its broker, the producer of replies, turns of the loop. */
#include "tests/flow/replies_stage.h"

#include "base/arena.h"
#include "base/clock.h"
#include "bus/dev_broker.h"
#include "bus/producer.h"
#include "schemas/codec.h"

#include <criterion/criterion.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PARTITIONS = 4, VALUES_MAX = 4096 };

struct replies_stage replies_stage = {.config = {.store = replies_stage.directory,
                                                 .ttl_ns = 3600 * NS_PER_S,
                                                 .store_bytes_max = 64 << 20,
                                                 .waits_max = 5000,
                                                 .webhook_timeout_ns = NS_PER_S,
                                                 .webhook_attempts_max = 3,
                                                 .webhooks_max = 100}};

static struct dev_broker *broker;
static struct bus_config bus = {
    .topics_prefix = "leat.", .client_id = "t", .dev = true};
static struct producer *producer;
static struct producer_topic *topic;
static struct buf values[VALUES_MAX]; /* lent to the producer */
static size_t value_count;

void
replies_on_answer(void *arg, enum status status, const struct reply *reply)
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

void
replies_open(void)
{
    struct fault fault = {0};
    cr_assert_eq(results_create(&replies_stage.results, replies_stage.loop, &bus,
                                &replies_stage.config, &fault),
                 STATUS_OK, "%s", fault.text);
}

void
replies_await_ready(void)
{
    int64_t end_ns = clock_mono_ns() + REPLIES_PATIENCE_NS;
    while (!results_ready(replies_stage.results)) {
        cr_assert_lt(clock_mono_ns(), end_ns, "waits for %s",
                     results_waiting_for(replies_stage.results));
        loop_turn(replies_stage.loop, 10 * NS_PER_MS);
    }
    cr_assert_str_eq(results_waiting_for(replies_stage.results), "");
}

void
replies_setup(void)
{
    struct producer_config producing = {.name = "replies"};
    producing.delivery_timeout_ns = 10 * NS_PER_S;
    snprintf(replies_stage.directory, sizeof replies_stage.directory,
             "/tmp/leat-flow-XXXXXX");
    cr_assert_not_null(mkdtemp(replies_stage.directory));
    cr_assert_eq(loop_create(&replies_stage.loop), STATUS_OK);
    cr_assert_eq(dev_broker_create(&broker, NULL), STATUS_OK);
    cr_assert_eq(dev_broker_create_topic(broker, "leat.replies", PARTITIONS),
                 STATUS_OK);
    bus.bootstrap_servers = dev_broker_bootstrap(broker);
    cr_assert_eq(producer_create(&producer, replies_stage.loop, &bus, &producing,
                                 on_delivery, NULL, NULL),
                 STATUS_OK);
    cr_assert_eq(producer_topic(producer, "leat.replies", &topic), STATUS_OK);
    replies_open();
}

void
replies_teardown(void)
{
    results_destroy(&replies_stage.results);
    producer_destroy(&producer);
    dev_broker_destroy(&broker);
    loop_destroy(&replies_stage.loop);
    for (size_t i = 0; i < value_count; i++) {
        buf_fini(&values[i]);
    }
    DIR *dir = opendir(replies_stage.directory);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        unlinkat(dirfd(dir), e->d_name, 0);
    }
    closedir(dir);
    cr_assert_eq(rmdir(replies_stage.directory), 0);
}

void
replies_produce_bytes(const struct uuid *id, const void *bytes, size_t size)
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

void
replies_produce(const struct uuid *id, enum reply_status status, const char *message)
{
    struct buf b;
    const struct reply reply = {
        .id = *id,
        .model = span_of_text("digits"),
        .model_version = span_of_text("1"),
        .status = status,
        .tenant = span_of_text(REPLIES_TENANT),
        .error = {.code = span_of_text("internal"),
                  .message = span_of_text(message),
                  .stage = span_of_text("run")},
    };
    buf_init(&b, 1 << 20);
    reply_encode(&reply, &b);
    cr_assert_eq(b.status, STATUS_OK);
    replies_produce_bytes(id, b.data, b.size);
    buf_fini(&b);
}

struct uuid
replies_mint_at(int64_t wall_us)
{
    struct uuid id;
    cr_assert_eq(results_mint(replies_stage.results, wall_us, &id), STATUS_OK);
    return id;
}

/* Long enough ago that nobody else can have taken it in a rebalance. */
struct uuid
replies_mint(void)
{
    return replies_mint_at(clock_wall_us() - 10 * NS_PER_S / NS_PER_US);
}

struct results_wait *
replies_expect(const struct uuid *id, int64_t in_ns, struct waiter *w)
{
    struct results_wait *wait = NULL;
    cr_assert_eq(results_expect(replies_stage.results, id, clock_mono_ns() + in_ns,
                                replies_on_answer, w, &wait),
                 STATUS_OK);
    return wait;
}

void
replies_await(const struct waiter *w)
{
    int64_t end_ns = clock_mono_ns() + REPLIES_PATIENCE_NS;
    while (w->calls == 0) {
        cr_assert_lt(clock_mono_ns(), end_ns, "not called");
        loop_turn(replies_stage.loop, 10 * NS_PER_MS);
    }
}

void
replies_await_produced(void)
{
    int64_t end_ns = clock_mono_ns() + REPLIES_PATIENCE_NS;
    while (producer_pending(producer) > 0) {
        cr_assert_lt(clock_mono_ns(), end_ns);
        loop_turn(replies_stage.loop, 10 * NS_PER_MS);
    }
}

static enum status
find(const struct uuid *id, const char *tenant, enum reply_status *ending)
{
    struct arena arena;
    struct reply reply = {.status = REPLY_QUEUED};
    arena_init(&arena, 1 << 20);
    enum status status =
        results_find(replies_stage.results, id, span_of_text(tenant), &arena, &reply);
    *ending = reply.status;
    arena_fini(&arena);
    return status;
}

enum status
replies_find(const struct uuid *id, const char *tenant)
{
    enum reply_status ending;
    return find(id, tenant, &ending);
}

enum reply_status
replies_found(const struct uuid *id)
{
    enum reply_status ending;
    cr_assert_eq(find(id, REPLIES_TENANT, &ending), STATUS_OK);
    return ending;
}

void
replies_await_found(const struct uuid *id)
{
    int64_t end_ns = clock_mono_ns() + REPLIES_PATIENCE_NS;
    while (replies_find(id, REPLIES_TENANT) != STATUS_OK) {
        cr_assert_lt(clock_mono_ns(), end_ns, "not found");
        loop_turn(replies_stage.loop, 10 * NS_PER_MS);
    }
}
