/* SPDX-License-Identifier: Apache-2.0 */
/* Models that make room for each other, in the memory of the host and of devices. */
#include "base/clock.h"
#include "batcher/metrics.h"
#include "tests/flow/batcher_stage.h"
#include "tests/flow/stage_runner.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static struct stage_result *
send(struct batcher_stage *s)
{
    return batcher_stage_send(s, span_of(NULL, 0));
}

/** Asks one and then the other, each once the answer of the one before is there. */
static void
ask_by_turns(struct batcher_stage *s)
{
    struct stage_result *results[8];
    for (unsigned i = 0; i < 8; i++) {
        batcher_stage_model(s, i % 2);
        results[i] = send(s);
        batcher_stage_wait(s);
    }
    batcher_stage_expect_right(results, 8);
}

Test(memory_flow, has_models_take_turns_in_a_memory_that_holds_one, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open_two("sim.alpha=1ms", "sim.alpha=1ms");
    batcher_stage_config(s)->models_memory_max = 1;
    batcher_stage_restart(s);
    int64_t evictions = batcher_stage_count(METRIC_EVICTIONS);
    ask_by_turns(s);
    cr_assert_geq(batcher_stage_count(METRIC_EVICTIONS), evictions + 7);
    batcher_stage_close(s);
}

Test(memory_flow,
     lets_models_that_are_both_busy_make_room_for_each_other,
     .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open_two("sim.alpha=1ms", "sim.alpha=1ms");
    batcher_stage_config(s)->models_memory_max = 1;
    batcher_stage_restart(s);
    struct stage_result *results[200];
    for (unsigned i = 0; i < 200; i++) {
        batcher_stage_model(s, i % 2);
        results[i] = send(s);
    }
    batcher_stage_wait(s);
    batcher_stage_expect_right(results, 200);
    batcher_stage_close(s);
}

#define ON(device) "device=" device "\nsim.device.memory.mib=64"

static struct batcher_stage *
open_with_100_mib_a_device(const char *properties, const char *second)
{
    struct batcher_stage *s = batcher_stage_open_two(properties, second);
    batcher_stage_config(s)->models_device_memory_max = 100 << 20;
    batcher_stage_restart(s);
    return s;
}

Test(memory_flow, has_models_take_turns_on_a_device_that_holds_one, .timeout = 60)
{
    int64_t evictions = batcher_stage_count(METRIC_EVICTIONS);
    struct batcher_stage *s = open_with_100_mib_a_device(ON("cuda:0"), ON("cuda"));
    ask_by_turns(s);
    cr_assert_geq(batcher_stage_count(METRIC_EVICTIONS), evictions + 7);
    batcher_stage_close(s);
}

static void
expect_no_eviction(const char *properties, const char *second)
{
    int64_t evictions = batcher_stage_count(METRIC_EVICTIONS);
    struct batcher_stage *s = open_with_100_mib_a_device(properties, second);
    ask_by_turns(s);
    cr_assert_eq(batcher_stage_count(METRIC_EVICTIONS), evictions);
    batcher_stage_close(s);
}

Test(memory_flow, keeps_models_of_different_devices_loaded, .timeout = 60)
{
    expect_no_eviction(ON("cuda"), ON("cuda:1"));
}

Test(memory_flow, counts_on_a_cpu_only_what_is_resident_there, .timeout = 60)
{
    expect_no_eviction(ON("cpu"), ON("cpu") "\ninstances=2");
}

Test(memory_flow, counts_every_instance_of_a_model, .timeout = 60)
{
    int64_t evictions = batcher_stage_count(METRIC_EVICTIONS);
    struct batcher_stage *s =
        open_with_100_mib_a_device("device=cuda\nsim.device.memory.mib=30\ninstances=2",
                                   "device=cuda\nsim.device.memory.mib=60");
    ask_by_turns(s);
    cr_assert_geq(batcher_stage_count(METRIC_EVICTIONS), evictions + 7);
    batcher_stage_close(s);
}

Test(memory_flow, tells_memory_for_host_and_device, .timeout = 60)
{
    struct batcher_stage *s = open_with_100_mib_a_device(ON("cuda:1"), ON("cpu:1"));
    struct buf text;
    buf_init(&text, 1 << 20);
    batcher_stage_metrics(s, &text);
    buf_append_byte(&text, '\0');
    const char *metrics = (const char *)text.data;
    cr_assert_eq(text.status, STATUS_OK);
    cr_assert_not_null(strstr(metrics, "memory_bytes{model=\"m\",version=\"1\","
                                       "where=\"cuda:1\"} 67108864\n"));
    cr_assert_not_null(strstr(metrics, "{model=\"m\",version=\"1\",where=\"host\"} "));
    cr_assert_not_null(strstr(metrics, "{model=\"n\",version=\"1\",where=\"host\"} "));
    cr_assert_null(strstr(metrics, "where=\"cpu"));
    buf_fini(&text);
    batcher_stage_close(s);
}

/** A file that stands for a device with room for one model; to be freed. */
static char *
small_device(const struct batcher_stage *s, const char *more)
{
    char *properties = NULL;
    cr_assert_geq(asprintf(&properties, "device=cuda\nsim.device.file=%s/.device\n%s",
                           batcher_stage_models(s)->folder, more),
                  0);
    return properties;
}

Test(memory_flow, makes_room_for_a_load_that_finds_no_device_memory, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open_two("lazy=true", "lazy=true");
    char *properties = small_device(s, "");
    int64_t failed = batcher_stage_count(METRIC_LOADS_FAILED);
    int64_t starved = batcher_stage_count(METRIC_LOADS_STARVED);
    int64_t evictions = batcher_stage_count(METRIC_EVICTIONS);
    stage_models_add(batcher_stage_models(s), "m", properties, STAGE_ROW);
    stage_models_add(batcher_stage_models(s), "n", properties, STAGE_ROW);
    batcher_stage_restart(s);
    ask_by_turns(s);
    cr_assert_geq(batcher_stage_count(METRIC_EVICTIONS), evictions + 6);
    cr_assert_eq(batcher_stage_count(METRIC_LOADS_FAILED), failed);
    cr_assert_geq(batcher_stage_count(METRIC_LOADS_STARVED), starved + 7);
    free(properties);
    batcher_stage_close(s);
}

Test(memory_flow, loads_those_that_were_in_each_others_way_one_by_one, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open_two("lazy=true", "lazy=true");
    char *properties = small_device(s, "");
    int64_t failed = batcher_stage_count(METRIC_LOADS_FAILED);
    int64_t starved = batcher_stage_count(METRIC_LOADS_STARVED);
    char path[160];
    snprintf(path, sizeof path, "%s/.device", batcher_stage_models(s)->folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(flock(fd, LOCK_EX), 0);
    stage_models_add(batcher_stage_models(s), "m", properties, STAGE_ROW);
    stage_models_add(batcher_stage_models(s), "n", properties, STAGE_ROW);
    cr_assert_eq(batcher_stage_stop(s), 0);
    batcher_stage_start(s);
    batcher_stage_wait_metric(s, METRIC_LOADS_STARVED, starved + 2);
    close(fd);
    ask_by_turns(s);
    cr_assert_eq(batcher_stage_count(METRIC_LOADS_FAILED), failed);
    free(properties);
    batcher_stage_close(s);
}

Test(memory_flow, makes_room_for_a_runner_that_comes_back, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open_two("lazy=true", "lazy=true");
    char *properties = small_device(s, "");
    stage_models_add(batcher_stage_models(s), "m", properties, STAGE_ROW);
    batcher_stage_restart(s);
    struct stage_result *results[3] = {send(s)};
    batcher_stage_wait(s);
    int64_t evictions = batcher_stage_count(METRIC_EVICTIONS);
    batcher_stage_kill_runner(s);
    char path[160];
    snprintf(path, sizeof path, "%s/.device", batcher_stage_models(s)->folder);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    cr_assert_eq(flock(fd, LOCK_EX),
                 0); /* no other runner comes before our next turn */
    stage_models_add(batcher_stage_models(s), "n", "device=cuda", STAGE_ROW);
    batcher_stage_reload(s);
    batcher_stage_model(s, 1);
    results[1] = send(s);
    batcher_stage_wait(s);
    batcher_stage_model(s, 0);
    results[2] = send(s);
    batcher_stage_wait_metric(s, METRIC_EVICTIONS, evictions + 1);
    close(fd);
    batcher_stage_wait(s);
    batcher_stage_expect_right(results, 3);
    free(properties);
    batcher_stage_close(s);
}

Test(memory_flow, gives_a_load_up_once_others_made_room_in_vain, .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open_two("lazy=true", "lazy=true");
    char *hopeless = small_device(s, "instances=2"); /* each needs all of it */
    char *modest = small_device(s, "");
    stage_models_add(batcher_stage_models(s), "m", hopeless, STAGE_ROW);
    stage_models_add(batcher_stage_models(s), "n", modest, STAGE_ROW);
    batcher_stage_restart(s);
    int64_t failed = batcher_stage_count(METRIC_LOADS_FAILED);
    int64_t evictions = batcher_stage_count(METRIC_EVICTIONS);
    struct stage_result *results[2];
    batcher_stage_model(s, 1);
    results[0] = send(s);
    batcher_stage_wait(s);
    batcher_stage_order(s, "m", true);
    batcher_stage_wait_metric(s, METRIC_LOADS_FAILED, failed + 1);
    cr_assert_eq(batcher_stage_count(METRIC_EVICTIONS), evictions + 1);
    results[1] = send(s);
    batcher_stage_wait(s);
    batcher_stage_expect_right(results, 2);
    free(hopeless);
    free(modest);
    batcher_stage_close(s);
}

Test(memory_flow,
     gives_a_load_up_that_finds_no_memory_on_an_empty_device,
     .timeout = 60)
{
    struct batcher_stage *s = batcher_stage_open("sim.alpha=1ms");
    char *properties = small_device(s, "instances=2"); /* each needs all of it */
    batcher_stage_wait_ready(s);
    int64_t failed = batcher_stage_count(METRIC_LOADS_FAILED);
    batcher_stage_change(s, properties);
    batcher_stage_wait_metric(s, METRIC_LOADS_FAILED, failed + 1);
    struct stage_result *result = send(s);
    batcher_stage_wait(s);
    batcher_stage_expect_right(&result, 1);
    free(properties);
    batcher_stage_close(s);
}

Test(memory_flow, holds_a_runner_to_the_bound_of_its_own_model, .timeout = 60)
{
    int64_t deaths = batcher_stage_count(METRIC_RUNNER_DEATHS);
    struct batcher_stage *s =
        batcher_stage_open_two("sim.memory.mib=64\nmemory.max=0", "memory.max=1GiB");
    batcher_stage_config(s)->runner_memory_max = 16 << 20;
    batcher_stage_restart(s);
    struct stage_result *result = send(s);
    batcher_stage_wait(s);
    batcher_stage_turn(s, 600 * NS_PER_MS); /* it is looked at twice and more */
    cr_assert_eq(batcher_stage_count(METRIC_RUNNER_DEATHS), deaths);
    batcher_stage_expect_right(&result, 1);
    batcher_stage_change(s, "sim.memory.mib=64\nmemory.max=40MiB");
    batcher_stage_wait_metric(s, METRIC_RUNNER_DEATHS, deaths + 1);
    batcher_stage_close(s);
}
