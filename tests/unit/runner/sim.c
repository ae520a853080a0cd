/* SPDX-License-Identifier: Apache-2.0 */
/* The sim backend's answers gone wrong, its padding, and what a warm-up measures. */
#include "base/clock.h"
#include "parent.h"
#include "runner/sim_hash.h"

#include <criterion/criterion.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOT ((uint64_t)256 * 1024)
#define SIM  "platform=sim\nmax_batch_size=8\nproperty.input.0=x UINT8 -1,4\n"

static void
start(struct parent *p, struct loaded *l, const char *lines)
{
    parent_start(p);
    parent_load(p, l, 0, SLOT, lines);
    cr_assert(parent_expect(p, "loaded"), "%s", p->message);
}

static void
stop(struct parent *p, struct loaded *l)
{
    loaded_close(l);
    parent_stop(p);
}

Test(sim, answers_a_row_too_few_on_demand)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, SIM "property.sim.short.on=06\nproperty.sim.output=fp32\n");
    struct slot_head *slot = loaded_slot(&l, 0);
    fill_bytes(slot, 3, "a\6b");
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED);
    cr_assert_eq(slot->output_count, 2);
    cr_assert(slot->outputs[0].shape[0] == 2 && slot->outputs[0].size == 16);
    cr_assert(slot->outputs[1].shape[0] == 2 && slot->outputs[1].size == 8);
    fill_bytes(slot, 3, "abc");
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outputs[0].shape[0], 3);
    stop(&p, &l);
}

Test(sim, answers_nothing_for_a_single_item_a_row_too_few)
{
    struct parent p;
    struct loaded l;
    start(&p, &l,
          "platform=sim\nmax_batch_size=0\nproperty.input.0=x UINT8 4\n"
          "property.sim.short.on=06\n");
    struct slot_head *slot = loaded_slot(&l, 0);
    int64_t shape[] = {4};
    slot_begin(slot, 1);
    slot_add(slot, "x", DATATYPE_UINT8, shape, 1, "\6abc", 4);
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    cr_assert(slot->outputs[0].shape[0] == 0 && slot->outputs[0].size == 0);
    stop(&p, &l);
}

Test(sim, gives_each_row_a_value_and_NaN_on_demand)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, SIM "property.sim.nan.on=07\nproperty.sim.output=fp32\n");
    cr_assert(parent_said(&p, "output=hash UINT64 -1,1"));
    cr_assert(parent_said(&p, "output=value FP32 -1,1"));
    struct slot_head *slot = loaded_slot(&l, 0);
    fill_bytes(slot, 3, "a\7b");
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED);
    cr_assert_eq(slot->row_failed[1], 0);
    const uint64_t *hashes = slot_bytes_at(slot, slot->outputs[0].offset);
    const float *values = slot_bytes_at(slot, slot->outputs[1].offset);
    cr_assert_eq(values[0], sim_value(hashes[0]));
    cr_assert(isnan(values[1]));
    cr_assert_eq(values[2], sim_value(hashes[2]));
    stop(&p, &l);
}

Test(sim, takes_time_and_memory_for_the_rows_of_the_bucket)
{
    struct parent p;
    struct loaded l;
    start(&p, &l,
          SIM "property.batch.buckets=2,4,8\nproperty.sim.beta=2ms\n"
              "property.sim.memory.rows=7\n");
    struct slot_head *slot = loaded_slot(&l, 0);
    fill_bytes(slot, 3, "abc");
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED);
    cr_assert_eq(slot->outputs[0].shape[0], 3);
    cr_assert_geq(slot->completed_ns - slot->started_ns, 8 * NS_PER_MS);
    fill_bytes(slot, 5, "abcde");
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_OUT_OF_MEMORY);
    stop(&p, &l);
}

Test(sim, says_what_it_holds_on_its_device)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, SIM "property.sim.device.memory.mib=3\n");
    cr_assert(parent_said(&p, "memory=3145728"));
    stop(&p, &l);
    start(&p, &l, SIM);
    cr_assert_null(strstr(p.message, "\nmemory="));
    stop(&p, &l);
}

Test(sim, finds_no_device_memory_where_another_one_is)
{
    char path[] = "/tmp/leat-sim-XXXXXX";
    char lines[256];
    struct parent first;
    struct parent second;
    struct loaded l;
    struct loaded other;
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
    snprintf(lines, sizeof lines, SIM "property.sim.device.file=%s\n", path);
    start(&first, &l, lines);
    parent_start(&second);
    parent_load(&second, &other, 0, SLOT, lines);
    cr_assert(parent_expect(&second, "failed"));
    cr_assert(parent_said(&second, "cause=out_of_memory"), "%s", second.message);
    loaded_close(&other);
    stop(&first, &l);
    parent_load(&second, &other, 0, SLOT, lines);
    cr_assert(parent_expect(&second, "loaded"), "%s", second.message);
    loaded_close(&other);
    parent_stop(&second);
    unlink(path);
}

/* Reads the cost of so many rows. @return false if the last message tells none */
static bool
cost_of(const struct parent *p, uint32_t rows, int64_t *prepare_ns, int64_t *run_ns)
{
    char key[32];
    snprintf(key, sizeof key, "\ncost=%" PRIu32 " ", rows);
    const char *at = strstr(p->message, key);
    return at != NULL &&
           sscanf(at + strlen(key), "%" SCNd64 " %" SCNd64, prepare_ns, run_ns) == 2;
}

static unsigned
count_costs(const struct parent *p)
{
    unsigned count = 0;
    for (const char *at = p->message; (at = strstr(at, "\ncost=")) != NULL; at++) {
        count++;
    }
    return count;
}

static void
expect_costs(const char *lines, const uint32_t *rows, unsigned count)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, lines);
    cr_assert_eq(count_costs(&p), count, "%s", p.message);
    for (unsigned i = 0; i < count; i++) {
        int64_t prepare_ns = -1;
        int64_t run_ns = -1;
        cr_assert(cost_of(&p, rows[i], &prepare_ns, &run_ns), "%s", p.message);
        cr_assert_eq(prepare_ns, 0);
        cr_assert_geq(run_ns, NS_PER_MS * rows[i]);
    }
    stop(&p, &l);
}

Test(warm_up, tells_the_cost_of_1_2_4_and_so_on_and_of_the_most_rows)
{
    expect_costs("platform=sim\nmax_batch_size=6\nproperty.input.0=x UINT8 -1,-1\n"
                 "property.sim.beta=1ms\n",
                 (const uint32_t[]){1, 2, 4, 6}, 4);
    expect_costs("platform=sim\nmax_batch_size=0\nproperty.input.0=x UINT8 4\n"
                 "property.sim.beta=1ms\n",
                 (const uint32_t[]){1}, 1);
}

Test(warm_up, tells_the_cost_of_each_bucket_and_of_the_most_rows)
{
    expect_costs(SIM "property.batch.buckets=2,5,8\nproperty.sim.beta=1ms\n",
                 (const uint32_t[]){2, 5, 8}, 3);
    expect_costs(SIM "property.batch.buckets=3\nproperty.sim.beta=1ms\n",
                 (const uint32_t[]){3, 8}, 2);
}

Test(warm_up, measures_the_stages_apart)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, SIM "property.sim.decode=3ms\nproperty.sim.alpha=1ms\n");
    int64_t prepare_ns = 0;
    int64_t run_ns = 0;
    cr_assert(cost_of(&p, 8, &prepare_ns, &run_ns));
    cr_assert_geq(prepare_ns, 3 * NS_PER_MS);
    cr_assert_geq(run_ns, NS_PER_MS);
    stop(&p, &l);
}

Test(warm_up, measures_only_the_first_and_the_last_size_of_a_slow_model)
{
    expect_costs(SIM "property.sim.alpha=700ms\n", (const uint32_t[]){1, 8}, 2);
}
