/* SPDX-License-Identifier: Apache-2.0 */
/* Requests against models: what fits, and the words for what does not. */
#include "schemas/oip.h"

#include <criterion/criterion.h>

static const struct tensor_spec inputs[] = {
    {.name = {(const uint8_t *)"image", 5},
     .datatype = DATATYPE_FP32,
     .rank = 2,
     .shape = {-1, 64}},
    {.name = {(const uint8_t *)"ids", 3},
     .datatype = DATATYPE_INT64,
     .rank = 2,
     .shape = {-1, -1}},
};
static const struct tensor_spec outputs[] = {
    {.name = {(const uint8_t *)"scores", 6},
     .datatype = DATATYPE_FP32,
     .rank = 2,
     .shape = {-1, 10}},
};

static struct model_info
sample_model(int32_t max_batch_size)
{
    return (struct model_info){.inputs = inputs,
                               .input_count = 2,
                               .outputs = outputs,
                               .output_count = 1,
                               .max_batch_size = max_batch_size};
}

static struct tensor
image(int64_t rows)
{
    return (struct tensor){.name = span_of_text("image"),
                           .datatype = DATATYPE_FP32,
                           .rank = 2,
                           .shape = {rows, 64}};
}

static struct tensor
ids(int64_t rows, int64_t columns)
{
    return (struct tensor){.name = span_of_text("ids"),
                           .datatype = DATATYPE_INT64,
                           .rank = 2,
                           .shape = {rows, columns}};
}

static void
assert_refused(const struct tensor *given, size_t count, const char *reason)
{
    struct model_info model = sample_model(8);
    struct oip_request request = {.inputs = given, .input_count = count};
    struct fault fault;
    int64_t rows = 0;
    cr_assert_eq(oip_check_model(&request, &model, &rows, &fault), STATUS_INVALID);
    cr_assert_str_eq(fault.text, reason);
}

Test(oip_check, counts_the_rows_of_a_request_that_fits)
{
    struct model_info model = sample_model(8);
    struct tensor given[] = {ids(8, 3), image(8)};
    struct span wanted = span_of_text("scores");
    struct oip_request request = {
        .inputs = given, .input_count = 2, .outputs = &wanted, .output_count = 1};
    int64_t rows = 0;
    cr_assert_eq(oip_check_model(&request, &model, &rows, NULL), STATUS_OK);
    cr_assert_eq(rows, 8);
}

Test(oip_check, counts_one_row_for_a_model_that_does_not_batch)
{
    struct model_info model = sample_model(0);
    struct tensor given[] = {image(5), ids(2, 3)};
    struct oip_request request = {.inputs = given, .input_count = 2};
    int64_t rows = 0;
    cr_assert_eq(oip_check_model(&request, &model, &rows, NULL), STATUS_OK);
    cr_assert_eq(rows, 1);
}

Test(oip_check, says_what_is_wrong_with_an_input)
{
    struct tensor given[] = {image(2), ids(2, 3), ids(2, 3)};
    assert_refused(given, 3, "input \"ids\" is given twice");
    assert_refused(given, 1, "input \"ids\" is missing");
    given[1].name = span_of_text("idx");
    assert_refused(given, 2, "input \"idx\" is unknown to the model");
    given[1] = ids(2, 3);
    given[1].datatype = DATATYPE_INT32;
    assert_refused(given, 2, "input \"ids\" is INT32, the model wants INT64");
    given[1] = ids(2, 0);
    assert_refused(given, 2, "input \"ids\" has shape [2,0], the model wants [-1,-1]");
    given[1] = ids(2, 3);
    given[0].shape[1] = 63;
    assert_refused(given, 2,
                   "input \"image\" has shape [2,63], the model wants [-1,64]");
    given[0] = image(2);
    given[0].rank = 1;
    assert_refused(given, 2, "input \"image\" has shape [2], the model wants [-1,64]");
}

Test(oip_check, says_what_is_wrong_with_the_rows)
{
    struct tensor given[] = {image(9), ids(9, 3)};
    assert_refused(given, 2, "input \"image\" has 9 rows, the model takes 1 to 8");
    given[0] = image(0);
    assert_refused(given, 2, "input \"image\" has 0 rows, the model takes 1 to 8");
    given[0] = image(2);
    given[1] = ids(3, 3);
    assert_refused(given, 2, "input \"ids\" has 3 rows, the inputs before it 2");
}

Test(oip_check, says_what_is_wrong_with_an_output)
{
    struct model_info model = sample_model(8);
    struct tensor given[] = {image(1), ids(1, 1)};
    struct span wanted[] = {span_of_text("scores"), span_of_text("score")};
    struct oip_request request = {
        .inputs = given, .input_count = 2, .outputs = wanted, .output_count = 2};
    struct fault fault;
    int64_t rows = 0;
    cr_assert_eq(oip_check_model(&request, &model, &rows, &fault), STATUS_INVALID);
    cr_assert_str_eq(fault.text, "output \"score\" is unknown to the model");
    wanted[1] = wanted[0];
    cr_assert_eq(oip_check_model(&request, &model, &rows, &fault), STATUS_INVALID);
    cr_assert_str_eq(fault.text, "output \"scores\" is asked for twice");
}

/** Fits a raw body of zeros to a model of one input. */
static enum status
fit(struct arena *arena,
    const struct tensor_spec *spec,
    size_t size,
    struct oip_request *request,
    struct fault *fault)
{
    static const uint8_t zeros[1024];
    struct model_info model = {.inputs = spec, .input_count = 1, .max_batch_size = 4};
    cr_assert_eq(
        oip_read_request(span_of(zeros, size), 0, false, arena, request, fault),
        STATUS_OK);
    return oip_fit_raw(request, &model, arena, fault);
}

Test(oip_check, fits_a_raw_body_to_the_only_input)
{
    struct arena arena;
    arena_init(&arena, 1 << 16);
    struct oip_request request;
    struct fault fault;
    cr_assert_eq(fit(&arena, &inputs[0], 256, &request, &fault), STATUS_OK);
    cr_assert(span_is_text(request.inputs[0].name, "image"));
    cr_assert_eq(request.inputs[0].shape[0], 1);
    cr_assert_eq(request.inputs[0].shape[1], 64);
    cr_assert_eq(fit(&arena, &inputs[1], 24, &request, &fault), STATUS_OK);
    cr_assert_eq(request.inputs[0].shape[1], 3);
    cr_assert_eq(fit(&arena, &inputs[0], 255, &request, &fault), STATUS_INVALID);
    cr_assert_eq(fit(&arena, &inputs[1], 25, &request, &fault), STATUS_INVALID);
    struct tensor_spec text = {.name = span_of_text("t"),
                               .datatype = DATATYPE_BYTES,
                               .rank = 1,
                               .shape = {-1}};
    cr_assert_eq(fit(&arena, &text, 5, &request, &fault), STATUS_OK);
    cr_assert_eq(request.inputs[0].data.size, 9);
    cr_assert_eq(request.inputs[0].data.data[0], 5);
    struct tensor_spec open = {.name = span_of_text("o"),
                               .datatype = DATATYPE_UINT8,
                               .rank = 3,
                               .shape = {-1, -1, -1}};
    cr_assert_eq(fit(&arena, &open, 5, &request, &fault), STATUS_INVALID);
    arena_fini(&arena);
}

Test(oip_check, refuses_a_raw_body_for_a_model_of_two_inputs)
{
    struct model_info model = sample_model(8);
    struct tensor only = {.rank = 1};
    struct oip_request request = {.inputs = &only, .input_count = 1, .raw = true};
    struct arena arena;
    arena_init(&arena, 1 << 16);
    struct fault fault;
    cr_assert_eq(oip_fit_raw(&request, &model, &arena, &fault), STATUS_INVALID);
    arena_fini(&arena);
}
