/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps behind the model, in the real leat-runner; and models and steps that do not fit
 * each other.
 */
#include "steps_side.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

static void
run_values(struct loaded *l,
           struct slot_head *slot,
           const float *values,
           uint32_t rows,
           uint32_t width)
{
    int64_t shape[] = {rows, width};
    slot_begin(slot, rows);
    slot_add(slot, "x", DATATYPE_FP32, shape, 2, values,
             (size_t)rows * width * sizeof *values);
    cr_assert(loaded_run(l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
}

Test(steps, compute_softmax_without_overflow)
{
    static const float values[] = {1, 2, 3, -1000, 1000, 999, 0, 0, 0};
    struct parent p;
    struct loaded l;
    steps_start(&p, &l,
                STEPS_ECHO
                "property.steps=model softmax\nproperty.input.0=x FP32 -1,3\n");
    cr_assert(parent_said(&p, "input=x FP32 -1,3"));
    cr_assert(parent_said(&p, "output=x FP32 -1,3"));
    struct slot_head *slot = loaded_slot(&l, 0);
    run_values(&l, slot, values, 3, 3);
    const float *y = steps_output(slot, 0, "x");
    for (size_t row = 0; row < 3; row++) {
        const float *x = values + 3 * row;
        double most = fmax((double)x[0], fmax((double)x[1], (double)x[2]));
        double sum = 0.0;
        for (size_t i = 0; i < 3; i++) {
            sum += exp((double)x[i] - most);
        }
        for (size_t i = 0; i < 3; i++) {
            double want = exp((double)x[i] - most) / sum;
            cr_assert_float_eq((double)y[3 * row + i], want, 1e-6);
        }
    }
    steps_stop(&p, &l);
}

Test(steps, rank_values_the_first_of_equals_before_the_others_and_NaN_first)
{
    static const float values[] = {5, 7, 7,      1,   9, /**/ 0, 0, 0,
                                   0, 0, /**/ 3, NAN, 8, 2,      1};
    static const int32_t want[] = {4, 1, 2, 0, 1, 2, 1, 2, 0};
    struct parent p;
    struct loaded l;
    steps_start(&p, &l,
                STEPS_ECHO
                "property.steps=model topk:3\nproperty.input.0=x FP32 -1,5\n");
    cr_assert(!parent_said(&p, "output=label BYTES -1,3"));
    struct slot_head *slot = loaded_slot(&l, 0);
    run_values(&l, slot, values, 3, 5);
    const float *score = steps_output(slot, 0, "score");
    const int32_t *index = steps_output(slot, 1, "index");
    for (size_t i = 0; i < 9; i++) {
        cr_assert_eq(index[i], want[i]);
        float value = values[i / 3 * 5 + (size_t)index[i]];
        cr_assert(score[i] == value || (isnan(value) && isnan(score[i])));
    }
    steps_stop(&p, &l);
}

Test(steps, pass_on_what_the_model_says_of_rows_batches_and_stages)
{
    struct parent p;
    struct loaded l;
    steps_start(
        &p, &l,
        "platform=sim\nmax_batch_size=8\nproperty.input.0=x UINT8 -1,4\n"
        "property.steps=model\nproperty.sim.reject.on=01\nproperty.sim.fail.on=02\n"
        "property.sim.decode=2ms\nproperty.sim.memory.rows=7\n");
    struct slot_head *slot = loaded_slot(&l, 0);
    fill_bytes(slot, 3, "a\1b");
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    cr_assert_geq(slot->prepared_ns - slot->taken_ns, 2000000);
    cr_assert(slot->row_failed[0] == 0 && slot->row_failed[1] == SLOT_ROW_FAILED);
    cr_assert_str_eq(row_error(slot, 1), "sim.reject.on met in row 1");
    fill_bytes(slot, 2, "\2b");
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_FAILED);
    cr_assert_not_null(strstr(slot->error, "sim.fail.on"));
    steps_stop(&p, &l);
}

static void
expect_refused_load(const char *lines, const char *words)
{
    struct parent p;
    struct loaded l;
    steps_send_load(&p, &l, lines);
    cr_assert(parent_expect(&p, "failed"), "%s: %s", lines, p.message);
    cr_assert_not_null(strstr(p.message, words), "%s: %s", lines, p.message);
    steps_stop(&p, &l);
}

Test(steps, that_do_not_fit_the_model_fail_its_load_in_words)
{
    expect_refused_load(STEPS_DIGITS "property.steps=decode resize:8 model\n",
                        "reason=steps: 'resize:8': expected resize:WIDTHxHEIGHT");
    expect_refused_load(STEPS_DIGITS "property.steps=decode resize:8x8 model\n",
                        "images of 8x8 with 3 channels, which does not fit the "
                        "model's input pixels FP32 -1,64");
    expect_refused_load(STEPS_DIGITS "property.steps=model topk:11\n",
                        "topk:11 of an output of 10 values");
    expect_refused_load(STEPS_DIGITS "property.steps=model topk:2\n"
                                     "property.labels=../../../../bench/run\n",
                        "lines, the model's output 10 values a row");
    expect_refused_load(STEPS_DIGITS
                        "property.steps=model topk:2\nproperty.labels=none.txt\n",
                        "none.txt: No such file");
    expect_refused_load(STEPS_ECHO
                        "property.steps=decode resize:8x8 normalize:mean=1 model\n"
                        "property.input.0=x UINT8 -1,8,8,3\n",
                        "without normalize, UINT8");
    expect_refused_load(STEPS_ECHO "property.steps=decode resize:8x8 model\n"
                                   "property.input.0=x INT32 -1,8,8,3\n",
                        "is INT32");
    expect_refused_load(STEPS_ECHO
                        "property.steps=decode resize:8x8 layout:nchw model\n"
                        "property.input.0=x UINT8 -1,8,8,3\n",
                        "does not fit");
    expect_refused_load(STEPS_ECHO
                        "property.steps=decode resize:8x8 model\n"
                        "property.input.0=x FP32 -1,8\nproperty.input.1=y FP32 -1\n",
                        "models of one input, this one has 2");
    expect_refused_load(STEPS_ECHO
                        "property.steps=model softmax\n"
                        "property.input.0=x FP32 -1,8\nproperty.input.1=y FP32 -1\n",
                        "models of one output, this one has 2");
    expect_refused_load(STEPS_ECHO "property.steps=model softmax\n"
                                   "property.input.0=x FP32 -1,-1\n",
                        "of a known size");
    expect_refused_load("platform=none\nmax_batch_size=4\nproperty.steps=model\n",
                        "platform=none");
}
