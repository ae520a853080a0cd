/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two instances share the reply partitions by Kafka's group protocol. Slow: the
 * in-process broker lets every rebalance take as long as a session.
 */
#include "base/clock.h"
#include "bus/dev_broker.h"
#include "results/results.h"

#include <criterion/criterion.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PARTITIONS = 4, WAITS = 40 };

#define PATIENCE_NS (60 * NS_PER_S)

struct instance {
    char directory[64];
    struct results_config config;
    struct results *results;
};

struct waiter {
    int calls;
    enum status status;
};

static struct dev_broker *broker;
static struct loop *loop;
static struct property settings[] = {{"session.timeout.ms", "3000"},
                                     {"heartbeat.interval.ms", "500"}};
static struct bus_config bus = {.topics_prefix = "leat.",
                                .client_id = "t",
                                .extra = {.items = settings, .count = 2}};

static void
on_answer(void *arg, enum status status, const struct reply *reply)
{
    struct waiter *w = arg;
    (void)reply;
    w->calls++;
    w->status = status;
}

static void
instance_open(struct instance *in)
{
    struct fault fault = {0};
    snprintf(in->directory, sizeof in->directory, "/tmp/leat-flow-XXXXXX");
    cr_assert_not_null(mkdtemp(in->directory));
    in->config = (struct results_config){.store = in->directory,
                                         .ttl_ns = 3600 * NS_PER_S,
                                         .store_bytes_max = 64 << 20,
                                         .waits_max = 1000,
                                         .webhook_timeout_ns = NS_PER_S,
                                         .webhook_attempts_max = 3,
                                         .webhooks_max = 100};
    cr_assert_eq(results_create(&in->results, loop, &bus, &in->config, &fault),
                 STATUS_OK, "%s", fault.text);
}

static void
instance_close(struct instance *in)
{
    results_destroy(&in->results);
    DIR *dir = opendir(in->directory);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        unlinkat(dirfd(dir), e->d_name, 0);
    }
    closedir(dir);
    cr_assert_eq(rmdir(in->directory), 0);
}

/* Whether the instance says that an id is another's. */
static bool
is_foreign(struct instance *in, const struct uuid *id)
{
    struct arena arena;
    struct reply reply;
    arena_init(&arena, 1 << 16);
    enum status status =
        results_find(in->results, id, span_of_text("x"), &arena, &reply);
    arena_fini(&arena);
    return status == STATUS_MISDIRECTED;
}

static size_t
foreign_count(struct instance *in, const struct uuid ids[static WAITS])
{
    size_t count = 0;
    for (size_t i = 0; i < WAITS; i++) {
        count += is_foreign(in, &ids[i]);
    }
    return count;
}

static void
turn_until_foreign(struct instance *in, const struct uuid *ids, size_t count)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (!results_ready(in->results) || foreign_count(in, ids) != count) {
        cr_assert_lt(clock_mono_ns(), end_ns, "%s", results_waiting_for(in->results));
        loop_turn(loop, 20 * NS_PER_MS);
    }
}

Test(results_group,
     moves_only_the_waits_of_partitions_that_went_to_another,
     .timeout = 240)
{
    static struct instance a;
    static struct instance b;
    struct uuid ids[WAITS] = {{{0}}};
    struct waiter w[WAITS] = {{0}};
    cr_assert_eq(loop_create(&loop), STATUS_OK);
    cr_assert_eq(dev_broker_create(&broker, NULL), STATUS_OK);
    cr_assert_eq(dev_broker_create_topic(broker, "leat.replies", PARTITIONS),
                 STATUS_OK);
    bus.bootstrap_servers = dev_broker_bootstrap(broker);
    instance_open(&a);
    turn_until_foreign(&a, ids, 0);
    for (size_t i = 0; i < WAITS; i++) {
        struct results_wait *wait = NULL;
        int64_t deadline_ns = clock_mono_ns() + 10 * PATIENCE_NS;
        cr_assert_eq(results_mint(a.results, clock_wall_us(), &ids[i]), STATUS_OK);
        cr_assert_eq(
            results_expect(a.results, &ids[i], deadline_ns, on_answer, &w[i], &wait),
            STATUS_OK);
        results_next_partition(a.results);
    }
    instance_open(&b);
    turn_until_foreign(&b, ids, WAITS / 2);
    turn_until_foreign(&a, ids, WAITS / 2);
    for (size_t i = 0; i < WAITS; i++) {
        cr_assert_eq(w[i].calls, is_foreign(&a, &ids[i]));
        cr_assert_neq(is_foreign(&a, &ids[i]), is_foreign(&b, &ids[i]));
        cr_assert(w[i].calls == 0 || w[i].status == STATUS_MISDIRECTED);
    }
    instance_close(&b);
    turn_until_foreign(&a, ids, 0);
    instance_close(&a);
    for (size_t i = 0; i < WAITS; i++) {
        cr_assert_eq(w[i].calls, 1);
    }
    dev_broker_destroy(&broker);
    loop_destroy(&loop);
}
