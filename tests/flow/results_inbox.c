/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Those that wait for replies: whom an answer reaches, the deadline, the first ending
 * of several, the shutdown, and how fast answers come.
 */
#include "base/clock.h"
#include "results/metrics.h"
#include "tests/flow/replies_stage.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

TestSuite(results, .init = replies_setup, .fini = replies_teardown, .timeout = 120);

Test(results, answer_whoever_waits_for_an_id)
{
    struct waiter w[3] = {{0}};
    replies_await_ready();
    struct uuid id = replies_mint();
    replies_expect(&id, REPLIES_PATIENCE_NS, &w[0]);
    replies_expect(&id, REPLIES_PATIENCE_NS, &w[1]);
    results_next_partition(replies_stage.results);
    struct uuid other = replies_mint();
    struct results_wait *forgotten = replies_expect(&other, REPLIES_PATIENCE_NS, &w[2]);
    results_forget(replies_stage.results, forgotten);
    replies_produce(&other, REPLY_SUCCEEDED, "");
    replies_produce(&id, REPLY_FAILED, "first");
    replies_await(&w[0]);
    cr_assert_eq(w[1].calls, 1);
    cr_assert_eq(w[0].status, STATUS_OK);
    cr_assert_eq(w[0].reply_status, REPLY_FAILED);
    cr_assert_str_eq(w[0].error, "first");
    replies_await_found(&other);
    cr_assert_eq(w[2].calls, 0);
}

Test(results, answer_on_the_next_turn_when_the_reply_is_here_already)
{
    struct waiter w = {0};
    replies_await_ready();
    struct uuid id = replies_mint();
    replies_produce(&id, REPLY_FAILED, "early");
    replies_await_found(&id);
    replies_expect(&id, REPLIES_PATIENCE_NS, &w);
    cr_assert_eq(w.calls, 0);
    loop_turn(replies_stage.loop, NS_PER_S);
    loop_turn(replies_stage.loop, 0);
    cr_assert_eq(w.calls, 1);
    cr_assert_str_eq(w.error, "early");
}

Test(results, tell_the_deadline_when_no_reply_comes)
{
    struct waiter w = {0};
    replies_await_ready();
    struct uuid id = replies_mint();
    replies_expect(&id, 5 * NS_PER_MS, &w);
    replies_await(&w);
    cr_assert_eq(w.status, STATUS_TIMEOUT);
    replies_produce(&id, REPLY_SUCCEEDED, "");
    replies_await_found(&id);
    cr_assert_eq(w.calls, 1);
}

Test(results, keep_the_first_ending_and_tell_everybody_the_same)
{
    struct waiter w = {0};
    replies_await_ready();
    struct uuid id = replies_mint();
    struct uuid last = replies_mint(); /* same partition: comes after them */
    replies_produce(&id, REPLY_QUEUED, "");
    replies_produce(&id, REPLY_FAILED, "first");
    replies_produce(&id, REPLY_FAILED, "second");
    replies_produce(&id, REPLY_QUEUED, "");
    replies_await_produced();
    replies_produce(&last, REPLY_SUCCEEDED, "");
    replies_await_found(&last);
    replies_expect(&id, REPLIES_PATIENCE_NS, &w);
    replies_await(&w);
    cr_assert_eq(w.reply_status, REPLY_FAILED);
    cr_assert_geq(atomic_load(&results_metric(ROW_DUPLICATES)->value), 1);
}

Test(results, say_how_far_they_have_read)
{
    struct buf text;
    buf_init(&text, 4096);
    replies_await_ready();
    struct uuid id = replies_mint();
    replies_produce(&id, REPLY_SUCCEEDED, "");
    replies_await_found(&id);
    results_describe(replies_stage.results, &text);
    buf_append(&text, "", 1);
    cr_assert_not_null(strstr((char *)text.data, "replies: 4 partitions, 0 behind\n"));
    cr_assert_not_null(strstr((char *)text.data, ": from 0, next 1, end 0\n"));
    buf_fini(&text);
}

Test(results, tell_waiters_of_the_shutdown)
{
    struct waiter w = {0};
    replies_await_ready();
    struct uuid id = replies_mint();
    replies_expect(&id, REPLIES_PATIENCE_NS, &w);
    results_destroy(&replies_stage.results);
    cr_assert_eq(w.calls, 1);
    cr_assert_eq(w.status, STATUS_CLOSED);
}

Test(results, say_what_they_wait_for_before_the_first_assignment)
{
    struct uuid id = {{0}};
    cr_assert_not(results_ready(replies_stage.results));
    cr_assert_neq(results_waiting_for(replies_stage.results)[0], '\0');
    cr_assert_eq(results_mint(replies_stage.results, clock_wall_us(), &id),
                 STATUS_UNAVAILABLE);
    cr_assert_eq(replies_find(&id, REPLIES_TENANT), STATUS_UNAVAILABLE);
    cr_assert_not(results_webhooks_enabled(replies_stage.results));
}

/* A bound far above what it takes, for busy machines and sanitizers. */
Test(results, come_fast)
{
    enum { COUNT = 4000 };
    static struct waiter w[COUNT];
    static struct uuid ids[COUNT];
    replies_await_ready();
    for (size_t i = 0; i < COUNT; i++) {
        ids[i] = replies_mint();
        replies_expect(&ids[i], REPLIES_PATIENCE_NS, &w[i]);
        if (i % 32 == 31) {
            results_next_partition(replies_stage.results);
        }
    }
    int64_t begun_ns = clock_mono_ns();
    for (size_t i = 0; i < COUNT; i++) {
        replies_produce(&ids[i], REPLY_SUCCEEDED, "");
    }
    for (size_t i = 0; i < COUNT; i++) {
        replies_await(&w[i]);
    }
    int64_t each_ns = (clock_mono_ns() - begun_ns) / COUNT;
    fprintf(stderr, "produced, read, kept, answered: %lld ns\n", (long long)each_ns);
    cr_assert_lt(each_ns, 2 * NS_PER_MS);
}
