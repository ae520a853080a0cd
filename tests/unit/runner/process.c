/* SPDX-License-Identifier: Apache-2.0 */
/* The program leat-runner from outside: the protocol, its ends and its bad days. */
#include "base/clock.h"
#include "parent.h"
#include "runner/sim_hash.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOT ((uint64_t)256 * 1024)
#define ECHO "platform=echo\nmax_batch_size=8\nproperty.input.0=x FP32 -1,4\n"
#define POISON                                                                         \
    "platform=sim\nmax_batch_size=8\nproperty.input.0=x UINT8 -1,4\n"                  \
    "property.sim.reject.on=01\nproperty.sim.fail.on=02\nproperty.sim.crash.on=03\n"   \
    "property.sim.hang.on=04\nproperty.sim.lose.on=05\nproperty.sim.memory.rows=4\n"

static void
fill_echo(struct slot_head *slot, uint32_t rows, float first)
{
    float values[8][4];
    for (size_t i = 0; i < 32; i++) {
        values[i / 4][i % 4] = first + (float)i;
    }
    int64_t shape[] = {rows, 4};
    slot_begin(slot, rows);
    slot_add(slot, "x", DATATYPE_FP32, shape, 2, values, rows * sizeof values[0]);
}

Test(process, says_hello_and_its_backends_and_stops_with_0)
{
    struct parent p;
    parent_start(&p);
    cr_assert(parent_said(&p, "version=1"));
    cr_assert(parent_said(&p, "backends=dense,sim,echo,onnxruntime,plugin"));
    parent_stop(&p);
}

Test(process, lays_a_slot_out_as_the_document_says)
{
    cr_assert_eq(offsetof(struct slot_head, inputs_end), 32);
    cr_assert_eq(offsetof(struct slot_head, taken_ns), 40);
    cr_assert_eq(offsetof(struct slot_head, prepared_ns), 48);
    cr_assert_eq(offsetof(struct slot_head, started_ns), 56);
    cr_assert_eq(offsetof(struct slot_head, completed_ns), 64);
    cr_assert_eq(offsetof(struct slot_head, error), 72);
    cr_assert_eq(offsetof(struct slot_head, row_failed), 328);
    cr_assert_eq(offsetof(struct slot_head, inputs), 4424);
    cr_assert_eq(offsetof(struct slot_head, outputs), 9288);
    cr_assert_eq(SLOT_DATA_OFFSET, 14208);
    cr_assert_eq(sizeof(struct slot_tensor), 152);
    cr_assert_eq(offsetof(struct slot_tensor, offset), 136);
}

Test(process, loads_echoes_and_unloads)
{
    struct parent p;
    struct loaded l;
    parent_start(&p);
    parent_load(&p, &l, 3, SLOT, ECHO);
    cr_assert(parent_expect(&p, "loaded"));
    cr_assert(parent_said(&p, "instance=3"));
    cr_assert(parent_said(&p, "input=x FP32 -1,4"));
    cr_assert(parent_said(&p, "output=x FP32 -1,4"));

    struct slot_head *slot = loaded_slot(&l, 0);
    fill_echo(slot, 5, 1.0F);
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED);
    cr_assert_eq(slot->output_count, 1);
    cr_assert_eq(slot->outputs[0].shape[0], 5);
    cr_assert_geq(slot->outputs[0].offset, slot->inputs_end);
    cr_assert_eq(memcmp(slot_bytes_at(slot, slot->outputs[0].offset),
                        slot_bytes_at(slot, SLOT_DATA_OFFSET), 80),
                 0);
    cr_assert_leq(slot->started_ns, slot->completed_ns);

    parent_send(&p, "type=unload\ninstance=3\n");
    cr_assert(parent_expect(&p, "unloaded"));
    loaded_close(&l);
    parent_load(&p, &l, 3, SLOT, ECHO);
    cr_assert(parent_expect(&p, "loaded"));
    loaded_close(&l);
    parent_stop(&p);
}

Test(process, runs_all_three_slots_in_the_order_of_their_sequence)
{
    struct parent p;
    struct loaded l;
    parent_start(&p);
    parent_load(&p, &l, 0, SLOT, POISON "property.sim.alpha=3ms\n");
    cr_assert(parent_expect(&p, "loaded"));
    for (int round = 0; round < 5; round++) {
        static const unsigned order[] = {2, 0, 1};
        for (size_t i = 0; i < 3; i++) {
            fill_bytes(loaded_slot(&l, order[i]), 4, "abcd");
            loaded_submit(&l, loaded_slot(&l, order[i]));
        }
        cr_assert(loaded_wait(&l, 3));
        for (size_t i = 1; i < 3; i++) {
            cr_assert_leq(loaded_slot(&l, order[i - 1])->completed_ns,
                          loaded_slot(&l, order[i])->started_ns);
        }
        const struct slot_head *first = loaded_slot(&l, 2);
        cr_assert_geq(first->completed_ns - first->started_ns, 3 * NS_PER_MS);
    }
    loaded_close(&l);
    parent_stop(&p);
}

Test(process, answers_with_the_hash_of_each_row)
{
    struct parent p;
    struct loaded l;
    parent_start(&p);
    parent_load(&p, &l, 0, SLOT, POISON);
    cr_assert(parent_expect(&p, "loaded"));
    cr_assert(parent_said(&p, "output=hash UINT64 -1,1"));
    struct slot_head *slot = loaded_slot(&l, 1);
    fill_bytes(slot, 4, "wxyz");
    cr_assert(loaded_run(&l, slot));
    const uint64_t *hashes = slot_bytes_at(slot, slot->outputs[0].offset);
    for (uint8_t i = 0; i < 4; i++) {
        uint8_t row[] = {(uint8_t)("wxyz"[i]), 0, 0, i};
        cr_assert_eq(hashes[i], sim_hash(span_of(row, sizeof row)));
    }
    loaded_close(&l);
    parent_stop(&p);
}

Test(process, reports_a_bad_row_a_bad_batch_and_no_memory_and_goes_on)
{
    struct parent p;
    struct loaded l;
    parent_start(&p);
    parent_load(&p, &l, 0, SLOT, POISON);
    cr_assert(parent_expect(&p, "loaded"));
    struct slot_head *slot = loaded_slot(&l, 0);
    fill_bytes(slot, 3, "a\1b");
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED);
    cr_assert(slot->row_failed[0] == 0 && slot->row_failed[1] == 1 &&
              slot->row_failed[2] == 0);
    cr_assert_str_eq(row_error(slot, 0), "");
    cr_assert_str_eq(row_error(slot, 1), "sim.reject.on met in row 1");
    fill_bytes(slot, 3, "a\2b");
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_FAILED);
    cr_assert_neq(slot->error[0], '\0');
    fill_bytes(slot, 5, "abcde");
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_OUT_OF_MEMORY);
    fill_bytes(slot, 3, "abc");
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED);
    cr_assert(slot->row_failed[1] == 0 && slot->error[0] == '\0');
    cr_assert_eq(slot->row_errors, 0);
    loaded_close(&l);
    parent_stop(&p);
}

Test(process, dies_of_a_crashing_row_and_leaves_the_slot_running)
{
    struct parent p;
    struct loaded l;
    parent_start(&p);
    parent_load(&p, &l, 0, SLOT, POISON);
    cr_assert(parent_expect(&p, "loaded"));
    fill_bytes(loaded_slot(&l, 0), 2, "a\3");
    loaded_submit(&l, loaded_slot(&l, 0));
    cr_assert_eq(parent_wait_exit(&p), 1000 + SIGABRT);
    cr_assert_eq(atomic_load(&loaded_slot(&l, 0)->state), SLOT_RUNNING);
    loaded_close(&l);
}

Test(process, exits_75_after_saying_that_the_device_is_lost)
{
    struct parent p;
    struct loaded l;
    parent_start(&p);
    parent_load(&p, &l, 0, SLOT, POISON);
    cr_assert(parent_expect(&p, "loaded"));
    fill_bytes(loaded_slot(&l, 0), 1, "\5");
    cr_assert(loaded_run(&l, loaded_slot(&l, 0)));
    cr_assert_eq(loaded_slot(&l, 0)->outcome, SLOT_DEVICE_LOST);
    cr_assert_eq(parent_wait_exit(&p), 75);
    loaded_close(&l);
}

Test(process, exits_when_the_parent_is_gone_though_a_model_hangs)
{
    struct parent p;
    struct loaded l;
    parent_start(&p);
    parent_load(&p, &l, 0, SLOT, POISON);
    cr_assert(parent_expect(&p, "loaded"));
    fill_bytes(loaded_slot(&l, 0), 1, "\4");
    loaded_submit(&l, loaded_slot(&l, 0));
    close(p.control);
    p.control = -1;
    cr_assert_eq(parent_wait_exit(&p), 1);
    loaded_close(&l);
}

Test(process, ignores_signals_meant_for_the_whole_group)
{
    struct parent p;
    struct loaded l;
    parent_start(&p);
    cr_assert_eq(kill(p.child, SIGTERM), 0);
    cr_assert_eq(kill(p.child, SIGINT), 0);
    parent_load(&p, &l, 0, SLOT, ECHO);
    cr_assert(parent_expect(&p, "loaded"));
    loaded_close(&l);
    parent_stop(&p);
}

Test(process, keeps_other_instances_running_while_one_hangs)
{
    struct parent p;
    struct loaded hung;
    struct loaded fine;
    parent_start(&p);
    parent_load(&p, &hung, 1, SLOT, POISON);
    cr_assert(parent_expect(&p, "loaded"));
    fill_bytes(loaded_slot(&hung, 0), 1, "\4");
    loaded_submit(&hung, loaded_slot(&hung, 0));
    parent_load(&p, &fine, 2, SLOT, ECHO);
    cr_assert(parent_expect(&p, "loaded"));
    fill_echo(loaded_slot(&fine, 0), 1, 0.0F);
    cr_assert(loaded_run(&fine, loaded_slot(&fine, 0)));
    cr_assert_eq(kill(p.child, SIGKILL), 0);
    cr_assert_eq(parent_wait_exit(&p), 1000 + SIGKILL);
    loaded_close(&hung);
    loaded_close(&fine);
}

Test(process, runs_what_is_filled_before_it_stops)
{
    struct parent p;
    struct loaded l;
    parent_start(&p);
    parent_load(&p, &l, 0, SLOT, POISON "property.sim.alpha=20ms\n");
    cr_assert(parent_expect(&p, "loaded"));
    for (unsigned i = 0; i < 3; i++) {
        fill_bytes(loaded_slot(&l, i), 1, "a");
        loaded_submit(&l, loaded_slot(&l, i));
    }
    parent_stop(&p);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(atomic_load(&loaded_slot(&l, i)->state), SLOT_DONE);
    }
    loaded_close(&l);
}

static void
expect_load_failure(const char *lines, uint64_t slot_bytes, const char *part)
{
    struct parent p;
    struct loaded l;
    parent_start(&p);
    parent_load(&p, &l, 9, slot_bytes, lines);
    cr_assert(parent_expect(&p, "failed"), "%s", p.message);
    cr_assert(parent_said(&p, "instance=9"));
    cr_assert_not_null(strstr(p.message, part), "%s", p.message);
    loaded_close(&l);
    parent_load(&p, &l, 9, SLOT, ECHO); /* the number is free again */
    cr_assert(parent_expect(&p, "loaded"));
    loaded_close(&l);
    parent_stop(&p);
}

Test(process, says_why_a_load_failed)
{
    expect_load_failure("platform=onnx\n", SLOT, "platform=onnx");
    expect_load_failure("platform=echo\n", SLOT, "input.0");
    expect_load_failure(ECHO, SLOT + 1, "multiple of 64");
    expect_load_failure(ECHO, 64, "slot_bytes=64");
    expect_load_failure("platform=dense\ndir=/nonexistent\nproperty.layers=a\n", SLOT,
                        "/nonexistent");
    expect_load_failure("platform=echo\nmax_batch_size=4096\n"
                        "property.input.0=x FP32 -1,1000\n",
                        SLOT, "do not fit a slot");
    expect_load_failure("platform=echo\nmax_batch_size=4\nproperty.input.0=x FP32 4\n",
                        SLOT, "must be -1");
    expect_load_failure("platform=sim\nproperty.input.0=x UINT8 4\n"
                        "property.sim.alpha=5 minutes\n",
                        SLOT, "sim.alpha=5 minutes");
    expect_load_failure("platform=sim\nproperty.input.0=x UINT8 4\n"
                        "property.sim.decode=soon\n",
                        SLOT, "sim.decode=soon");
    expect_load_failure("platform=sim\nproperty.input.0=x UINT8 4\n"
                        "property.sim.output=fp64\n",
                        SLOT, "sim.output=fp64");
    expect_load_failure("platform=sim\nproperty.input.0=x UINT8 4\n"
                        "property.sim.nan.on=01\n",
                        SLOT, "sim.nan.on");
    expect_load_failure(ECHO "property.batch.buckets=4,2\n", SLOT,
                        "batch.buckets=4,2: expected ascending");
}

Test(process, survives_messages_that_are_none)
{
    struct parent p;
    parent_start(&p);
    parent_send(&p, "no equals sign\n");
    parent_send(&p, "type=dance\n");
    parent_send(&p, "type=load\ninstance=5\nplatform=echo\nslot_bytes=65536\n");
    cr_assert(parent_expect(&p, "failed"));
    parent_send(&p, "type=unload\ninstance=77\n");
    cr_assert(parent_expect(&p, "unloaded"));
    parent_send(&p, "type=load\ninstance=minus\n");
    parent_stop(&p);
}

typedef void (*lie_fn)(struct slot_head *slot, struct slot_tensor *t);

static void
lie_too_many_rows(struct slot_head *slot, struct slot_tensor *t)
{
    (void)t;
    slot->rows = 9;
}

static void
lie_no_rows(struct slot_head *slot, struct slot_tensor *t)
{
    (void)t;
    slot->rows = 0;
}

static void
lie_size(struct slot_head *slot, struct slot_tensor *t)
{
    (void)slot;
    t->size = UINT64_MAX;
}

static void
lie_offset_overflows(struct slot_head *slot, struct slot_tensor *t)
{
    (void)slot;
    t->offset = UINT64_MAX - 63;
}

static void
lie_offset_in_head(struct slot_head *slot, struct slot_tensor *t)
{
    (void)slot;
    t->offset = 0;
}

static void
lie_shape(struct slot_head *slot, struct slot_tensor *t)
{
    (void)slot;
    t->shape[1] = INT64_MAX;
}

static void
lie_rank(struct slot_head *slot, struct slot_tensor *t)
{
    (void)slot;
    t->rank = 4000;
}

static void
lie_endless_name(struct slot_head *slot, struct slot_tensor *t)
{
    (void)slot;
    memset(t->name, 'x', sizeof t->name);
}

static void
lie_inputs_end(struct slot_head *slot, struct slot_tensor *t)
{
    (void)t;
    slot->inputs_end = SLOT + 64;
}

static void
lie_input_count(struct slot_head *slot, struct slot_tensor *t)
{
    (void)t;
    slot->input_count = 4000;
}

Test(process, refuses_slots_whose_numbers_lie)
{
    static const lie_fn lies[] = {
        lie_too_many_rows,  lie_no_rows,    lie_size, lie_offset_overflows,
        lie_offset_in_head, lie_shape,      lie_rank, lie_endless_name,
        lie_inputs_end,     lie_input_count};
    struct parent p;
    struct loaded l;
    parent_start(&p);
    parent_load(&p, &l, 0, SLOT, ECHO);
    cr_assert(parent_expect(&p, "loaded"));
    struct slot_head *slot = loaded_slot(&l, 0);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        fill_echo(slot, 2, 0.0F);
        lies[i](slot, &slot->inputs[0]);
        cr_assert(loaded_run(&l, slot));
        cr_assert_eq(slot->outcome, SLOT_FAILED, "lie %zu", i);
        cr_assert_neq(slot->error[0], '\0');
    }
    fill_echo(slot, 2, 0.0F);
    slot->inputs_end = SLOT; /* no room for the answer */
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_FAILED);
    fill_echo(slot, 2, 0.0F);
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED);
    loaded_close(&l);
    parent_stop(&p);
}

static int
by_size(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

/* The bar is 20 us; the test asserts what a loaded machine of two cores still keeps. */
Test(process, hands_a_batch_over_and_back_in_microseconds)
{
    enum { BATCHES = 1000 };
    static int64_t took[BATCHES];
    struct parent p;
    struct loaded l;
    parent_start(&p);
    parent_load(&p, &l, 0, SLOT, ECHO);
    cr_assert(parent_expect(&p, "loaded"));
    fill_echo(loaded_slot(&l, 0), 8, 0.0F);
    for (size_t i = 0; i < BATCHES; i++) {
        int64_t from = clock_mono_ns();
        cr_assert(loaded_run(&l, loaded_slot(&l, 0)));
        took[i] = clock_mono_ns() - from;
    }
    qsort(took, BATCHES, sizeof took[0], by_size);
    cr_log_info("hand-over and back: p50 %.1f us, p99 %.1f us",
                (double)took[BATCHES / 2] / 1e3,
                (double)took[BATCHES * 99 / 100] / 1e3);
    cr_assert_lt(took[BATCHES / 2], 5 * NS_PER_MS);
    loaded_close(&l);
    parent_stop(&p);
}
