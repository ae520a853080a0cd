/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller sees of a batcher: each request its own answer, whatever happens. */
#include "base/clock.h"
#include "tests/flow/batcher_stage.h"

#include <criterion/criterion.h>

#include <string.h>

static const uint8_t poison[] = {0xde, 0xad};

static struct span
nothing(void)
{
    return span_of(NULL, 0);
}

static void
assert_succeeded(const struct stage_result *r)
{
    cr_assert_eq(r->status, REPLY_SUCCEEDED, "%s", r->code);
    cr_assert(r->right);
}

Test(batcher_flow, answers_each_request_with_its_own_hash, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("");
    struct stage_result *results[300];
    for (int i = 0; i < 300; i++) {
        results[i] = batcher_stage_send(s, nothing());
    }
    batcher_stage_wait(s);
    int64_t in_company = 0;
    for (int i = 0; i < 300; i++) {
        assert_succeeded(results[i]);
        cr_assert_eq(results[i]->count, 1);
        cr_assert_str_eq(results[i]->topic, "leat.replies");
        in_company += results[i]->batch_size > 1 ? 1 : 0;
    }
    cr_assert_gt(in_company, 100);
    batcher_stage_close(s);
}

Test(batcher_flow, buries_bytes_that_are_no_request_beside_good_ones, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("");
    struct stage_result *before = batcher_stage_send(s, nothing());
    batcher_stage_send_bytes(s, span_of_text("no avro at all"));
    struct stage_result *after = batcher_stage_send(s, nothing());
    batcher_stage_wait(s);
    assert_succeeded(before);
    assert_succeeded(after);
    const struct stage_letter *letter = batcher_stage_letter(s, 0);
    cr_assert_eq(letter->value_size, strlen("no avro at all"));
    cr_assert_arr_eq(letter->value, "no avro at all", letter->value_size);
    cr_assert_str_eq(letter->stage, "decode");
    cr_assert_neq(letter->reason[0], '\0');
    cr_assert_eq(batcher_stage_stop(s), 0);
    cr_assert_eq(batcher_stage_lag(s), 0);
    batcher_stage_close(s);
}

/** So that clients and runner are connected, and answers come as they are made. */
static void
warm_up(struct batcher_stage *s)
{
    batcher_stage_send(s, nothing());
    batcher_stage_wait(s);
}

/** Sends 16 rows of which the 6th is poisoned; gives the results. */
static void
send_with_poison(struct batcher_stage *s, struct stage_result *results[static 16])
{
    for (int i = 0; i < 16; i++) {
        struct span prefix = i == 5 ? span_of(poison, sizeof poison) : nothing();
        results[i] = batcher_stage_send(s, prefix);
    }
    batcher_stage_wait(s);
}

static void
assert_poison_failed_alone(struct stage_result *results[static 16], const char *code)
{
    for (int i = 0; i < 16; i++) {
        if (i == 5) {
            cr_assert_eq(results[i]->status, REPLY_FAILED);
            cr_assert_str_eq(results[i]->code, code);
        } else {
            assert_succeeded(results[i]);
        }
        cr_assert_eq(results[i]->count, 1);
    }
}

Test(batcher_flow, fails_a_row_that_the_model_rejects_alone, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.reject.on=dead\nsim.alpha=5ms");
    struct stage_result *results[16];
    send_with_poison(s, results);
    assert_poison_failed_alone(results, "model_failed");
    batcher_stage_close(s);
}

Test(batcher_flow,
     splits_a_batch_that_fails_until_the_bad_row_stands_alone,
     .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.fail.on=dead\nsim.alpha=5ms");
    struct stage_result *results[16];
    send_with_poison(s, results);
    assert_poison_failed_alone(results, "model_failed");
    cr_assert_eq(batcher_stage_letters(s), 0);
    batcher_stage_close(s);
}

Test(batcher_flow,
     buries_the_row_that_kills_the_runner_and_answers_the_others,
     .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.crash.on=dead\nsim.alpha=5ms");
    struct stage_result *results[16];
    send_with_poison(s, results);
    assert_poison_failed_alone(results, "model_died");
    cr_assert_str_eq(batcher_stage_letter(s, 0)->stage, "run");
    cr_assert_eq(batcher_stage_stop(s), 0);
    cr_assert_eq(batcher_stage_lag(s), 0);
    batcher_stage_close(s);
}

Test(batcher_flow, fails_an_item_alone_whose_output_is_nan, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open(
        "sim.output=fp32\nsim.nan.on=dead\nsim.alpha=5ms\nbatch.buckets=16");
    struct stage_result *results[16];
    send_with_poison(s, results);
    assert_poison_failed_alone(results, "model_failed");
    batcher_stage_close(s);
}

Test(batcher_flow, answers_nan_where_the_model_may, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open(
        "sim.output=fp32\nsim.nan.on=dead\nsim.alpha=5ms\noutputs.nan=allow");
    struct stage_result *results[16];
    send_with_poison(s, results);
    for (int i = 0; i < 16; i++) {
        assert_succeeded(results[i]);
    }
    batcher_stage_close(s);
}

Test(batcher_flow, shifts_no_answer_when_a_row_is_missing, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.short.on=dead\nsim.alpha=5ms");
    struct stage_result *results[16];
    warm_up(s);
    send_with_poison(s, results);
    assert_poison_failed_alone(results, "model_failed");
    cr_assert_eq(batcher_stage_letters(s), 0);
    batcher_stage_close(s);
}

Test(batcher_flow, kills_a_runner_that_overruns_its_time, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.hang.on=dead");
    struct stage_result *bad = batcher_stage_send(s, span_of(poison, sizeof poison));
    batcher_stage_wait(s);
    struct stage_result *good = batcher_stage_send(s, nothing());
    batcher_stage_wait(s);
    cr_assert_str_eq(bad->code, "model_died");
    assert_succeeded(good);
    batcher_stage_close(s);
}

Test(batcher_flow, halves_a_batch_that_finds_no_device_memory, .timeout = 60)
{
    struct batcher_stage *s =
        batcher_stage_open("sim.memory.rows=3\nsim.alpha=2ms\ninstances=2");
    struct stage_result *results[64];
    for (int i = 0; i < 64; i++) {
        results[i] = batcher_stage_send(s, nothing());
    }
    batcher_stage_wait(s);
    for (int i = 0; i < 64; i++) {
        assert_succeeded(results[i]);
        cr_assert_leq(results[i]->batch_size, 3);
    }
    batcher_stage_close(s);
}

Test(batcher_flow, gives_up_a_row_under_which_the_device_is_always_lost, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.lose.on=dead\nsim.alpha=5ms");
    struct stage_result *results[16];
    send_with_poison(s, results);
    assert_poison_failed_alone(results, "model_died");
    batcher_stage_close(s);
}

Test(batcher_flow, answers_everything_when_the_runner_is_killed, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=2ms\nsim.beta=1ms");
    struct stage_result *results[400];
    warm_up(s);
    for (int i = 0; i < 400; i++) {
        results[i] = batcher_stage_send(s, nothing());
    }
    for (size_t killed_at = 40; killed_at <= 240; killed_at += 100) {
        batcher_stage_wait_answers(s, killed_at + 1);
        batcher_stage_kill_runner(s);
    }
    batcher_stage_wait(s);
    for (int i = 0; i < 400; i++) {
        assert_succeeded(results[i]);
        cr_assert_eq(results[i]->count, 1);
    }
    batcher_stage_close(s);
}

Test(batcher_flow, expires_what_has_no_time_left_without_running_it, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=50ms\nmax.batch.size=1");
    batcher_stage_deadline(s, clock_wall_us() / 1000 - 1);
    struct stage_result *late = batcher_stage_send(s, nothing());
    batcher_stage_wait(s);
    cr_assert_eq(late->status, REPLY_EXPIRED);
    cr_assert_eq(late->started_us, 0);
    batcher_stage_deadline(s, 0);
    batcher_stage_close(s);
}

Test(batcher_flow, writes_to_the_reply_topic_asked_for_if_it_is_allowed, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("");
    batcher_stage_reply_to(s, "elsewhere", -1);
    struct stage_result *allowed = batcher_stage_send(s, nothing());
    batcher_stage_reply_to(s, "forbidden", -1);
    struct stage_result *forbidden = batcher_stage_send(s, nothing());
    batcher_stage_reply_to(s, "elsewhere", 99);
    struct stage_result *missing = batcher_stage_send(s, nothing());
    batcher_stage_wait(s);
    assert_succeeded(allowed);
    cr_assert_str_eq(allowed->topic, "elsewhere");
    cr_assert_eq(forbidden->status, REPLY_FAILED);
    cr_assert_str_eq(forbidden->code, "invalid");
    cr_assert_str_eq(forbidden->topic, "leat.replies");
    cr_assert_eq(missing->status, REPLY_FAILED);
    cr_assert_str_eq(missing->code, "not_found");
    batcher_stage_close(s);
}

Test(batcher_flow, asks_the_next_step_of_a_route_with_the_outputs, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("");
    batcher_stage_route(s, "next");
    struct stage_result *sent_on = batcher_stage_send(s, nothing());
    batcher_stage_wait(s);
    cr_assert_str_eq(sent_on->topic, "leat.requests.next");
    batcher_stage_close(s);
}

Test(batcher_flow, stops_under_load_without_anything_answered_twice, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=2ms\nsim.beta=1ms");
    struct stage_result *results[600];
    warm_up(s);
    for (int i = 0; i < 600; i++) {
        results[i] = batcher_stage_send(s, nothing());
    }
    batcher_stage_wait_answers(s, 100);
    cr_assert_eq(batcher_stage_stop(s), 0);
    cr_assert_lt(batcher_stage_answers(s), 601);
    batcher_stage_start(s);
    batcher_stage_wait(s);
    cr_assert_eq(batcher_stage_stop(s), 0);
    cr_assert_eq(batcher_stage_lag(s), 0);
    for (int i = 0; i < 600; i++) {
        assert_succeeded(results[i]);
        cr_assert_eq(results[i]->count, 1, "%d answered %u times", i,
                     results[i]->count);
    }
    batcher_stage_close(s);
}
