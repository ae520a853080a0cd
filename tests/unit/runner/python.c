/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Python runner by its protocol: loads, what a class may return and raise, what it
 * prints, and how it ends. Its datatypes and slots are python_slots.c.
 */
#include "parent.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SLOT   ((uint64_t)256 * 1024)
#define FOLDER "platform=python\ndir=" LEAT_SOURCE_DIR "/tests/support/python\n"
#define MOODY  FOLDER "max_batch_size=8\nproperty.python.module=moody\n"

static void
start(struct parent *p, struct loaded *l, const char *lines)
{
    parent_start_python(p);
    parent_load(p, l, 3, SLOT, lines);
    cr_assert(parent_expect(p, "loaded"), "%s", p->message);
}

/* Whether row i of a batch of fill_bytes() was answered rightly. */
static bool
row_is_right(struct slot_head *slot, uint32_t row)
{
    const float *y = slot_bytes_at(slot, slot->outputs[0].offset);
    return y[row] == 2.0F * (float)row;
}

static void
expect_right(struct loaded *l, struct slot_head *slot, uint32_t rows)
{
    static const char fine[8] = {0};
    fill_bytes(slot, rows, fine);
    cr_assert(loaded_run(l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    cr_assert_eq(slot->error[0], '\0');
    cr_assert_eq(slot->output_count, 1);
    cr_assert_eq(slot->outputs[0].shape[0], rows);
    cr_assert_geq(slot->outputs[0].offset, slot->inputs_end);
    cr_assert_eq(slot->outputs[0].offset % SLOT_ALIGN, 0);
    for (uint32_t i = 0; i < rows; i++) {
        cr_assert(row_is_right(slot, i), "row %u", i);
    }
}

Test(python, loads_a_class_answers_unloads_and_loads_again)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, MOODY);
    cr_assert(parent_said(&p, "instance=3"));
    cr_assert(parent_said(&p, "platform=python"));
    cr_assert(parent_said(&p, "input=x UINT8 -1,4"));
    cr_assert(parent_said(&p, "output=y FP32 -1,1"));
    cr_assert_not_null(strstr(p.message, "\ncost=1 0 "));
    cr_assert_not_null(strstr(p.message, "\ncost=8 0 "));
    struct slot_head *slot = loaded_slot(&l, 1);
    expect_right(&l, slot, 1);
    expect_right(&l, slot, 8);
    cr_assert_leq(slot->taken_ns, slot->prepared_ns);
    cr_assert_leq(slot->prepared_ns, slot->started_ns);
    cr_assert_lt(slot->started_ns, slot->completed_ns);
    parent_send(&p, "type=unload\ninstance=3\n");
    cr_assert(parent_expect(&p, "unloaded"));
    loaded_close(&l);
    parent_load(&p, &l, 3, SLOT, MOODY);
    cr_assert(parent_expect(&p, "loaded"), "%s", p.message);
    expect_right(&l, loaded_slot(&l, 0), 3);
    loaded_close(&l);
    parent_stop(&p);
}

/* What a class did with a batch of three whose second row begins with that byte. */
struct mood {
    char first;
    uint32_t outcome;
    const char *error;
};

Test(python, explains_what_a_class_raised_or_returned_and_goes_on)
{
    static const struct mood moods[] = {
        {1, SLOT_FAILED, "ValueError: one of them is a one"},
        {5, SLOT_FAILED, "output y: expected FP32 [3,1], got float32 [3]"},
        {7, SLOT_FAILED, "output y: expected FP32 [3,1], got float64 [3,1]"},
        {8, SLOT_FAILED, "predict returned no output y; it returned z, w"},
        {9, SLOT_FAILED,
         "predict must return a dict of arrays, one per output; got list"},
        {10, SLOT_FAILED,
         "predict must return a dict of arrays, one per output; got None: is a return "
         "missing?"},
        {12, SLOT_OUT_OF_MEMORY, "MemoryError: no room"},
        {13, SLOT_FAILED, "SystemExit: 3"},
        {17, SLOT_FAILED, "output y: expected FP32 [3,1], got float32 [2,1]"},
        {20, SLOT_FAILED,
         "output y: expected FP32 [3,1], got a str that makes no such array: could not "
         "convert string to float: 'words'"},
        {22, SLOT_FAILED, "an ItemError names row 99 of 3"},
    };
    struct parent p;
    struct loaded l;
    start(&p, &l, MOODY);
    struct slot_head *slot = loaded_slot(&l, 2);
    for (size_t i = 0; i < sizeof moods / sizeof moods[0]; i++) {
        const char first[] = {0, moods[i].first, 0};
        fill_bytes(slot, 3, first);
        cr_assert(loaded_run(&l, slot));
        cr_assert_eq(slot->outcome, moods[i].outcome, "%d", moods[i].first);
        cr_assert_str_eq(slot->error, moods[i].error);
        expect_right(&l, slot, 3);
    }
    loaded_close(&l);
    parent_stop(&p);
}

Test(python, fails_only_the_rows_that_the_class_gives_up)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, MOODY);
    struct slot_head *slot = loaded_slot(&l, 0);
    static const struct {
        char first[4];
        const char *error;
    } batches[] = {{{0, 2, 0, 2}, "this row is a two"},
                   {{2, 2, 2, 2}, "this row is a two"},
                   {{0, 18, 0, 0}, "an eighteen"}};
    for (size_t b = 0; b < sizeof batches / sizeof batches[0]; b++) {
        fill_bytes(slot, 4, batches[b].first);
        cr_assert(loaded_run(&l, slot));
        cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
        cr_assert_str_eq(slot->error, batches[b].error);
        cr_assert_eq(slot->outputs[0].shape[0], 4);
        for (uint32_t i = 0; i < 4; i++) {
            bool failed = batches[b].first[i] != 0;
            cr_assert_eq(slot->row_failed[i], failed);
            cr_assert_str_eq(row_error(slot, i), failed ? batches[b].error : "");
            cr_assert(failed || row_is_right(slot, i));
        }
    }
    expect_right(&l, slot, 4);
    loaded_close(&l);
    parent_stop(&p);
}

Test(python, tells_each_row_its_own_reason_and_whether_it_is_at_fault)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, MOODY);
    struct slot_head *slot = loaded_slot(&l, 0);
    fill_bytes(slot, 4, "\27\0\27\0");
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    cr_assert_str_eq(slot->error, "");
    cr_assert_str_eq(row_error(slot, 0), "row 0 is none");
    cr_assert_str_eq(row_error(slot, 1), "");
    cr_assert_str_eq(row_error(slot, 2), "row 2 is none");
    cr_assert_eq(slot->row_failed[2], SLOT_ROW_REFUSED);
    cr_assert(row_is_right(slot, 1) && row_is_right(slot, 3));
    fill_bytes(slot, 2, "\0\0");
    cr_assert(loaded_run(&l, slot));
    cr_assert_null(row_error(slot, 0));
    loaded_close(&l);
    parent_stop(&p);
}

Test(python, converts_lists_and_lets_a_nan_be_the_batchers)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, MOODY);
    struct slot_head *slot = loaded_slot(&l, 0);
    fill_bytes(slot, 2, "\25\0");
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    const float *y = slot_bytes_at(slot, slot->outputs[0].offset);
    cr_assert(y[0] == 0.0F && y[1] == 1.0F);
    fill_bytes(slot, 2, "\6\0");
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    y = slot_bytes_at(slot, slot->outputs[0].offset);
    cr_assert(y[0] != y[0] && y[1] == 2.0F);
    loaded_close(&l);
    parent_stop(&p);
}

Test(python, passes_prints_logs_and_tracebacks_to_the_batchers_log)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, MOODY);
    struct slot_head *slot = loaded_slot(&l, 0);
    fill_bytes(slot, 1, "\17");
    cr_assert(loaded_run(&l, slot));
    cr_assert(parent_logs(&p, "text=printed: a word"));
    cr_assert(parent_said(&p, "level=info"));
    cr_assert(parent_said(&p, "instance=3"));
    fill_bytes(slot, 1, "\17");
    cr_assert(loaded_run(&l, slot));
    cr_assert(parent_logs(&p, "text=from another program"));
    fill_bytes(slot, 1, "\17");
    cr_assert(loaded_run(&l, slot));
    cr_assert(parent_logs(&p, "text=moody: logged: 1 rows"));
    cr_assert(parent_said(&p, "level=error"));
    fill_bytes(slot, 1, "\1");
    cr_assert(loaded_run(&l, slot));
    cr_assert(parent_logs(&p, "text=Traceback (most recent call last): | "));
    cr_assert_not_null(strstr(p.message, "moody.py"));
    cr_assert_not_null(strstr(p.message, "ValueError: one of them is | a one\n"));
    loaded_close(&l);
    parent_stop(&p);
}

Test(python, cuts_a_flood_of_prints_and_says_so)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, MOODY);
    fill_bytes(loaded_slot(&l, 0), 1, "\23");
    loaded_submit(&l, loaded_slot(&l, 0));
    parent_send(&p, "type=stop\n");
    cr_assert(parent_logs(&p, "left out"));
    cr_assert_eq(parent_wait_exit(&p), 0);
    cr_assert_eq(atomic_load(&loaded_slot(&l, 0)->state), SLOT_DONE);
    loaded_close(&l);
}

static const struct {
    const char *lines;
    const char *reason;
} not_loadable[] = {
    {"max_batch_size=4\n", "reason=there is no model.py in "},
    {"max_batch_size=4\nproperty.steps=model softmax\n",
     "reason=steps= is for the models of leat-runner"},
    {"max_batch_size=4\nproperty.python.module=broken_import\n",
     "reason=ModuleNotFoundError: No module named 'no_such_module'"},
    {"max_batch_size=4\nproperty.python.module=broken_load\n",
     "reason=broken_load has no class Model; of its own with predict it has "
     "Raises, "},
    {"max_batch_size=4\nproperty.python.module=broken_load\n"
     "property.python.class=Nobody\n",
     "reason=broken_load has no Nobody; "},
    {"max_batch_size=4\nproperty.python.module=broken_load\n"
     "property.python.class=Raises\n",
     "reason=RuntimeError: the weights are torn"},
    {"max_batch_size=4\nproperty.python.module=broken_load\n"
     "property.python.class=Nameless\n",
     "reason=no inputs: write input.0="},
    {"max_batch_size=4\nproperty.python.module=broken_load\n"
     "property.python.class=Unbatched\n",
     "the first dimension must be -1"},
    {"max_batch_size=4\nproperty.python.module=broken_load\n"
     "property.python.class=Forgetful\n",
     "reason=warm-up with 4 rows: predict must return a dict of arrays, one per "
     "output; got None"},
    {"max_batch_size=4\nproperty.python.module=moody\nproperty.input.0=x UINT8\n",
     "the first dimension must be -1"},
    {"max_batch_size=4\nproperty.python.module=moody\nproperty.input.0=x INT9 -1\n",
     "'x INT9 -1' is not NAME DATATYPE"},
    {"max_batch_size=4\nproperty.python.module=moody\nproperty.python.call=list\n",
     "python.call=list is neither dict nor rows"},
    {"max_batch_size=0\nproperty.python.module=moody\nproperty.python.call=rows\n",
     "python.call=rows needs a model that batches"},
    {"max_batch_size=4\nproperty.python.module=moody\n"
     "property.python.memory.max=1MiB\n",
     "over python.memory.max=1048576"},
    {"max_batch_size=4000\nproperty.python.module=moody\n"
     "property.input.0=x UINT8 -1,400\n",
     "does not fit what is left of the slot's"},
};

Test(python, says_why_a_class_cannot_be_loaded)
{
    struct parent p;
    struct loaded l;
    char lines[1024];
    parent_start_python(&p);
    for (size_t i = 0; i < sizeof not_loadable / sizeof not_loadable[0]; i++) {
        snprintf(lines, sizeof lines, FOLDER "%s", not_loadable[i].lines);
        parent_load(&p, &l, 1, SLOT, lines);
        cr_assert(parent_expect(&p, "failed"), "%s: %s", not_loadable[i].lines,
                  p.message);
        cr_assert_not_null(strstr(p.message, not_loadable[i].reason), "%s", p.message);
        loaded_close(&l);
    }
    parent_load(&p, &l, 1, SLOT, MOODY);
    cr_assert(parent_expect(&p, "loaded"));
    loaded_close(&l);
    parent_stop(&p);
}

/* Has the second of two instances run that row; how the runner ended. */
static int
end_of(char first)
{
    struct parent p;
    struct loaded l;
    struct loaded other;
    start(&p, &l, MOODY);
    parent_load(&p, &other, 4, SLOT, MOODY);
    cr_assert(parent_expect(&p, "loaded"), "%s", p.message);
    expect_right(&l, loaded_slot(&l, 0), 2);
    fill_bytes(loaded_slot(&other, 0), 1, &first);
    loaded_submit(&other, loaded_slot(&other, 0));
    int status = parent_wait_exit(&p);
    loaded_close(&l);
    loaded_close(&other);
    return status;
}

Test(python, ends_as_the_process_of_an_instance_ended)
{
    cr_assert_eq(end_of(3), 1000 + SIGABRT);
    cr_assert_eq(end_of(11), 75);
    cr_assert_eq(end_of(14), 1);
}

Test(python, starts_anew_between_two_batches_when_it_leaks)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, MOODY "property.python.memory.max=200MiB\n");
    struct slot_head *slot = loaded_slot(&l, 0);
    int batches = 0;
    fill_bytes(slot, 1, "\20");
    while (batches < 100 && loaded_run(&l, slot)) {
        cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
        batches++;
        if (parent_is_gone(&p, 200)) {
            break;
        }
    }
    cr_assert_eq(parent_wait_exit(&p), 1);
    cr_assert(batches >= 2 && batches <= 8, "after %d batches", batches);
    loaded_close(&l);
}

Test(python, ends_when_the_socket_closes_though_a_class_hangs)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, MOODY);
    fill_bytes(loaded_slot(&l, 0), 1, "\4");
    loaded_submit(&l, loaded_slot(&l, 0));
    kill(p.child, SIGTERM);
    kill(p.child, SIGINT);
    close(p.control);
    p.control = -1;
    cr_assert_eq(parent_wait_exit(&p), 1);
    loaded_close(&l);
}

Test(python, leaves_no_process_behind_when_it_is_killed)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, MOODY);
    fill_bytes(loaded_slot(&l, 0), 1, "\4");
    loaded_submit(&l, loaded_slot(&l, 0));
    kill(p.child, SIGKILL);
    /* The instance's process holds a copy of the socket: it is closed when all are
     * gone. */
    cr_assert(parent_is_gone(&p, 30000));
    cr_assert_eq(parent_wait_exit(&p), 1000 + SIGKILL);
    loaded_close(&l);
}

Test(python, tells_the_memory_of_its_device_as_the_class_does)
{
    struct parent p;
    struct loaded l;
    parent_start_python(&p);
    parent_load(&p, &l, 1, SLOT,
                FOLDER "max_batch_size=4\nproperty.python.module=broken_load\n"
                       "property.python.class=Greedy\n");
    cr_assert(parent_expect(&p, "failed"), "%s", p.message);
    cr_assert(parent_said(&p, "reason=OutOfMemoryError: the device is full"));
    cr_assert(parent_said(&p, "cause=out_of_memory"), "%s", p.message);
    loaded_close(&l);
    parent_load(&p, &l, 1, SLOT,
                FOLDER "max_batch_size=4\nproperty.python.module=broken_load\n"
                       "property.python.class=Boastful\n");
    cr_assert(parent_expect(&p, "failed"), "%s", p.message);
    cr_assert(
        parent_said(&p, "reason=device_memory has to be a number of bytes, not 'much'"),
        "%s", p.message);
    cr_assert_null(strstr(p.message, "cause="));
    loaded_close(&l);
    parent_load(&p, &l, 1, SLOT, MOODY);
    cr_assert(parent_expect(&p, "loaded"), "%s", p.message);
    cr_assert(parent_said(&p, "memory=3221225472"), "%s", p.message);
    loaded_close(&l);
    parent_stop(&p);
}
