/* SPDX-License-Identifier: Apache-2.0 */
/* What a batcher says of requests that have been with their model for long. */
#include "base/clock.h"
#include "tests/flow/batcher_stage.h"

#include <criterion/criterion.h>

#define HANGS "sim.hang.on=ff\nmax.batch.size=1"

static struct stage_result *
send(struct batcher_stage *s)
{
    return batcher_stage_send(s, span_of(NULL, 0));
}

/** Sends what runs until its runner is killed for it. */
static struct stage_result *
send_endless(struct batcher_stage *s)
{
    return batcher_stage_send(s, span_of_text("\xff"));
}

Test(running_flow, names_what_runs_and_not_what_waits_behind_it, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open(HANGS);
    struct stage_result *runs = send_endless(s);
    batcher_stage_wait_batches(s, 1);
    struct stage_result *waits = send(s);
    batcher_stage_wait_running_told(s, 1);
    cr_assert(batcher_stage_says_running(s, runs));
    cr_assert(!batcher_stage_says_running(s, waits));
    batcher_stage_close(s);
}

Test(running_flow, ends_with_the_runner_and_begins_when_it_is_run_anew, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open(HANGS);
    struct stage_result *runs = send_endless(s);
    batcher_stage_wait_running_told(s, 1);
    cr_assert(batcher_stage_says_running(s, runs));
    cr_assert_eq(runs->count, 0);
    batcher_stage_wait_running_told(s, 2); /* batcher.run.timeout: a second */
    cr_assert(!batcher_stage_says_running(s, runs));
    batcher_stage_wait_running_told(s, 3);
    cr_assert(batcher_stage_says_running(s, runs));
    batcher_stage_wait(s);
    cr_assert_eq(runs->status, REPLY_FAILED);
    batcher_stage_wait_running_told(s, 4);
    cr_assert(!batcher_stage_says_running(s, runs));
    batcher_stage_close(s);
}

Test(running_flow, is_taken_back_when_nothing_runs_any_more, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=800ms\nmax.batch.size=1");
    const struct stage_result *result = send(s);
    batcher_stage_wait_running_told(s, 1);
    cr_assert(batcher_stage_says_running(s, result));
    batcher_stage_wait(s);
    cr_assert_eq(result->status, REPLY_SUCCEEDED);
    batcher_stage_wait_running_told(s, 2);
    cr_assert(!batcher_stage_says_running(s, result));
    batcher_stage_turn(s, NS_PER_S);
    cr_assert_eq(batcher_stage_running_told(s), 2, "nothing runs: nothing is told");
    batcher_stage_close(s);
}

Test(running_flow, is_taken_back_before_the_batcher_leaves, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=800ms\nmax.batch.size=1");
    const struct stage_result *result = send(s);
    batcher_stage_wait_running_told(s, 1);
    cr_assert_eq(batcher_stage_stop(s), 0);
    batcher_stage_wait(s);
    batcher_stage_wait_running_told(s, 2);
    cr_assert(!batcher_stage_says_running(s, result));
    batcher_stage_close(s);
}

Test(running_flow, is_said_again_while_it_lasts, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open(HANGS);
    batcher_stage_config(s)->run_timeout_ns = 20 * NS_PER_S;
    cr_assert_eq(batcher_stage_stop(s), 0);
    batcher_stage_start(s);
    const struct stage_result *runs = send_endless(s);
    batcher_stage_wait_running_told(s, 2);
    cr_assert(batcher_stage_says_running(s, runs));
    cr_assert_eq(runs->count, 0);
    batcher_stage_close(s);
}

Test(running_flow, is_not_told_of_what_takes_less_than_half_a_second, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=1ms\nmax.batch.size=1");
    for (int i = 0; i < 1000; i++) {
        send(s); /* busy for longer than that */
    }
    batcher_stage_wait(s);
    cr_assert_eq(batcher_stage_running_told(s), 0);
    batcher_stage_close(s);
}
