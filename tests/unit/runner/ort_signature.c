/* SPDX-License-Identifier: Apache-2.0 */
/* What model.properties and a file say of the same model, without ONNX Runtime. */
#include "runner/ort_signature.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

struct written {
    struct ort_signature file;
    struct model model;
    struct fault fault;
};

static void
declare(struct ort_side *side, const char *text)
{
    struct ort_declared *d = &side->tensors[side->count++];
    cr_assert_eq(model_tensor_parse(text, &d->tensor, NULL), STATUS_OK, "%s", text);
}

/* A file x FP32 FIRST,784 -> y FP32 FIRST,10 and a model of so many rows. */
static void
begin(struct written *w, const char *first, uint32_t max_batch_size)
{
    char text[64];
    memset(w, 0, sizeof *w);
    w->file.outputs.shapes_may_be_unsaid = true;
    w->model.max_batch_size = max_batch_size;
    snprintf(text, sizeof text, "x FP32 %s,784", first);
    declare(&w->file.inputs, text);
    snprintf(text, sizeof text, "y FP32 %s,10", first);
    declare(&w->file.outputs, text);
}

static void
write_input(struct written *w, const char *text)
{
    struct model_tensor *t = &w->model.inputs[w->model.input_count++];
    cr_assert_eq(model_tensor_parse(text, t, NULL), STATUS_OK, "%s", text);
}

static void
write_output(struct written *w, const char *text)
{
    struct model_tensor *t = &w->model.outputs[w->model.output_count++];
    cr_assert_eq(model_tensor_parse(text, t, NULL), STATUS_OK, "%s", text);
}

static enum status
settle(struct written *w)
{
    return ort_signature_settle(&w->file, &w->model, &w->fault);
}

Test(ort_signature, takes_the_file_s_tensors_where_nothing_is_written)
{
    struct written w;
    begin(&w, "-1", 8);
    cr_assert_eq(settle(&w), STATUS_OK, "%s", w.fault.text);
    cr_assert_eq(w.model.input_count, 1);
    cr_assert_str_eq(w.model.inputs[0].name, "x");
    cr_assert_eq(w.model.outputs[0].shape[1], 10);
    cr_assert_eq(w.file.fixed_rows, 0);
}

Test(ort_signature, shows_a_fixed_number_of_rows_as_any_up_to_it)
{
    struct written w;
    begin(&w, "16", 16);
    cr_assert_eq(settle(&w), STATUS_OK, "%s", w.fault.text);
    cr_assert_eq(w.file.fixed_rows, 16);
    cr_assert_eq(w.model.inputs[0].shape[0], -1);
    cr_assert_eq(w.model.outputs[0].shape[0], -1);
    begin(&w, "16", 17);
    cr_assert_eq(settle(&w), STATUS_INVALID);
    begin(&w, "16", 0);
    cr_assert_eq(settle(&w), STATUS_OK);
    cr_assert_eq(w.model.inputs[0].shape[0], 16);
}

Test(ort_signature, lets_what_is_written_narrow_the_file_but_not_widen_it)
{
    struct written w;
    begin(&w, "-1", 8);
    w.file.inputs.tensors[0].tensor.shape[1] = -1;
    write_input(&w, "x FP32 -1,784");
    cr_assert_eq(settle(&w), STATUS_OK, "%s", w.fault.text);
    cr_assert_eq(w.model.inputs[0].shape[1], 784);
    begin(&w, "-1", 8);
    write_input(&w, "x FP32 -1,-1");
    cr_assert_eq(settle(&w), STATUS_INVALID);
    cr_assert_str_eq(w.fault.text,
                     "input.0=x FP32 -1,-1 does not fit the model's input x "
                     "FP32 -1,784");
}

Test(ort_signature, says_both_sides_where_they_differ)
{
    static const struct {
        const char *written;
        const char *said;
    } cases[] = {
        {"x FP32 -1,64",
         "input.0=x FP32 -1,64 does not fit the model's input x FP32 -1,784"},
        {"x INT8 -1,784",
         "input.0=x INT8 -1,784 does not fit the model's input x FP32 -1,784"},
        {"x FP32 -1", "input.0=x FP32 -1 does not fit the model's input x FP32 -1,784"},
        {"z FP32 -1,784", "input.0=z FP32 -1,784: the model has no such input; its "
                          "first is x FP32 -1,784"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct written w;
        begin(&w, "-1", 8);
        write_input(&w, cases[i].written);
        cr_assert_eq(settle(&w), STATUS_INVALID);
        cr_assert_str_eq(w.fault.text, cases[i].said);
    }
}

Test(ort_signature, wants_every_input_but_only_the_outputs_that_are_written)
{
    struct written w;
    begin(&w, "-1", 8);
    declare(&w.file.inputs, "mask INT64 -1,784");
    declare(&w.file.outputs, "z FP32 -1,3");
    write_input(&w, "x FP32 -1,784");
    write_output(&w, "z FP32 -1,3");
    cr_assert_eq(settle(&w), STATUS_INVALID);
    cr_assert_str_eq(w.fault.text,
                     "the model also wants input mask INT64 -1,784; write all "
                     "inputs or none");
    write_input(&w, "mask INT64 -1,784");
    cr_assert_eq(settle(&w), STATUS_OK, "%s", w.fault.text);
    cr_assert_eq(w.model.output_count, 1);
    cr_assert_str_eq(w.model.outputs[0].name, "z");
}

Test(ort_signature, refuses_to_batch_what_has_no_batch_dimension)
{
    struct written w;
    begin(&w, "-1", 8);
    declare(&w.file.inputs, "rate INT64");
    cr_assert_eq(settle(&w), STATUS_INVALID);
    cr_assert_not_null(strstr(w.fault.text, "input rate INT64 has no batch dimension"));
    begin(&w, "4", 4);
    declare(&w.file.inputs, "state FP32 2,4,128");
    cr_assert_eq(settle(&w), STATUS_INVALID);
    cr_assert_not_null(strstr(w.fault.text, "is not the 4 of the others"));
    begin(&w, "-1", 8);
    declare(&w.file.outputs, "mean FP32 1,10");
    cr_assert_eq(settle(&w), STATUS_INVALID);
    cr_assert_not_null(
        strstr(w.fault.text, "its first dimension is not that of a batch"));
}

Test(ort_signature, takes_the_shape_of_an_output_that_the_file_leaves_open)
{
    struct written w;
    begin(&w, "-1", 8);
    w.file.outputs.tensors[0].tensor.rank = 0;
    cr_assert_eq(settle(&w), STATUS_INVALID);
    begin(&w, "-1", 8);
    w.file.outputs.tensors[0].tensor.rank = 0;
    write_output(&w, "y FP32 -1,10");
    cr_assert_eq(settle(&w), STATUS_OK, "%s", w.fault.text);
    cr_assert_eq(w.model.outputs[0].shape[1], 10);
}

Test(ort_signature, says_why_a_tensor_cannot_be_served)
{
    struct written w;
    begin(&w, "-1", 8);
    snprintf(w.file.outputs.tensors[0].unusable,
             sizeof w.file.outputs.tensors[0].unusable, "is a sequence");
    cr_assert_eq(settle(&w), STATUS_UNSUPPORTED);
    cr_assert_str_eq(w.fault.text, "the model's output y is a sequence");
}
