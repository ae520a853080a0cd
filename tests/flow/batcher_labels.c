/* SPDX-License-Identifier: Apache-2.0 */
/* Versions that are asked for by a label, and labels that are moved under load. */
#include "batcher/metrics.h"
#include "tests/flow/batcher_stage.h"
#include "tests/flow/stage_runner.h"

#include <criterion/criterion.h>

#include <stdio.h>

#define TWO "sim.alpha=2ms\nversion.policy=all\n"

static struct stage_result *
send(struct batcher_stage *s, const char *version)
{
    batcher_stage_version(s, version);
    return batcher_stage_send(s, span_of(NULL, 0));
}

static void
write(struct batcher_stage *s, const char *properties)
{
    stage_models_add(batcher_stage_models(s), "m", properties, STAGE_ROW);
    batcher_stage_reload(s);
}

/** Versions 1 and 2, both loaded. */
static struct batcher_stage *
open_two(const char *properties)
{
    struct batcher_stage *s = batcher_stage_open(TWO);
    batcher_stage_wait_ready(s);
    int64_t loads = atomic_load(&batcher_metrics[METRIC_LOADS].value);
    stage_models_add_version(batcher_stage_models(s), "m", "1");
    stage_models_add_version(batcher_stage_models(s), "m", "2");
    write(s, properties);
    batcher_stage_wait_metric(s, METRIC_LOADS, loads + 1);
    batcher_stage_wait_ready(s);
    return s;
}

static void
expect_by(const struct stage_result *result, const char *version)
{
    cr_assert_eq(result->status, REPLY_SUCCEEDED, "%s", result->code);
    cr_assert_eq(result->count, 1);
    cr_assert(result->right);
    cr_assert_str_eq(result->version, version);
}

Test(labels_flow, name_the_version_that_answers, .timeout = 60)
{
    struct batcher_stage *s =
        open_two(TWO "version.label.stable=1\nversion.label.canary=2\n");
    struct stage_result *stable = send(s, "stable");
    struct stage_result *canary = send(s, "canary");
    struct stage_result *newest = send(s, NULL);
    struct stage_result *unknown = send(s, "stabl");
    batcher_stage_wait(s);
    expect_by(stable, "1");
    expect_by(canary, "2");
    expect_by(newest, "2");
    cr_assert_eq(unknown->status, REPLY_FAILED);
    cr_assert_str_eq(unknown->code, "not_found");
    batcher_stage_close(s);
}

Test(labels_flow, move_under_load_without_a_load_of_the_model, .timeout = 60)
{
    enum { MOVES = 6, EACH = 30 };
    struct stage_result *results[MOVES][EACH];
    struct batcher_stage *s = open_two(TWO "version.label.stable=1\n");
    int64_t loads = atomic_load(&batcher_metrics[METRIC_LOADS].value);
    for (int i = 0; i < MOVES; i++) {
        char properties[128];
        snprintf(properties, sizeof properties, TWO "version.label.stable=%d\n",
                 i % 2 + 1);
        write(s, properties);
        for (int k = 0; k < EACH; k++) {
            results[i][k] = send(s, "stable");
        }
        if (i % 2 == 1) {
            batcher_stage_wait(s);
        }
    }
    batcher_stage_wait(s);
    for (int i = 0; i < MOVES; i++) {
        for (int k = 0; k < EACH; k++) {
            cr_assert_eq(results[i][k]->status, REPLY_SUCCEEDED);
            cr_assert_eq(results[i][k]->count, 1);
            cr_assert(results[i][k]->right);
        }
    }
    expect_by(results[MOVES - 1][EACH - 1], "2");
    cr_assert_eq(atomic_load(&batcher_metrics[METRIC_LOADS].value), loads);
    batcher_stage_close(s);
}

Test(labels_flow, take_along_what_waits_for_the_version_before, .timeout = 60)
{
    enum { WAITING = 60 };
    struct stage_result *results[WAITING];
    struct batcher_stage *s =
        open_two(TWO "max.batch.size=1\nversion.label.stable=1\n");
    for (int k = 0; k < WAITING; k++) {
        results[k] = send(s, "stable");
    }
    struct stage_result *named = send(s, "1");
    batcher_stage_wait_batches(s, 3);
    write(s, TWO "max.batch.size=1\nversion.label.stable=2\n");
    batcher_stage_wait(s);
    int moved = 0;
    for (int k = 0; k < WAITING; k++) {
        cr_assert_eq(results[k]->status, REPLY_SUCCEEDED);
        moved += results[k]->version[0] == '2' ? 1 : 0;
    }
    cr_assert(moved > 0 && moved < WAITING, "%d of %d", moved, WAITING);
    expect_by(named, "1");
    batcher_stage_close(s);
}

Test(labels_flow, stay_with_the_version_before_if_the_new_one_fails, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("version.label.stable=1\n");
    batcher_stage_wait_ready(s);
    int64_t failed = atomic_load(&batcher_metrics[METRIC_LOADS_FAILED].value);
    stage_models_add_version(batcher_stage_models(s), "m", "2");
    write(s, "sim.alpha=soon\nversion.label.stable=2\n");
    batcher_stage_wait_metric(s, METRIC_LOADS_FAILED, failed + 1);
    struct stage_result *before = send(s, "stable");
    batcher_stage_wait(s);
    expect_by(before, "1");
    write(s, "sim.alpha=1ms\nversion.label.stable=2\n");
    batcher_stage_wait_metric(s, METRIC_REPLACED, 1);
    struct stage_result *after = send(s, "stable");
    batcher_stage_wait(s);
    expect_by(after, "2");
    batcher_stage_close(s);
}

Test(labels_flow, that_are_wrong_change_nothing_but_are_told, .timeout = 60)
{
    struct batcher_stage *s = open_two(TWO "version.label.stable=1\n");
    int64_t failed = atomic_load(&batcher_metrics[METRIC_LOADS_FAILED].value);
    int64_t loads = atomic_load(&batcher_metrics[METRIC_LOADS].value);
    write(s, TWO "version.label.stable=3\n");
    batcher_stage_wait_metric(s, METRIC_LOADS_FAILED, failed + 2);
    struct stage_result *result = send(s, "stable");
    batcher_stage_wait(s);
    expect_by(result, "1");
    write(s, TWO "version.label.stable=2\n");
    result = send(s, "stable");
    batcher_stage_wait(s);
    expect_by(result, "2");
    cr_assert_eq(atomic_load(&batcher_metrics[METRIC_LOADS].value), loads + 2);
    batcher_stage_close(s);
}

Test(labels_flow, load_a_lazy_model_and_name_the_version_in_the_answer, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("lazy=true\nversion.label.stable=1\n");
    batcher_stage_wait_ready(s);
    struct stage_result *result = send(s, "stable");
    batcher_stage_wait(s);
    expect_by(result, "1");
    batcher_stage_close(s);
}
