/* SPDX-License-Identifier: Apache-2.0 */
/* Models that change, come and go while requests run. */
#include "batcher/metrics.h"
#include "tests/flow/batcher_stage.h"
#include "tests/flow/stage_runner.h"

#include <criterion/criterion.h>

#include <stdio.h>

static struct stage_result *
send(struct batcher_stage *s)
{
    return batcher_stage_send(s, span_of(NULL, 0));
}

static void
reload_under_load(struct batcher_stage *s)
{
    enum { RELOADS = 8, EACH = 40 };
    struct stage_result *results[RELOADS * EACH];
    size_t sent = 0;
    batcher_stage_wait_ready(s);
    int64_t replaced = batcher_stage_count(METRIC_REPLACED);
    for (int i = 0; i < RELOADS; i++) {
        char properties[64];
        snprintf(properties, sizeof properties, "sim.alpha=%dus", 2000 + i);
        for (int k = 0; k < EACH; k++) {
            results[sent++] = send(s);
        }
        batcher_stage_change(s, properties);
        batcher_stage_wait_metric(s, METRIC_REPLACED, replaced + i + 1);
    }
    batcher_stage_wait(s);
    batcher_stage_expect_right(results, sent);
}

Test(reload_flow, answers_every_request_once_while_new_files_take_over, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=2ms");
    reload_under_load(s);
    batcher_stage_close(s);
}

Test(reload_flow, loses_none_either_where_the_old_one_has_to_go_first, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=2ms");
    batcher_stage_config(s)->models_swap = "unload_first";
    batcher_stage_restart(s);
    struct stage_result *results[100];
    for (int i = 0; i < 100; i++) {
        results[i] = send(s);
    }
    batcher_stage_wait_batches(s, 1);
    int64_t loads = batcher_stage_count(METRIC_LOADS);
    batcher_stage_change(s, "sim.alpha=3ms");
    batcher_stage_wait_metric(s, METRIC_LOADS, loads + 1);
    batcher_stage_wait(s);
    batcher_stage_expect_right(results, 100);
    batcher_stage_close(s);
}

Test(reload_flow,
     serves_on_with_the_old_files_if_the_new_ones_are_broken,
     .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=1ms");
    batcher_stage_wait_ready(s);
    int64_t failed = batcher_stage_count(METRIC_LOADS_FAILED);
    batcher_stage_change(s, "sim.alpha=soon");
    batcher_stage_wait_metric(s, METRIC_LOADS_FAILED, failed + 1);
    struct stage_result *result = send(s);
    batcher_stage_wait(s);
    batcher_stage_expect_right(&result, 1);
    batcher_stage_change(s, "sim.alpha=2ms");
    batcher_stage_wait_metric(s, METRIC_REPLACED, 1);
    result = send(s);
    batcher_stage_wait(s);
    batcher_stage_expect_right(&result, 1);
    batcher_stage_close(s);
}

Test(reload_flow, loads_the_old_files_again_if_they_went_for_broken_ones, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=1ms");
    batcher_stage_config(s)->models_swap = "unload_first";
    batcher_stage_restart(s);
    int64_t loads = batcher_stage_count(METRIC_LOADS);
    batcher_stage_change(s, "sim.alpha=soon");
    struct stage_result *result = send(s);
    batcher_stage_wait_metric(s, METRIC_LOADS, loads + 2);
    batcher_stage_wait(s);
    batcher_stage_expect_right(&result, 1);
    batcher_stage_close(s);
}

Test(reload_flow, answers_by_the_newest_version_or_the_one_that_is_named, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("version.policy=all");
    batcher_stage_wait_ready(s);
    stage_models_add_version(batcher_stage_models(s), "m", "1");
    stage_models_add_version(batcher_stage_models(s), "m", "2");
    int64_t loads = batcher_stage_count(METRIC_LOADS);
    batcher_stage_reload(s);
    batcher_stage_wait_metric(s, METRIC_LOADS, loads + 1);
    batcher_stage_wait_ready(s);
    struct stage_result *newest = send(s);
    batcher_stage_version(s, "1");
    struct stage_result *named = send(s);
    batcher_stage_version(s, "7");
    struct stage_result *unknown = send(s);
    batcher_stage_wait(s);
    cr_assert_str_eq(newest->version, "2");
    cr_assert_eq(named->status, REPLY_SUCCEEDED);
    cr_assert_str_eq(named->version, "1");
    cr_assert_eq(unknown->status, REPLY_FAILED);
    cr_assert_str_eq(unknown->code, "not_found");
    batcher_stage_close(s);
}

Test(reload_flow, loads_a_lazy_model_with_its_first_request, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("lazy=true");
    batcher_stage_wait_ready(s);
    cr_assert_eq(stage_runner_pid(), 0);
    struct stage_result *results[50];
    for (int i = 0; i < 50; i++) {
        results[i] = send(s);
    }
    batcher_stage_wait(s);
    batcher_stage_expect_right(results, 50);
    batcher_stage_close(s);
}

Test(reload_flow, keeps_requests_in_kafka_while_a_model_is_unloaded, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=1ms");
    struct stage_result *result = send(s);
    batcher_stage_wait(s);
    batcher_stage_order(s, "m", false);
    batcher_stage_wait_runners(s, false);
    result = send(s);
    batcher_stage_turn(s, 200 * 1000 * 1000);
    cr_assert_eq(result->count, 0);
    batcher_stage_order(s, "m", true);
    batcher_stage_wait(s);
    batcher_stage_expect_right(&result, 1);
    batcher_stage_close(s);
}

Test(reload_flow, takes_a_model_in_and_lets_it_go_with_its_folder, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=1ms");
    batcher_stage_wait_ready(s);
    stage_models_add(batcher_stage_models(s), "n", "", STAGE_ROW);
    batcher_stage_reload(s);
    batcher_stage_model(s, 1);
    struct stage_result *result = send(s);
    batcher_stage_wait(s);
    batcher_stage_expect_right(&result, 1);
    stage_models_remove(batcher_stage_models(s), "m");
    batcher_stage_reload(s);
    result = send(s);
    batcher_stage_wait(s);
    batcher_stage_expect_right(&result, 1);
    batcher_stage_close(s);
}
