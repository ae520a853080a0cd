/* SPDX-License-Identifier: Apache-2.0 */
/* When a request runs, and before whom: deadlines, priorities, devices that are shared.
 */
#include "base/clock.h"
#include "tests/flow/batcher_stage.h"
#include "tests/flow/stage_runner.h"

#include <criterion/criterion.h>

#include <signal.h>

static struct stage_result *
send(struct batcher_stage *s)
{
    return batcher_stage_send(s, span_of(NULL, 0));
}

static void
send_many(struct batcher_stage *s, struct stage_result **results, int count)
{
    for (int i = 0; i < count; i++) {
        results[i] = send(s);
    }
}

/** So that clients and runners are connected, and answers come as they are made. */
static void
warm_up(struct batcher_stage *s)
{
    send(s);
    batcher_stage_wait(s);
}

static int64_t
wall_ms(void)
{
    return clock_wall_us() / 1000;
}

Test(turns_flow, answers_in_time_or_expires_without_a_run, .timeout = 60)
{
    enum { COUNT = 60, LIMIT_MS = 200 };
    struct batcher_stage *s = batcher_stage_open("sim.alpha=20ms\nmax.batch.size=4");
    struct stage_result *results[COUNT];
    warm_up(s);
    int64_t deadline_ms = wall_ms() + LIMIT_MS;
    batcher_stage_deadline(s, deadline_ms);
    send_many(s, results, COUNT);
    batcher_stage_wait(s);
    int succeeded = 0;
    for (int i = 0; i < COUNT; i++) {
        cr_assert_eq(results[i]->count, 1);
        if (results[i]->status == REPLY_SUCCEEDED) {
            succeeded++;
            cr_assert_leq(results[i]->started_us / 1000, deadline_ms);
        } else {
            cr_assert_eq(results[i]->status, REPLY_EXPIRED, "%s", results[i]->code);
            cr_assert_eq(results[i]->started_us, 0);
        }
    }
    cr_assert_gt(succeeded, 0);
    cr_assert_leq(succeeded, 4 * (LIMIT_MS / 20 + 1));
    batcher_stage_close(s);
}

Test(turns_flow, gives_the_deadline_of_the_model_to_what_brings_none, .timeout = 60)
{
    struct batcher_stage *s =
        batcher_stage_open("sim.alpha=100ms\nmax.batch.size=1\ndeadline.default=350ms");
    struct stage_result *results[8];
    warm_up(s);
    send_many(s, results, 8);
    batcher_stage_wait(s);
    int expired = 0;
    for (int i = 0; i < 8; i++) {
        expired += results[i]->status == REPLY_EXPIRED ? 1 : 0;
        cr_assert(results[i]->status == REPLY_EXPIRED ||
                      results[i]->status == REPLY_SUCCEEDED,
                  "%s", results[i]->code);
    }
    cr_assert_geq(expired, 4);
    batcher_stage_close(s);
}

Test(turns_flow, runs_the_higher_priority_first_though_it_came_last, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=40ms\nmax.batch.size=1");
    struct stage_result *low[6];
    struct stage_result *high[2];
    warm_up(s);
    send_many(s, low, 6);
    batcher_stage_priority(s, 1);
    send_many(s, high, 2);
    batcher_stage_wait(s);
    int before = 0;
    for (int i = 0; i < 6; i++) {
        before += low[i]->started_us < high[1]->started_us ? 1 : 0;
    }
    /* One ran and one was closed ahead when they came; the loop may lag by one. */
    cr_assert_leq(before, 3);
    batcher_stage_close(s);
}

Test(turns_flow, holds_an_idle_device_for_a_fuller_batch_if_told_so, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("max.delay=300ms");
    struct stage_result *results[6];
    warm_up(s);
    for (int i = 0; i < 6; i++) {
        size_t answers = batcher_stage_answers(s);
        results[i] = send(s);
        batcher_stage_turn(s, 10 * NS_PER_MS);
        cr_assert(i > 0 || batcher_stage_answers(s) == answers);
    }
    batcher_stage_wait(s);
    cr_assert_gt(results[5]->batch_size, 1);
    cr_assert_eq(results[0]->started_us, results[1]->started_us);
    batcher_stage_close(s);
}

/** Sends to both models in turn. */
static void
send_to_both(struct batcher_stage *s, struct stage_result *results[static 2], int each)
{
    for (int i = 0; i < each; i++) {
        for (unsigned m = 0; m < 2; m++) {
            batcher_stage_model(s, m);
            results[2 * i + (int)m] = send(s);
        }
    }
    batcher_stage_wait(s);
}

/** Whether any run of the one model overlapped any of the other. */
static bool
overlap(struct stage_result *const *results, int count)
{
    for (int i = 0; i < count; i += 2) {
        for (int j = 1; j < count; j += 2) {
            if (results[i]->started_us < results[j]->completed_us &&
                results[j]->started_us < results[i]->completed_us) {
                return true;
            }
        }
    }
    return false;
}

enum { EACH = 12 };

Test(turns_flow, never_runs_two_models_of_one_device_at_once, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open_two(
        "sim.alpha=15ms\nmax.batch.size=2", "sim.alpha=10ms\nmax.batch.size=2");
    struct stage_result *results[2 * EACH];
    send_to_both(s, results, 1);
    send_to_both(s, results, EACH);
    for (int i = 0; i < 2 * EACH; i++) {
        cr_assert_eq(results[i]->status, REPLY_SUCCEEDED, "%s", results[i]->code);
        cr_assert(results[i]->right);
    }
    cr_assert_not(overlap(results, 2 * EACH));
    batcher_stage_close(s);
}

Test(turns_flow, runs_models_of_two_devices_side_by_side, .timeout = 60)
{
    struct batcher_stage *s =
        batcher_stage_open_two("sim.alpha=15ms\nmax.batch.size=2",
                               "sim.alpha=15ms\nmax.batch.size=2\ndevice=cpu:1");
    struct stage_result *results[2 * EACH];
    send_to_both(s, results, 1);
    send_to_both(s, results, EACH);
    cr_assert(overlap(results, 2 * EACH));
    batcher_stage_close(s);
}

Test(turns_flow, goes_on_with_one_model_while_the_runner_of_another_dies, .timeout = 60)
{
    static const uint8_t poison[] = {0xde, 0xad};
    struct batcher_stage *s =
        batcher_stage_open_two("sim.alpha=5ms", "sim.alpha=5ms\nsim.crash.on=dead");
    struct stage_result *results[20];
    send_to_both(s, results, 1);
    batcher_stage_model(s, 1);
    struct stage_result *bad = batcher_stage_send(s, span_of(poison, sizeof poison));
    batcher_stage_model(s, 0);
    send_many(s, results, 20);
    batcher_stage_wait(s);
    cr_assert_eq(bad->status, REPLY_FAILED);
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(results[i]->status, REPLY_SUCCEEDED, "%s", results[i]->code);
    }
    batcher_stage_close(s);
}

/** Sends one, and the machine is busy elsewhere while it runs. */
static void
send_into_hiccup(struct batcher_stage *s)
{
    send(s);
    batcher_stage_wait_batches(s, 1);
    pid_t runner = stage_runner_pid();
    kill(runner, SIGSTOP);
    batcher_stage_turn(s, 300 * NS_PER_MS);
    kill(runner, SIGCONT);
    batcher_stage_wait(s);
}

Test(turns_flow,
     tries_again_what_runs_were_believed_to_take_too_long_for,
     .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=20ms\nmax.batch.size=1");
    warm_up(s);
    for (int i = 0; i < 4; i++) {
        send_into_hiccup(s);
    }
    struct stage_result *results[4];
    for (int i = 0; i < 4; i++) {
        batcher_stage_turn(s, 200 * NS_PER_MS);
        batcher_stage_deadline(s, wall_ms() + 120);
        results[i] = send(s);
        batcher_stage_wait(s);
    }
    cr_assert_eq(results[0]->status, REPLY_EXPIRED, "%s", results[0]->code);
    cr_assert_eq(results[3]->status, REPLY_SUCCEEDED, "%s", results[3]->code);
    batcher_stage_close(s);
}
