/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that are written: word for word, and read back by libjansson. */
#include "schemas/oip.h"

#include <criterion/criterion.h>
#include <jansson.h>

#include <math.h>
#include <stdlib.h>

static struct buf out;

static void
setup(void)
{
    buf_init(&out, 1 << 20);
}

static void
teardown(void)
{
    buf_fini(&out);
}

TestSuite(oip_write, .init = setup, .fini = teardown);

static void
assert_written(const char *wanted)
{
    cr_assert_eq(out.status, STATUS_OK);
    buf_append_byte(&out, 0);
    cr_assert_str_eq((const char *)out.data, wanted);
    json_error_t error;
    json_t *document = json_loads(wanted, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    cr_assert_not_null(document, "%s", error.text);
    json_decref(document);
}

static const struct uuid id = {{0x01, 0x93, 0x4b, 0x2e, 0x00, 0x00, 0x70, 0x00, 0x80,
                                0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x2a}};

static struct tensor
floats(const char *name, const float *values, int64_t count)
{
    return (struct tensor){.name = span_of_text(name),
                           .datatype = DATATYPE_FP32,
                           .rank = 2,
                           .shape = {1, count},
                           .data = span_of(values, (size_t)count * sizeof(float))};
}

static struct reply
sample_reply(const struct tensor *outputs, size_t count)
{
    return (struct reply){.id = id,
                          .model = span_of_text("digits"),
                          .model_version = span_of_text("1"),
                          .status = REPLY_SUCCEEDED,
                          .outputs = outputs,
                          .output_count = count};
}

Test(oip_write, answers_with_outputs_as_json)
{
    static const float values[] = {0.1F, -2, 1e-9F, NAN};
    struct tensor t = floats("y", values, 4);
    struct reply reply = sample_reply(&t, 1);
    struct oip_answer answer = {.client_id = span_of_text("my \"id\"")};
    int64_t json_length = 0;
    oip_write_answer(&reply, &answer, &out, &json_length);
    cr_assert_eq(json_length, OIP_JSON_ONLY);
    assert_written("{\"model_name\":\"digits\",\"model_version\":\"1\","
                   "\"id\":\"my \\\"id\\\"\",\"outputs\":[{\"name\":\"y\","
                   "\"datatype\":\"FP32\",\"shape\":[1,4],"
                   "\"data\":[0.1,-2.0,1e-9,null]}]}");
}

Test(oip_write, appends_binary_outputs_in_order_behind_the_json)
{
    static const float values[] = {1, 2};
    struct tensor t[] = {floats("a", values, 2), floats("b", values, 1),
                         floats("c", values + 1, 1)};
    struct reply reply = sample_reply(t, 3);
    struct span binary[] = {span_of_text("c"), span_of_text("a")};
    struct oip_answer answer = {.binary = binary, .binary_count = 2};
    int64_t json_length = 0;
    oip_write_answer(&reply, &answer, &out, &json_length);
    cr_assert_eq(out.size, (size_t)json_length + 12);
    cr_assert(memcmp(out.data + json_length, (float[]){1, 2, 2}, 12) == 0);
    out.size = (size_t)json_length;
    assert_written("{\"model_name\":\"digits\",\"model_version\":\"1\","
                   "\"id\":\"01934b2e-0000-7000-8000-00000000002a\",\"outputs\":["
                   "{\"name\":\"a\",\"datatype\":\"FP32\",\"shape\":[1,2],"
                   "\"parameters\":{\"binary_data_size\":8}},"
                   "{\"name\":\"b\",\"datatype\":\"FP32\",\"shape\":[1,1],"
                   "\"data\":[1.0]},"
                   "{\"name\":\"c\",\"datatype\":\"FP32\",\"shape\":[1,1],"
                   "\"parameters\":{\"binary_data_size\":4}}]}");
}

static void
assert_data_written(enum datatype datatype,
                    const void *data,
                    size_t size,
                    const char *text)
{
    buf_reset(&out);
    struct tensor t = {
        .name = span_of_text("y"), .datatype = datatype, .data = span_of(data, size)};
    struct reply reply = sample_reply(&t, 1);
    struct oip_answer answer = {.all_binary = false};
    int64_t json_length = 0;
    oip_write_answer(&reply, &answer, &out, &json_length);
    buf_append_byte(&out, 0);
    const char *found = strstr((const char *)out.data, "\"data\":");
    cr_assert_not_null(found);
    cr_assert(strncmp(found + 7, text, strlen(text)) == 0, "%s", found);
}

Test(oip_write, writes_every_datatype)
{
    assert_data_written(DATATYPE_BOOL, "\0\1", 2, "[false,true]}");
    assert_data_written(DATATYPE_UINT8, "\0\xFF", 2, "[0,255]}");
    assert_data_written(DATATYPE_INT8, "\x80\x7F", 2, "[-128,127]}");
    assert_data_written(DATATYPE_UINT16, "\xFF\xFF", 2, "[65535]}");
    assert_data_written(DATATYPE_INT16, "\xFF\xFF", 2, "[-1]}");
    assert_data_written(DATATYPE_UINT32, "\xFF\xFF\xFF\xFF", 4, "[4294967295]}");
    assert_data_written(DATATYPE_INT32, "\0\0\0\x80", 4, "[-2147483648]}");
    assert_data_written(DATATYPE_UINT64, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8,
                        "[18446744073709551615]}");
    assert_data_written(DATATYPE_INT64, "\0\0\0\0\0\0\0\x80", 8,
                        "[-9223372036854775808]}");
    assert_data_written(DATATYPE_FP64, (double[]){0.1, (double)INFINITY}, 16,
                        "[0.1,null]}");
    /* 1, -2, 65504, the least subnormal, infinity, nan */
    assert_data_written(DATATYPE_FP16,
                        "\x00\x3C\x00\xC0\xFF\x7B\x01\x00\x00\x7C\x01\x7C", 12,
                        "[1.0,-2.0,65504.0,5.9604645e-8,null,null]}");
    assert_data_written(DATATYPE_BF16, "\x80\x3F\x49\xC0\x80\x7F", 6,
                        "[1.0,-3.140625,nu");
    assert_data_written(DATATYPE_BYTES, "\2\0\0\0a\"\0\0\0\0\2\0\0\0\xFFz", 16,
                        "[\"a\\\"\",\"\",\"\xEF");
    assert_data_written(DATATYPE_FP32, "", 0, "[]}");
}

Test(oip_write, writes_many_elements_that_read_back_the_same)
{
    float values[1000];
    uint32_t state = 12345;
    for (int i = 0; i < 1000; i++) {
        state = state * 1664525U + 1013904223U;
        values[i] = (float)((int32_t)state) / 7e6F;
    }
    struct tensor t = floats("y", values, 1000);
    struct reply reply = sample_reply(&t, 1);
    struct oip_answer answer = {.all_binary = false};
    int64_t json_length = 0;
    oip_write_answer(&reply, &answer, &out, &json_length);
    /* The answer's outputs are in the form of a request's inputs. */
    struct buf body;
    buf_init(&body, 1 << 20);
    buf_append_text(&body, "{\"inputs\":");
    const char *list = memmem(out.data, out.size, "[{\"name\"", 8);
    cr_assert_not_null(list);
    buf_append(&body, list, out.size - (size_t)((const uint8_t *)list - out.data));
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct oip_request request;
    struct fault fault;
    cr_assert_eq(oip_read_request(buf_span(&body), OIP_JSON_ONLY, false, &arena,
                                  &request, &fault),
                 STATUS_OK);
    cr_assert_eq(request.inputs[0].data.size, sizeof(values));
    cr_assert(memcmp(request.inputs[0].data.data, values, sizeof(values)) == 0);
    arena_fini(&arena);
    buf_fini(&body);
}

Test(oip_write, writes_a_job_that_succeeded)
{
    static const float values[] = {3};
    struct tensor t = floats("y", values, 1);
    struct reply reply = sample_reply(&t, 1);
    reply.timing = (struct reply_timing){.submitted_us = 1700000000000000,
                                         .started_us = 1700000000012345,
                                         .completed_us = 1700000001012346};
    reply.batch_size = 4;
    reply.attempt = 1;
    oip_write_job(&reply, reply_status_name(reply.status), true, &out);
    assert_written("{\"id\":\"01934b2e-0000-7000-8000-00000000002a\","
                   "\"status\":\"succeeded\",\"model\":\"digits\","
                   "\"model_version\":\"1\","
                   "\"submitted_at\":\"2023-11-14T22:13:20.000000Z\","
                   "\"started_at\":\"2023-11-14T22:13:20.012345Z\","
                   "\"completed_at\":\"2023-11-14T22:13:21.012346Z\","
                   "\"queue_ms\":12.345,\"run_ms\":1000.001,\"batch_size\":4,"
                   "\"attempt\":1,\"error\":null,\"outputs\":[{\"name\":\"y\","
                   "\"datatype\":\"FP32\",\"shape\":[1,1],\"data\":[3.0]}]}");
}

Test(oip_write, writes_a_job_that_failed_and_one_that_waits)
{
    struct reply reply = {.id = id,
                          .model = span_of_text("m"),
                          .status = REPLY_FAILED,
                          .error = {.code = span_of_text("model_failed"),
                                    .message = span_of_text("bad\ninput"),
                                    .stage = span_of_text("run")}};
    oip_write_job(&reply, reply_status_name(reply.status), false, &out);
    assert_written("{\"id\":\"01934b2e-0000-7000-8000-00000000002a\","
                   "\"status\":\"failed\",\"model\":\"m\",\"model_version\":null,"
                   "\"submitted_at\":null,\"started_at\":null,\"completed_at\":null,"
                   "\"queue_ms\":null,\"run_ms\":null,\"batch_size\":0,\"attempt\":0,"
                   "\"error\":{\"code\":\"model_failed\",\"message\":\"bad\\ninput\","
                   "\"stage\":\"run\"}}");
}

Test(oip_write, writes_a_job_that_runs_though_its_record_says_queued)
{
    struct reply reply = {.id = id, .model = span_of_text("m"), .attempt = 1};
    oip_write_job(&reply, "running", false, &out);
    assert_written("{\"id\":\"01934b2e-0000-7000-8000-00000000002a\","
                   "\"status\":\"running\",\"model\":\"m\",\"model_version\":null,"
                   "\"submitted_at\":null,\"started_at\":null,\"completed_at\":null,"
                   "\"queue_ms\":null,\"run_ms\":null,\"batch_size\":0,\"attempt\":1,"
                   "\"error\":null}");
}

static const struct tensor_spec inputs[] = {{.name = {(const uint8_t *)"image", 5},
                                             .datatype = DATATYPE_FP32,
                                             .rank = 2,
                                             .shape = {-1, 64}}};
static const struct tensor_spec outputs[] = {{.name = {(const uint8_t *)"label", 5},
                                              .datatype = DATATYPE_BYTES,
                                              .rank = 1,
                                              .shape = {-1}}};

static struct model_info
sample_model(int32_t max_batch_size)
{
    return (struct model_info){.model = span_of_text("digits"),
                               .platform = span_of_text("dense"),
                               .inputs = inputs,
                               .input_count = 1,
                               .outputs = outputs,
                               .output_count = 1,
                               .max_batch_size = max_batch_size};
}

Test(oip_write, writes_metadata_with_the_batch_dimension)
{
    struct model_info model = sample_model(8);
    struct span versions[] = {span_of_text("1"), span_of_text("2")};
    struct oip_label labels[] = {{span_of_text("canary"), span_of_text("2")},
                                 {span_of_text("stable"), span_of_text("1")}};
    struct oip_names names = {
        .versions = versions, .version_count = 2, .labels = labels};
    oip_write_model(&model, &names, &out);
    assert_written("{\"name\":\"digits\",\"versions\":[\"1\",\"2\"],"
                   "\"platform\":\"dense\",\"inputs\":[{\"name\":\"image\","
                   "\"datatype\":\"FP32\",\"shape\":[-1,64]}],\"outputs\":["
                   "{\"name\":\"label\",\"datatype\":\"BYTES\",\"shape\":[-1]}]}");
    buf_reset(&out);
    names.label_count = 2;
    model.input_count = model.output_count = 0;
    oip_write_model(&model, &names, &out);
    assert_written("{\"name\":\"digits\",\"versions\":[\"1\",\"2\"],\"labels\":{"
                   "\"canary\":\"2\",\"stable\":\"1\"},\"platform\":\"dense\","
                   "\"inputs\":[],\"outputs\":[]}");
}

Test(oip_write, writes_labels_as_an_object)
{
    struct oip_label labels[] = {{span_of_text("a\"b"), span_of_text("2")},
                                 {span_of_text("stable"), span_of_text("10")}};
    oip_write_labels(labels, 0, &out);
    assert_written("{}");
    buf_reset(&out);
    oip_write_labels(labels, 2, &out);
    assert_written("{\"a\\\"b\":\"2\",\"stable\":\"10\"}");
}

Test(oip_write, writes_the_configuration_without_the_batch_dimension)
{
    struct model_info model = sample_model(8);
    oip_write_config(&model, &out);
    assert_written("{\"name\":\"digits\",\"platform\":\"dense\",\"max_batch_size\":8,"
                   "\"input\":[{\"name\":\"image\",\"data_type\":\"TYPE_FP32\","
                   "\"dims\":[64]}],\"output\":[{\"name\":\"label\","
                   "\"data_type\":\"TYPE_STRING\",\"dims\":[]}],"
                   "\"dynamic_batching\":{}}");
    buf_reset(&out);
    model = sample_model(0);
    oip_write_config(&model, &out);
    assert_written("{\"name\":\"digits\",\"platform\":\"dense\",\"max_batch_size\":0,"
                   "\"input\":[{\"name\":\"image\",\"data_type\":\"TYPE_FP32\","
                   "\"dims\":[-1,64]}],\"output\":[{\"name\":\"label\","
                   "\"data_type\":\"TYPE_STRING\",\"dims\":[-1]}]}");
}

Test(oip_write, writes_problems_with_triton_s_error_member)
{
    oip_write_problem(STATUS_INVALID, 400, "/id: \"x\"", NULL, &out);
    assert_written("{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
                   "\"code\":\"invalid\",\"detail\":\"/id: \\\"x\\\"\","
                   "\"error\":\"/id: \\\"x\\\"\"}");
    buf_reset(&out);
    oip_write_problem(STATUS_TIMEOUT, 504, "still running", &id, &out);
    assert_written("{\"type\":\"about:blank\",\"title\":\"Gateway Timeout\","
                   "\"status\":504,\"code\":\"timeout\",\"detail\":\"still running\","
                   "\"error\":\"still running\","
                   "\"id\":\"01934b2e-0000-7000-8000-00000000002a\"}");
}

Test(oip_write, escapes_text_and_replaces_invalid_utf8)
{
    oip_write_text(span_of("a\"\\\n\r\t\1\x7F/\0", 10), &out);
    assert_written("\"a\\\"\\\\\\n\\r\\t\\u0001\\u007f/\\u0000\"");
    buf_reset(&out);
    oip_write_text(span_of_text("\xC3\xA9 \xFF\xC3 \xED\xA0\x80 \xF0\x9F\x98\x80"),
                   &out);
    assert_written("\"\xC3\xA9 \xEF\xBF\xBD\xEF\xBF\xBD "
                   "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \xF0\x9F\x98\x80\"");
    buf_reset(&out);
    oip_write_text(span_of(NULL, 0), &out);
    assert_written("\"\"");
}
