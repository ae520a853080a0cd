/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is found of replies later: by whom, from when on and for how long, after a
 * restart and after the loss of the store.
 */
#include "base/clock.h"
#include "results/metrics.h"
#include "schemas/codec.h"
#include "tests/flow/replies_stage.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <unistd.h>

TestSuite(results_kept,
          .init = replies_setup,
          .fini = replies_teardown,
          .timeout = 120);

Test(results_kept, hide_the_results_of_others_and_pass_over_what_is_no_reply)
{
    replies_await_ready();
    struct uuid id = replies_mint();
    struct uuid junk = replies_mint();
    replies_produce_bytes(&junk, "\xc3\x01 no reply at all", 18);
    replies_await_produced();
    replies_produce(&id, REPLY_SUCCEEDED, "");
    replies_await_found(&id);
    cr_assert_eq(replies_find(&id, "somebody else"), STATUS_NOT_FOUND);
    cr_assert_eq(replies_find(&id, ""), STATUS_NOT_FOUND);
    cr_assert_eq(replies_find(&junk, REPLIES_TENANT), STATUS_NOT_FOUND);
    cr_assert_eq(atomic_load(&results_metric(ROW_UNDECODABLE)->value), 1);
}

Test(results_kept, are_not_sure_at_first_of_an_id_that_was_minted_just_now)
{
    replies_await_ready();
    struct uuid id = replies_mint_at(clock_wall_us());
    int64_t end_ns = clock_mono_ns() + REPLIES_PATIENCE_NS;
    cr_assert_eq(replies_find(&id, REPLIES_TENANT), STATUS_UNAVAILABLE);
    while (replies_find(&id, REPLIES_TENANT) == STATUS_UNAVAILABLE) {
        cr_assert_lt(clock_mono_ns(), end_ns, "still not sure");
        loop_turn(replies_stage.loop, 100 * NS_PER_MS);
    }
    cr_assert_eq(replies_find(&id, REPLIES_TENANT), STATUS_NOT_FOUND);
}

Test(results_kept, show_a_job_as_queued_before_its_record_has_come_round)
{
    struct buf b;
    replies_await_ready();
    const struct reply queued = {.id = replies_mint(),
                                 .model = span_of_text("digits"),
                                 .model_version = span_of_text("1"),
                                 .status = REPLY_QUEUED,
                                 .tenant = span_of_text(REPLIES_TENANT)};
    buf_init(&b, 1 << 20);
    reply_encode(&queued, &b);
    cr_assert_eq(replies_find(&queued.id, REPLIES_TENANT), STATUS_NOT_FOUND);
    results_queued(replies_stage.results, &queued.id, buf_span(&b));
    cr_assert_eq(replies_found(&queued.id), REPLY_QUEUED);
    replies_produce(&queued.id, REPLY_SUCCEEDED, "");
    struct waiter w = {0};
    replies_expect(&queued.id, REPLIES_PATIENCE_NS, &w);
    replies_await(&w);
    results_queued(replies_stage.results, &queued.id, buf_span(&b));
    cr_assert_eq(replies_found(&queued.id), REPLY_SUCCEEDED);
    buf_fini(&b);
}

static void
on_delivered(void *arg, enum status status, const struct reply *reply)
{
    replies_on_answer(arg, status, reply);
    results_delivered(replies_stage.results, &reply->id);
    cr_assert_eq(replies_found(&reply->id), REPLY_FAILED,
                 "known while it is being told");
}

Test(results_kept, keep_what_was_delivered_for_a_shorter_time)
{
    struct waiter w[2] = {{0}};
    struct results_wait *wait = NULL;
    results_destroy(&replies_stage.results);
    replies_stage.config.delivered_ttl_ns = NS_PER_S;
    replies_open();
    replies_await_ready();
    struct uuid id = replies_mint();
    struct uuid polled = replies_mint();
    cr_assert_eq(results_expect(replies_stage.results, &id,
                                clock_mono_ns() + REPLIES_PATIENCE_NS, on_delivered,
                                &w[0], &wait),
                 STATUS_OK);
    replies_expect(&polled, REPLIES_PATIENCE_NS, &w[1]);
    replies_produce(&id, REPLY_FAILED, "first");
    replies_produce(&polled, REPLY_SUCCEEDED, "");
    replies_await(&w[0]);
    replies_await(&w[1]);
    cr_assert_eq(replies_find(&id, REPLIES_TENANT), STATUS_OK);
    int64_t end_ns = clock_mono_ns() + REPLIES_PATIENCE_NS;
    while (replies_find(&id, REPLIES_TENANT) == STATUS_OK) {
        cr_assert_lt(clock_mono_ns(), end_ns, "still there");
        loop_turn(replies_stage.loop, 10 * NS_PER_MS);
    }
    cr_assert_eq(replies_find(&id, REPLIES_TENANT), STATUS_NOT_FOUND);
    cr_assert_eq(replies_find(&polled, REPLIES_TENANT), STATUS_OK);
    int64_t known = atomic_load(&results_metric(ROW_DUPLICATES)->value);
    replies_produce(&id, REPLY_SUCCEEDED, "second");
    while (atomic_load(&results_metric(ROW_DUPLICATES)->value) == known) {
        cr_assert_lt(clock_mono_ns(), end_ns, "not known as a second one");
        loop_turn(replies_stage.loop, 10 * NS_PER_MS);
    }
    cr_assert_eq(replies_find(&id, REPLIES_TENANT), STATUS_NOT_FOUND);
    replies_stage.config.delivered_ttl_ns = 0;
}

Test(results_kept, are_there_after_a_restart_without_being_read_again)
{
    enum { COUNT = 500 };
    static struct uuid ids[COUNT];
    replies_await_ready();
    for (size_t i = 0; i < COUNT; i++) {
        ids[i] = replies_mint();
        replies_produce(&ids[i], REPLY_SUCCEEDED, "");
        results_next_partition(replies_stage.results);
    }
    for (size_t i = 0; i < COUNT; i++) {
        replies_await_found(&ids[i]);
    }
    results_destroy(&replies_stage.results);
    int64_t read = atomic_load(&results_metric(ROW_REPLIES + REPLY_SUCCEEDED)->value);
    cr_assert_eq(read, COUNT);
    replies_open();
    cr_assert_eq(replies_find(&ids[0], REPLIES_TENANT), STATUS_UNAVAILABLE);
    replies_await_ready();
    for (size_t i = 0; i < COUNT; i++) {
        cr_assert_eq(replies_find(&ids[i], REPLIES_TENANT), STATUS_OK);
    }
    struct uuid id = replies_mint();
    replies_produce(&id, REPLY_SUCCEEDED, "");
    replies_await_found(&id);
    read = atomic_load(&results_metric(ROW_REPLIES + REPLY_SUCCEEDED)->value);
    cr_assert_eq(read, COUNT + 1);
}

Test(results_kept, are_read_again_from_kafka_when_the_store_is_gone)
{
    struct uuid ids[20];
    replies_await_ready();
    for (size_t i = 0; i < 20; i++) {
        ids[i] = replies_mint();
        replies_produce(&ids[i], REPLY_SUCCEEDED, "");
        results_next_partition(replies_stage.results);
    }
    for (size_t i = 0; i < 20; i++) {
        replies_await_found(&ids[i]);
    }
    results_destroy(&replies_stage.results);
    char path[128];
    snprintf(path, sizeof path, "%s/data.mdb", replies_stage.directory);
    cr_assert_eq(unlink(path), 0);
    replies_open();
    replies_await_ready();
    for (size_t i = 0; i < 20; i++) {
        cr_assert_eq(replies_find(&ids[i], REPLIES_TENANT), STATUS_OK);
    }
}
