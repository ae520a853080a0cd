/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deliveries as their receiver sees them: signed, tried again, as many at a time as one
 * server is sent, and their visible ends.
 */
#include "results/webhooks.h"

#include "base/clock.h"
#include "results/signature.h"
#include "schemas/tensor.h"
#include "webhook_side.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(webhooks, .init = hook_setup, .fini = hook_teardown);

Test(webhooks, are_delivered_signed_and_say_what_happened)
{
    char expected[HOOK_TEXT_MAX];
    char id[UUID_TEXT];
    struct secrets secrets;
    struct buf b;
    hook.receiver.codes[0] = 204;
    hook_start_plain();
    cr_assert(webhooks_enabled(hook.webhooks));
    struct reply reply = hook_deliver();
    uuid_format(&reply.id, id);
    cr_assert_eq(hook_view(&reply).state, WEBHOOK_DELIVERED);
    cr_assert_eq(hook_view(&reply).attempts, 1);
    snprintf(expected, sizeof expected, "msg_%.36s", id);
    cr_assert_str_eq(hook.receiver.ids[0], expected);
    snprintf(expected, sizeof expected,
             "{\"type\":\"inference.succeeded\",\"timestamp\":"
             "\"2023-11-14T22:13:20.123456Z\",\"data\":{\"id\":\"%.36s\",",
             id);
    cr_assert_eq(strncmp(hook.receiver.bodies[0], expected, strlen(expected)), 0, "%s",
                 hook.receiver.bodies[0]);
    cr_assert_eq(secrets_read(&secrets, hook_secret(SECRET), NULL), STATUS_OK);
    buf_init(&b, 4096);
    signature_write(&secrets, span_of_text(hook.receiver.ids[0]),
                    hook.receiver.timestamps[0], span_of_text(hook.receiver.bodies[0]),
                    &b);
    cr_assert(span_is_text(buf_span(&b), hook.receiver.signatures[0]));
    cr_assert_leq(llabs(hook.receiver.timestamps[0] - clock_wall_us() / 1000000), 5);
    buf_fini(&b);
}

Test(webhooks, are_tried_again_with_the_same_id_and_body_until_answered_2xx)
{
    hook.receiver.codes[0] = 500;
    hook.receiver.codes[1] = 302;
    hook.receiver.codes[2] = 200;
    hook_start_plain();
    struct reply reply = hook_deliver();
    cr_assert_eq(hook.receiver.calls, 3);
    cr_assert_eq(hook_view(&reply).state, WEBHOOK_DELIVERED);
    cr_assert_eq(hook_view(&reply).attempts, 3);
    cr_assert_str_eq(hook.receiver.ids[0], hook.receiver.ids[1]);
    cr_assert_str_eq(hook.receiver.ids[0], hook.receiver.ids[2]);
    cr_assert_str_eq(hook.receiver.bodies[0], hook.receiver.bodies[2]);
}

Test(webhooks, end_visibly_when_the_attempts_are_used_up)
{
    for (int i = 0; i < 4; i++) {
        hook.receiver.codes[i] = 503;
    }
    hook_start_plain();
    struct reply reply = hook_deliver();
    cr_assert_eq(hook_view(&reply).state, WEBHOOK_EXHAUSTED);
    cr_assert_eq(hook.receiver.calls, 4);
}

Test(webhooks, stop_when_the_receiver_says_410)
{
    hook.receiver.codes[0] = 410;
    hook_start_plain();
    struct reply reply = hook_deliver();
    cr_assert_eq(hook_view(&reply).state, WEBHOOK_STOPPED);
    cr_assert_eq(hook.receiver.calls, 1);
}

Test(webhooks, wait_as_long_as_retry_after_says_and_an_hour_at_most)
{
    hook.receiver.codes[0] = 429;
    hook.receiver.retry_after = "86400";
    hook_start_plain();
    struct reply reply = hook_begin();
    hook_await_attempt(&reply);
    int64_t wait_us = hook_view(&reply).due_us - clock_wall_us();
    cr_assert_leq(wait_us, 3600 * 1000000LL);
    cr_assert_geq(wait_us, 3590 * 1000000LL);
    cr_assert_eq(hook_view(&reply).state, WEBHOOK_PENDING);
}

Test(webhooks, carry_small_outputs_and_a_path_to_large_ones)
{
    static uint8_t data[40000];
    struct tensor output = {.name = span_of_text("scores"),
                            .datatype = DATATYPE_UINT8,
                            .rank = 1,
                            .shape = {10},
                            .data = span_of(data, 10)};
    hook.receiver.codes[0] = 200;
    hook.receiver.codes[1] = 200;
    hook.receiver.codes[2] = 200;
    hook_start_plain();
    for (size_t i = 0; i < 3; i++) {
        static const size_t sizes[] = {10, 12000, 40000}; /* 12 kB print as 24 kB */
        struct reply reply = hook_reply("/hook");
        output.shape[0] = (int64_t)sizes[i];
        output.data.size = sizes[i];
        reply.outputs = &output;
        reply.output_count = 1;
        hook_push(&reply);
        hook_settle(&reply);
        const char *body = hook.receiver.bodies[i];
        cr_assert_eq(strstr(body, "\"scores\"") != NULL, i == 0, "%zu", i);
        cr_assert_eq(strstr(body, "/result\"}}") != NULL, i != 0, "%s", body);
        cr_assert_lt(strlen(body), 20000);
    }
}

Test(webhooks, to_one_server_go_four_at_a_time)
{
    enum { COUNT = 12 };
    struct reply replies[COUNT];
    hook_start_plain();
    for (size_t i = 0; i < COUNT; i++) {
        replies[i] = hook_reply(i % 2 == 0 ? "/a" : "/b?x");
        hook_push(&replies[i]);
    }
    for (size_t done = 0; done < COUNT; done++) {
        size_t expected = done + 4 < COUNT ? done + 4 : COUNT;
        hook_await_calls(expected);
        hook_turn();
        hook_turn();
        cr_assert_eq(hook.receiver.calls, expected);
        hook_answer(hook.receiver.held[done], 200);
    }
    hook.receiver.held_count = 0;
    for (size_t i = 0; i < COUNT; i++) {
        hook_settle(&replies[i]);
        cr_assert_eq(hook_view(&replies[i]).state, WEBHOOK_DELIVERED);
    }
}

Test(webhooks, to_a_dead_endpoint_end_when_their_time_is_over)
{
    enum { COUNT = 30 };
    struct reply replies[COUNT];
    struct webhooks_config config = hook_config(hook_secret(SECRET));
    config.lifetime_ns = 0;
    config.attempts_max = 1;
    hook_start(&config);
    for (size_t i = 0; i < COUNT; i++) {
        hook.receiver.codes[i] = 500;
        replies[i] = hook_reply("/hook");
        hook_push(&replies[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        hook_settle(&replies[i]);
        cr_assert_eq(hook_view(&replies[i]).state, WEBHOOK_EXHAUSTED);
    }
    cr_assert_lt(hook.receiver.calls, 20, "the breaker opened: %zu calls",
                 hook.receiver.calls);
}
