/* SPDX-License-Identifier: Apache-2.0 */
/* Runners that stand still while they load: the first batch of a warm-up takes an hour.
 */
#include "batcher/metrics.h"
#include "batcher/trial.h"
#include "tests/flow/batcher_stage.h"
#include "tests/flow/stage_runner.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <sys/stat.h>

#define STANDS "sim.alpha=3600s\nload.timeout=1s"
#define LATE   "killed: the model was not loaded and warmed up within load.timeout (1 s)"

static struct stage_result *
send(struct batcher_stage *s)
{
    return batcher_stage_send(s, span_of(NULL, 0));
}

static void
expect_an_answer(struct batcher_stage *s)
{
    struct stage_result *result = send(s);
    batcher_stage_wait(s);
    batcher_stage_expect_right(&result, 1);
}

Test(load_timeout_flow, fails_a_model_while_another_serves, .timeout = 60)
{
    int64_t failed = batcher_stage_count(METRIC_LOADS_FAILED);
    struct batcher_stage *s = batcher_stage_open_two(STANDS, "");
    batcher_stage_model(s, 1);
    expect_an_answer(s);
    batcher_stage_wait_told(s, "m/1", MODEL_FAILED, LATE);
    cr_assert_eq(batcher_stage_count(METRIC_LOADS_FAILED), failed + 1);
    batcher_stage_wait_ready(s);
    expect_an_answer(s);
    batcher_stage_close(s);
}

Test(load_timeout_flow, is_raised_and_the_model_answers_what_waited, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open(STANDS);
    batcher_stage_wait_told(s, "m/1", MODEL_FAILED, LATE);
    struct stage_result *result = send(s);
    batcher_stage_change(s, "load.timeout=5m");
    batcher_stage_wait(s);
    batcher_stage_expect_right(&result, 1);
    batcher_stage_close(s);
}

Test(load_timeout_flow, keeps_the_old_files_if_the_new_ones_stand_still, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=1ms");
    batcher_stage_wait_ready(s);
    int64_t replaced = batcher_stage_count(METRIC_REPLACED);
    batcher_stage_change(s, STANDS);
    expect_an_answer(s);
    batcher_stage_wait_told(s, "m/1", MODEL_READY,
                            "the new files of this version were not loaded: " LATE);
    expect_an_answer(s);
    cr_assert_eq(batcher_stage_count(METRIC_REPLACED), replaced);
    batcher_stage_close(s);
}

Test(load_timeout_flow,
     keeps_the_old_version_if_the_new_one_stands_still,
     .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=1ms");
    batcher_stage_wait_ready(s);
    int64_t replaced = batcher_stage_count(METRIC_REPLACED);
    stage_models_add_version(batcher_stage_models(s), "m", "2");
    batcher_stage_change(s, STANDS);
    batcher_stage_wait_told(s, "m/2", MODEL_FAILED, LATE);
    struct stage_result *result = send(s);
    batcher_stage_wait(s);
    batcher_stage_expect_right(&result, 1);
    cr_assert_str_eq(result->version, "1");
    cr_assert_eq(batcher_stage_count(METRIC_REPLACED), replaced);
    batcher_stage_close(s);
}

Test(load_timeout_flow, has_the_old_one_come_back_where_it_went_first, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=1ms");
    batcher_stage_config(s)->models_swap = "unload_first";
    batcher_stage_restart(s);
    int64_t loads = batcher_stage_count(METRIC_LOADS);
    batcher_stage_change(s, STANDS);
    batcher_stage_wait_metric(s, METRIC_LOADS, loads + 1);
    expect_an_answer(s);
    cr_assert_eq(batcher_stage_count(METRIC_LOADS), loads + 2);
    batcher_stage_close(s);
}

Test(load_timeout_flow, gives_its_turn_in_the_memory_to_the_next_one, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open_two("lazy=true\n" STANDS, "");
    batcher_stage_config(s)->models_memory_max = 1;
    batcher_stage_restart(s);
    int64_t loads = batcher_stage_count(METRIC_LOADS);
    send(s);
    batcher_stage_wait_metric(s, METRIC_LOADS, loads + 1);
    batcher_stage_model(s, 1);
    struct stage_result *result = send(s);
    batcher_stage_wait_answers(s, 1);
    batcher_stage_expect_right(&result, 1);
    batcher_stage_wait_told(s, "m/1", MODEL_FAILED, LATE);
    batcher_stage_close(s);
}

/** A runner that stands still when it is started for the second time. */
static void
write_runner(const struct stage_models *folder, char *path, size_t size)
{
    snprintf(path, size, "%s/runner", folder->folder);
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    fprintf(file,
            "#!/bin/sh\ncd %s\n"
            "if [ -e ran ] && [ ! -e stood ]; then touch stood; exec sleep 3600; "
            "fi\ntouch ran\nexec " LEAT_BINARY_DIR "/leat-runner \"$@\"\n",
            folder->folder);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(path, S_IRWXU), 0);
}

Test(load_timeout_flow, has_a_model_that_served_tried_again, .timeout = 60)
{
    char runner[128];
    struct stage_models folder;
    stage_models_open(&folder);
    write_runner(&folder, runner, sizeof runner);
    struct batcher_stage *s = batcher_stage_open("load.timeout=10s");
    batcher_stage_config(s)->runner_command = runner;
    batcher_stage_restart(s);
    int64_t deaths = batcher_stage_count(METRIC_RUNNER_DEATHS);
    batcher_stage_kill_runner(s);
    batcher_stage_wait_metric(s, METRIC_RUNNER_DEATHS, deaths + 2);
    expect_an_answer(s);
    batcher_stage_close(s);
    stage_models_close(&folder);
}

/* As `leat models check` does. */
Test(load_timeout_flow, ends_the_trial_of_a_version, .timeout = 60)
{
    const struct batcher_config config = {
        .runner_command = LEAT_BINARY_DIR "/leat-runner", .slot_bytes = 1 << 20};
    struct stage_models folder;
    struct repository r;
    struct trial t;
    struct fault fault = {.text = ""};
    stage_models_open(&folder);
    stage_models_add(&folder, "m", STANDS, 8);
    cr_assert_eq(repository_open(&r, folder.folder, "*", &fault), STATUS_OK);
    cr_assert_eq(trial_run(&t, &config, &r.models[0], &r.models[0].versions[0], &fault),
                 STATUS_OK, "%s", fault.text);
    cr_assert_not(t.loaded);
    cr_assert_str_eq(t.reason, LATE);
    trial_close(&t);
    repository_close(&r);
    stage_models_close(&folder);
}
