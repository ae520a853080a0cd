/* SPDX-License-Identifier: Apache-2.0 */
/* Cancels over the control topic: who may, what they reach, what is too late. */
#include "tests/flow/batcher_stage.h"

#include <criterion/criterion.h>

/* One row a run, long enough that what waits behind it can be cancelled. */
#define SLOW "max.batch.size=1\nsim.alpha=200ms"

static struct stage_result *
send(struct batcher_stage *s)
{
    return batcher_stage_send(s, span_of(NULL, 0));
}

/** So that clients and runner are connected, and what is sent arrives at once. */
static void
warm_up(struct batcher_stage *s)
{
    send(s);
    batcher_stage_wait(s);
}

static void
assert_canceled(const struct stage_result *r)
{
    cr_assert_eq(r->status, REPLY_CANCELED, "%s", reply_status_name(r->status));
    cr_assert_str_eq(r->code, "canceled");
    cr_assert_eq(r->started_us, 0);
    cr_assert_eq(r->count, 1);
}

static void
assert_succeeded(const struct stage_result *r)
{
    cr_assert_eq(r->status, REPLY_SUCCEEDED, "%s", r->code);
    cr_assert(r->right);
    cr_assert_eq(r->count, 1);
}

static void
stop_cleanly(struct batcher_stage *s)
{
    cr_assert_eq(batcher_stage_stop(s), 0);
    cr_assert_eq(batcher_stage_lag(s), 0);
    batcher_stage_close(s);
}

Test(cancel_flow, cancels_what_waits_and_answers_the_others, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open(SLOW);
    struct stage_result *results[8];
    warm_up(s);
    for (int i = 0; i < 8; i++) {
        results[i] = send(s);
    }
    for (int i = 4; i < 8; i++) {
        batcher_stage_cancel(s, &results[i]->id, "");
    }
    batcher_stage_wait(s);
    for (int i = 0; i < 4; i++) {
        assert_succeeded(results[i]);
        assert_canceled(results[4 + i]);
    }
    stop_cleanly(s);
}

Test(cancel_flow, skips_one_of_a_slot_that_has_not_begun, .timeout = 60)
{
    struct batcher_stage *s =
        batcher_stage_open("max.batch.size=4\nsim.alpha=600ms\ninstances=1");
    struct stage_result *staged[4];
    warm_up(s);
    struct stage_result *runs = send(s);
    for (int i = 0; i < 4; i++) {
        staged[i] = send(s);
    }
    batcher_stage_cancel(s, &staged[2]->id, "");
    batcher_stage_wait_answers(s, 2);
    assert_canceled(staged[2]);
    batcher_stage_wait(s);
    assert_succeeded(runs);
    assert_succeeded(staged[0]);
    assert_succeeded(staged[1]);
    assert_succeeded(staged[3]);
    stop_cleanly(s);
}

Test(cancel_flow, does_not_run_what_is_read_after_its_cancel, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("");
    warm_up(s);
    cr_assert_eq(batcher_stage_stop(s), 0);
    struct stage_result *cancelled = send(s);
    struct stage_result *other = send(s);
    batcher_stage_cancel(s, &cancelled->id, "");
    batcher_stage_start(s);
    batcher_stage_wait(s);
    assert_canceled(cancelled);
    assert_succeeded(other);
    stop_cleanly(s);
}

Test(cancel_flow, ignores_the_cancel_of_another_tenant, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open(SLOW);
    struct stage_result *results[6];
    warm_up(s);
    batcher_stage_tenant(s, "acme");
    for (int i = 0; i < 6; i++) {
        results[i] = send(s);
    }
    batcher_stage_cancel(s, &results[4]->id, "stranger");
    batcher_stage_cancel(s, &results[4]->id, "");
    /* Orders are read in their order: this one shows that those were. */
    batcher_stage_cancel(s, &results[5]->id, "acme");
    batcher_stage_wait(s);
    assert_canceled(results[5]);
    assert_succeeded(results[4]);
    stop_cleanly(s);
}

Test(cancel_flow, lets_end_what_runs_and_answers_once, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("max.batch.size=1\nsim.alpha=500ms");
    warm_up(s);
    struct stage_result *runs = send(s);
    struct stage_result *fence = send(s);
    struct stage_result *last = send(s);
    batcher_stage_cancel(s, &last->id, "");
    batcher_stage_wait_answers(s, 2); /* the warm-up and the cancelled one */
    batcher_stage_cancel(s, &runs->id, "");
    batcher_stage_cancel(s, &runs->id, "");
    batcher_stage_wait(s);
    assert_canceled(last);
    assert_succeeded(runs);
    assert_succeeded(fence);
    stop_cleanly(s);
}
