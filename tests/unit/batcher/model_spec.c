/* SPDX-License-Identifier: Apache-2.0 */
/* What a runner says of a model, read with suspicion. */
#include "batcher/model_spec.h"

#include <criterion/criterion.h>

#include <string.h>

static enum status
read_spec(const char *message, struct model_spec *spec, struct arena *arena)
{
    struct fault fault = {.text = ""};
    return model_spec_read(spec, span_of_text(message), arena, &fault);
}

Test(model_spec, reads_tensors_in_their_order)
{
    struct arena arena;
    struct model_spec spec = {.max_batch_size = 64};
    arena_init(&arena, 1 << 16);
    cr_assert_eq(read_spec("type=loaded\ninstance=0\nplatform=dense\n"
                           "input=pixels FP32 -1,64\ninput=mask BOOL -1,-1\n"
                           "output=probabilities FP32 -1,10\n",
                           &spec, &arena),
                 STATUS_OK);
    cr_assert_eq(spec.input_count, 2);
    cr_assert(span_is_text(spec.inputs[1].name, "mask"));
    cr_assert_eq(spec.inputs[1].datatype, DATATYPE_BOOL);
    cr_assert_eq(spec.inputs[0].shape[1], 64);
    cr_assert_eq(spec.inputs[1].shape[1], -1);
    cr_assert_eq(model_spec_output_bytes(&spec), 40);
    cr_assert_eq(model_spec_rows_max(&spec), 64);
    arena_fini(&arena);
}

Test(model_spec, takes_a_scalar_without_dimensions)
{
    struct arena arena;
    struct model_spec spec = {0};
    arena_init(&arena, 1 << 16);
    cr_assert_eq(read_spec("input=x FP32\noutput=y FP64 ", &spec, &arena), STATUS_OK);
    cr_assert_eq(spec.inputs[0].rank, 0);
    cr_assert_eq(spec.outputs[0].rank, 0);
    cr_assert_eq(model_spec_rows_max(&spec), 1);
    arena_fini(&arena);
}

Test(model_spec, refuses_lines_that_are_no_tensor)
{
    static const char *const wrong[] = {
        "",
        "input=x FP32 -1,4\n",
        "output=x FP32 -1,4\n",
        "input=x FP31 4\noutput=y FP32 4\n",
        "input= FP32 4\noutput=y FP32 4\n",
        "input=x FP32 -2,4\noutput=y FP32 4\n",
        "input=x FP32 4,,4\noutput=y FP32 4\n",
        "input=x FP32 4x\noutput=y FP32 4\n",
        "input=x FP32 99999999999999999999\noutput=y FP32 4\n",
        "input=x FP32 1,1,1,1,1,1,1,1,1\noutput=y FP32 4\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct arena arena;
        struct model_spec spec = {0};
        arena_init(&arena, 1 << 16);
        cr_assert_neq(read_spec(wrong[i], &spec, &arena), STATUS_OK, "%s", wrong[i]);
        arena_fini(&arena);
    }
}

Test(model_spec, finds_the_value_of_a_key_of_a_control_message)
{
    struct span m = span_of_text("type=failed\ninstance=3\nreason=a=b c\nempty=");
    cr_assert(span_is_text(control_value(m, "type"), "failed"));
    cr_assert(span_is_text(control_value(m, "reason"), "a=b c"));
    cr_assert_eq(control_value(m, "empty").size, 0);
    cr_assert_null(control_value(m, "reas").data);
    cr_assert_null(control_value(m, "none").data);
}

Test(model_spec, reads_the_costs_that_are_numbers_and_skips_the_others)
{
    struct span message = span_of_text("type=loaded\ncost=1 20 300\ncost=2 x 3\n"
                                       "cost=0 1 1\ncost=4 5\ncost=4 5 6 7\n"
                                       "cost=99999 1 1\ncost=4  6\n"
                                       "cost=8 0 99999999999999999999\n"
                                       "input=x FP32 -1,4\ncost=64 7 800");
    struct model_cost cost;
    cr_assert(model_spec_next_cost(&message, &cost));
    cr_assert_eq(cost.rows, 1);
    cr_assert_eq(cost.prepare_ns, 20);
    cr_assert_eq(cost.run_ns, 300);
    cr_assert(model_spec_next_cost(&message, &cost));
    cr_assert_eq(cost.rows, 64);
    cr_assert_eq(cost.prepare_ns, 7);
    cr_assert_eq(cost.run_ns, 800);
    cr_assert_not(model_spec_next_cost(&message, &cost));
}

Test(model_spec, reads_the_memory_of_an_instance)
{
    const struct {
        const char *message;
        int64_t bytes;
    } cases[] = {{"type=loaded\nmemory=4096\n", 4096},
                 {"type=loaded\n", 0},
                 {"memory=\n", 0},
                 {"memory=-1\n", 0},
                 {"memory=12 MiB\n", 0},
                 {"memory=99999999999999999999\n", 0},
                 {"memory=999999999999999999\n", INT64_C(1) << 50}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(model_spec_memory(span_of_text(cases[i].message)), cases[i].bytes,
                     "%s", cases[i].message);
    }
}

static bool
covers(const char *to, uint32_t to_rows, const char *from, uint32_t from_rows)
{
    struct arena arena;
    struct model_spec new = {.max_batch_size = to_rows};
    struct model_spec old = {.max_batch_size = from_rows};
    arena_init(&arena, 1 << 16);
    cr_assert_eq(read_spec(to, &new, &arena), STATUS_OK);
    cr_assert_eq(read_spec(from, &old, &arena), STATUS_OK);
    bool result = model_spec_covers(&new, &old);
    arena_fini(&arena);
    return result;
}

Test(model_spec, covers_another_of_the_same_tensors_and_no_larger_batches)
{
    static const char spec[] = "input=x FP32 -1,4\noutput=y FP32 -1,2\n";
    cr_assert(covers(spec, 8, spec, 8));
    cr_assert(covers(spec, 16, spec, 8));
    cr_assert_not(covers(spec, 4, spec, 8));
    cr_assert_not(covers(spec, 0, spec, 8));
    cr_assert_not(covers("input=x FP16 -1,4\noutput=y FP32 -1,2\n", 8, spec, 8));
    cr_assert_not(covers("input=x FP32 -1,5\noutput=y FP32 -1,2\n", 8, spec, 8));
    cr_assert_not(covers("input=z FP32 -1,4\noutput=y FP32 -1,2\n", 8, spec, 8));
    cr_assert_not(covers("input=x FP32 -1,4\noutput=y FP32 -1,2\noutput=z FP32 -1,2\n",
                         8, spec, 8));
}
