/* SPDX-License-Identifier: Apache-2.0 */
/* Plug-ins inside leat-runner: good ones, wicked ones, and what is none. */
#include "parent.h"
#include "runner/sim_hash.h"

#include <criterion/criterion.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define SLOT ((uint64_t)256 * 1024)
#define HOME                                                                           \
    "platform=plugin\nmax_batch_size=8\ndevice=cpu:1\ndir=" LEAT_PLUGIN_DIR "\n"
#define WICKED HOME "property.plugin.library=wicked.so\n"
#define LIAR   HOME "property.plugin.library=liar.so\n"

/* As in wicked.c. */
enum {
    GOOD,
    REJECT,
    FAIL,
    LOSE,
    ABORT,
    HANG,
    SEGFAULT,
    GIVE_NAN,
    SHORT,
    BAD_SIZE,
    BAD_ORDER,
    NOTHING,
    NO_OUTCOME,
    NO_MEMORY,
    EXIT,
    LEAK,
    BAD_ROW,
    QUIET,
    REFUSE,
};

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

/* Four rows of 4 bytes; the second does that harm. */
static void
fill_rows(struct slot_head *slot, uint8_t harm)
{
    uint8_t rows[4][4] = {
        {1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}, {13, 14, 15, 16}};
    int64_t shape[] = {4, 4};
    if (harm != GOOD) {
        memcpy(rows[1], (uint8_t[]){0xde, 0xad, harm, 8}, sizeof rows[1]);
    }
    slot_begin(slot, 4);
    slot_add(slot, "data", DATATYPE_UINT8, shape, 2, rows, sizeof rows);
}

static struct slot_head *
run_harm(struct loaded *l, uint8_t harm)
{
    struct slot_head *slot = loaded_slot(l, 0);
    fill_rows(slot, harm);
    cr_assert(loaded_run(l, slot));
    return slot;
}

static void
expect_right(const struct slot_head *slot, uint32_t but)
{
    struct slot_head *s = (struct slot_head *)(uintptr_t)slot;
    const uint8_t *rows = slot_bytes_at(s, s->inputs[0].offset);
    const uint64_t *hashes = slot_bytes_at(s, s->outputs[0].offset);
    cr_assert_eq(s->outcome, SLOT_SUCCEEDED, "%s", s->error);
    cr_assert_eq(s->output_count, 2);
    for (size_t i = 0; i < 4; i++) {
        cr_assert(i == but || hashes[i] == sim_hash(span_of(rows + i * 4, 4)));
    }
}

Test(plugin, tells_its_tensors_and_answers_in_the_slot)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, WICKED);
    cr_assert(parent_said(&p, "platform=plugin"));
    cr_assert(parent_said(&p, "memory=12345"));
    cr_assert(parent_said(&p, "input=data UINT8 -1,-1"));
    cr_assert(parent_said(&p, "output=hash UINT64 -1,1"));
    cr_assert(parent_said(&p, "output=value FP32 -1,1"));
    expect_right(run_harm(&l, GOOD), 4);
    stop(&p, &l);
}

Test(plugin, writes_into_the_log_and_knows_its_folder_and_device)
{
    struct parent p;
    struct loaded l;
    parent_start(&p);
    parent_load(&p, &l, 3, SLOT, WICKED);
    cr_assert(parent_hears(&p, "text=wicked on cpu:1 in plugins"));
    cr_assert(parent_said(&p, "level=info") && parent_said(&p, "instance=3"));
    cr_assert(parent_expect(&p, "loaded"));
    parent_send(&p, "type=unload\ninstance=3\n");
    cr_assert(parent_hears(&p, "text=wicked is unloaded"));
    cr_assert(parent_said(&p, "level=warn"));
    cr_assert(parent_expect(&p, "unloaded"));
    stop(&p, &l);
}

Test(plugin, fails_one_row_and_answers_the_others)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, WICKED);
    struct slot_head *slot = run_harm(&l, REJECT);
    expect_right(slot, 1);
    cr_assert(slot->row_failed[0] == SLOT_ROW_FINE && slot->row_failed[2] == 0);
    cr_assert_eq(slot->row_failed[1], SLOT_ROW_FAILED);
    cr_assert_str_eq(row_error(slot, 1), "wicked: this row is rejected");
    slot = run_harm(&l, REFUSE);
    expect_right(slot, 1);
    cr_assert_eq(slot->row_failed[1], SLOT_ROW_REFUSED);
    cr_assert_str_eq(row_error(slot, 1), "wicked: nobody should ask this");
    slot = run_harm(&l, GIVE_NAN);
    expect_right(slot, 1);
    const float *values = slot_bytes_at(slot, slot->outputs[1].offset);
    cr_assert(isnan(values[1]) && !isnan(values[0]));
    stop(&p, &l);
}

Test(plugin, fails_a_batch_with_a_sentence_whatever_it_does_wrong)
{
    static const struct {
        uint8_t harm;
        enum slot_outcome outcome;
        const char *says;
    } harms[] = {
        {FAIL, SLOT_FAILED, "wicked: the batch fails"},
        {SHORT, SLOT_FAILED, "output hash of the plug-in: its first dimension"},
        {BAD_SIZE, SLOT_FAILED, "output value of the plug-in: its size is not"},
        {BAD_ORDER, SLOT_FAILED, "took output 1 after 0 of 2"},
        {NOTHING, SLOT_FAILED, "gave 0 of 2 outputs"},
        {NO_OUTCOME, SLOT_FAILED, "returned 42, which is no outcome"},
        {BAD_ROW, SLOT_FAILED, "a row that the batch has not"},
        {QUIET, SLOT_FAILED, "without a reason"},
        {NO_MEMORY, SLOT_OUT_OF_MEMORY, "no device memory"},
    };
    struct parent p;
    struct loaded l;
    start(&p, &l, WICKED);
    for (size_t i = 0; i < sizeof harms / sizeof harms[0]; i++) {
        const struct slot_head *slot = run_harm(&l, harms[i].harm);
        cr_assert_eq(slot->outcome, harms[i].outcome, "%s", harms[i].says);
        cr_assert_not_null(strstr(slot->error, harms[i].says), "'%s' is not '%s'",
                           slot->error, harms[i].says);
        expect_right(run_harm(&l, GOOD), 4);
    }
    stop(&p, &l);
}

static int
end_of(uint8_t harm)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, WICKED);
    fill_rows(loaded_slot(&l, 0), harm);
    loaded_submit(&l, loaded_slot(&l, 0));
    int end = parent_wait_exit(&p);
    uint32_t state = atomic_load(&loaded_slot(&l, 0)->state);
    cr_assert_eq(state, harm == LOSE ? SLOT_DONE : SLOT_RUNNING);
    loaded_close(&l);
    return end;
}

Test(plugin, takes_only_its_own_process_with_it)
{
    cr_assert_eq(end_of(ABORT), 1000 + SIGABRT);
    int end = end_of(SEGFAULT); /* a sanitizer makes an exit of it */
    cr_assert(end == 1000 + SIGSEGV || end == 1, "%d", end);
    cr_assert_eq(end_of(EXIT), 0);
    cr_assert_eq(end_of(LOSE), 75);
}

static void
expect_refused(const char *lines, const char *says)
{
    struct parent p;
    struct loaded l;
    parent_start(&p);
    parent_load(&p, &l, 0, SLOT, lines);
    cr_assert(parent_expect(&p, "failed"), "%s: %s", says, p.message);
    cr_assert_not_null(strstr(p.message, says), "'%s' is not '%s'", p.message, says);
    loaded_close(&l);
    parent_stop(&p);
}

Test(plugin, is_refused_when_it_is_none_or_none_of_ours)
{
    static const char *const objects[][2] = {
        {"absent.so", "absent.so cannot be read (plugin.library"},
        {"wicked.c", "wicked.c cannot be read"},
        {"no_symbol.so", "exports no function leat_plugin_get()"},
        {"data_symbol.so", "exports no function leat_plugin_get()"},
        {"nothing.so", "leat_plugin_get() gave no plug-in"},
        {"newer_major.so",
         "built for version 2.3 of leat/plugin.h, this runner has 1."},
        {"too_small.so", "begin it with LEAT_PLUGIN_HEAD"},
        {"no_run.so", "has no run()"},
        {"undefined.so", "undefined symbol: defined_by_nobody"},
        {"../bin/leat-runner", "it cannot be loaded:"},
    };
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        char lines[512];
        snprintf(lines, sizeof lines, HOME "property.plugin.library=%s\n",
                 objects[i][0]);
        expect_refused(lines, objects[i][1]);
    }
    expect_refused(HOME, "model.so cannot be read");
    expect_refused(HOME "property.plugin.library=/dev/null\n", "it cannot be loaded");
}

Test(plugin, is_refused_when_it_tells_what_cannot_be)
{
    static const char *const lies[][2] = {
        {"many", "a model has at most 32"},
        {"endless name", "does not end within 64 bytes"},
        {"no name", "its name is empty"},
        {"datatype", "none of enum leat_datatype"},
        {"rank", "over 8 dimensions"},
        {"dimension", "-1 or more"},
        {"no batch", "the first dimension must be -1"},
        {"twice", "its name stands twice"},
        {"silence", "no input.0 in model.properties, and the plug-in tells none"},
        {"reason", "reason=the moon is not full"},
        {"no reason", "load() failed without saying why"},
        {"no memory", "cause=out_of_memory"},
        {"no outcome", "load() returned -7"},
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        char lines[512];
        snprintf(lines, sizeof lines, LIAR "property.lie=%s\n", lies[i][0]);
        expect_refused(lines, lies[i][1]);
    }
    expect_refused(LIAR "property.input.0=x FP32 -1,5\n",
                   "input.0 of model.properties is not what the plug-in tells (x)");
    expect_refused(LIAR
                   "property.output.0=y FP32 -1,4\nproperty.output.1=z FP32 -1,4\n",
                   "output.1 of model.properties is not what the plug-in tells (none)");
}

Test(plugin, takes_the_tensors_of_the_properties_where_it_tells_none)
{
    struct parent p;
    struct loaded l;
    start(&p, &l,
          LIAR "property.lie=silence\nproperty.input.0=q FP32 -1,2\n"
               "property.output.0=r FP32 -1,2\n");
    cr_assert(parent_said(&p, "input=q FP32 -1,2"));
    cr_assert(parent_said(&p, "output=r FP32 -1,2"));
    stop(&p, &l);
}

Test(plugin, prepares_the_next_batch_and_hands_it_to_its_run)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, LIAR "property.input.0=x FP32 -1,4\n");
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < SLOTS_PER_INSTANCE; i++) {
            struct slot_head *slot = loaded_slot(&l, i);
            float values[4] = {(float)i + 1, (float)round, 3, 4};
            values[0] = i == 1 && round == 2 ? -1 : values[0];
            slot_begin(slot, 1);
            slot_add(slot, "x", DATATYPE_FP32, (int64_t[]){1, 4}, 2, values,
                     sizeof values);
            loaded_submit(&l, slot);
        }
        cr_assert(loaded_wait(&l, SLOTS_PER_INSTANCE));
        for (unsigned i = 0; i < SLOTS_PER_INSTANCE; i++) {
            struct slot_head *slot = loaded_slot(&l, i);
            if (i == 1 && round == 2) {
                cr_assert_eq(slot->outcome, SLOT_FAILED);
                cr_assert_str_eq(slot->error, "liar: nothing negative is prepared");
                continue;
            }
            const float *y = slot_bytes_at(slot, slot->outputs[0].offset);
            cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
            cr_assert(y[0] == 2 * ((float)i + 1) && y[1] == 2 * (float)round);
        }
    }
    stop(&p, &l);
}

Test(plugin, serves_several_instances_and_comes_back_after_an_unload)
{
    struct parent p;
    struct loaded l[2];
    start(&p, &l[0], WICKED);
    parent_load(&p, &l[1], 1, SLOT, WICKED);
    cr_assert(parent_expect(&p, "loaded"));
    for (unsigned i = 0; i < 2; i++) {
        expect_right(run_harm(&l[i], GOOD), 4);
    }
    parent_send(&p, "type=unload\ninstance=0\n");
    cr_assert(parent_expect(&p, "unloaded"));
    loaded_close(&l[0]);
    expect_right(run_harm(&l[1], GOOD), 4);
    parent_load(&p, &l[0], 0, SLOT, WICKED);
    cr_assert(parent_expect(&p, "loaded"));
    expect_right(run_harm(&l[0], GOOD), 4);
    loaded_close(&l[0]);
    stop(&p, &l[1]);
}
