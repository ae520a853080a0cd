/* SPDX-License-Identifier: Apache-2.0 */
/* Infer and job bodies: what is read, and the place that a fault names. */
#include "schemas/oip.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

enum { ARENA_LIMIT = 1 << 24 };

static struct arena arena;
static struct oip_request request;
static struct fault fault;

static void
setup(void)
{
    arena_init(&arena, ARENA_LIMIT);
}

static void
teardown(void)
{
    arena_fini(&arena);
}

TestSuite(oip_read, .init = setup, .fini = teardown);

static enum status
read_body(const char *body)
{
    return oip_read_request(span_of_text(body), OIP_JSON_ONLY, false, &arena, &request,
                            &fault);
}

static enum status
read_job(const char *body)
{
    return oip_read_request(span_of_text(body), OIP_JSON_ONLY, true, &arena, &request,
                            &fault);
}

/** Reads one input of the given datatype, shape and data. */
static enum status
read_input(const char *datatype, const char *shape, const char *data)
{
    char body[400];
    int size = snprintf(body, sizeof(body),
                        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"%s\",\"shape\":%s,"
                        "\"data\":%s}]}",
                        datatype, shape, data);
    cr_assert_lt((size_t)size, sizeof(body));
    return read_body(body);
}

static void
assert_data(const void *wanted, size_t size)
{
    cr_assert_eq(request.inputs[0].data.size, size);
    cr_assert(memcmp(request.inputs[0].data.data, wanted, size) == 0);
}

Test(oip_read, converts_numbers_by_datatype)
{
    cr_assert_eq(read_input("FP32", "[3]", "[0.1, -2e3,7]"), STATUS_OK);
    assert_data((float[]){0.1F, -2e3F, 7}, 12);
    cr_assert_eq(read_input("FP64", "[2]", "[0.1,1e-400]"), STATUS_OK);
    assert_data((double[]){0.1, 0}, 16);
    cr_assert_eq(read_input("INT8", "[3]", "[-128,127,-0]"), STATUS_OK);
    assert_data((int8_t[]){-128, 127, 0}, 3);
    cr_assert_eq(read_input("INT16", "[2]", "[-32768,32767]"), STATUS_OK);
    assert_data((int16_t[]){INT16_MIN, INT16_MAX}, 4);
    cr_assert_eq(read_input("INT32", "[2]", "[-2147483648,2147483647]"), STATUS_OK);
    assert_data((int32_t[]){INT32_MIN, INT32_MAX}, 8);
    cr_assert_eq(
        read_input("INT64", "[2]", "[-9223372036854775808,9223372036854775807]"),
        STATUS_OK);
    assert_data((int64_t[]){INT64_MIN, INT64_MAX}, 16);
    cr_assert_eq(read_input("UINT8", "[2]", "[0,255]"), STATUS_OK);
    assert_data((uint8_t[]){0, 255}, 2);
    cr_assert_eq(read_input("UINT16", "[1]", "[65535]"), STATUS_OK);
    assert_data((uint16_t[]){65535}, 2);
    cr_assert_eq(read_input("UINT32", "[1]", "[4294967295]"), STATUS_OK);
    assert_data((uint32_t[]){UINT32_MAX}, 4);
    cr_assert_eq(read_input("UINT64", "[1]", "[18446744073709551615]"), STATUS_OK);
    assert_data((uint64_t[]){UINT64_MAX}, 8);
    cr_assert_eq(read_input("BOOL", "[4]", "[true,false,1,0]"), STATUS_OK);
    assert_data((uint8_t[]){1, 0, 1, 0}, 4);
}

Test(oip_read, turns_bytes_elements_into_length_and_bytes)
{
    cr_assert_eq(read_input("BYTES", "[1,3]", "[\"ab\",\"\",\"\\u00e9\\u0000\\n\"]"),
                 STATUS_OK);
    assert_data("\2\0\0\0ab\0\0\0\0\4\0\0\0\xC3\xA9\0\n", 18);
    cr_assert_eq(request.inputs[0].rank, 2);
    cr_assert_eq(request.inputs[0].shape[1], 3);
}

Test(oip_read, takes_nested_and_flat_arrays_row_major)
{
    static const float wanted[] = {1, 2, 3, 4, 5, 6};
    static const char *const forms[] = {
        "[1,2,3,4,5,6]", "[[1,2,3],[4,5,6]]", " [ [ 1 , 2 , 3 ] ,\n [ 4,5,6 ] ] ",
        "[[[1],[2],[3]],[[4],[5],[6]]]", "[[[[1,2,3,4,5,6]]]]"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        cr_assert_eq(read_input("FP32", "[2,3]", forms[i]), STATUS_OK, "%s", forms[i]);
        assert_data(wanted, sizeof(wanted));
    }
}

Test(oip_read, takes_the_members_of_an_input_in_any_order)
{
    cr_assert_eq(read_body("{\"inputs\":[{\"data\":[1,2],\"shape\":[2],"
                           "\"datatype\":\"INT16\",\"name\":\"x\"}],\"id\":\"a\"}"),
                 STATUS_OK, "%s", fault.text);
    assert_data((int16_t[]){1, 2}, 4);
    cr_assert(span_is_text(request.id, "a"));
    cr_assert_eq(read_body("{\"inputs\":[{\"data\":[\"p\",\"q\"],\"name\":\"x\","
                           "\"datatype\":\"BYTES\",\"shape\":[2]}]}"),
                 STATUS_OK);
    assert_data("\1\0\0\0p\1\0\0\0q", 10);
}

Test(oip_read, takes_an_empty_shape_and_an_empty_tensor)
{
    cr_assert_eq(read_input("INT8", "[]", "[5]"), STATUS_OK);
    cr_assert_eq(request.inputs[0].rank, 0);
    cr_assert_eq(read_input("INT8", "[0,4]", "[]"), STATUS_OK);
    cr_assert_eq(request.inputs[0].data.size, 0);
}

static const struct {
    const char *datatype;
    const char *shape;
    const char *data;
    const char *fault; /* what the text begins with */
} bad_data[] = {
    {"FP32", "[2]", "[1]", "/inputs/0/data: 1 elements, the shape [2] has 2"},
    {"FP32", "[1]", "[1,2]", "/inputs/0/data/1: more elements than the 1"},
    {"FP32", "[2,9]", "[[1],[2]]", "/inputs/0/data: fewer elements than the 18"},
    {"FP32", "[9000000000]", "[1]", "/inputs/0/data: fewer elements"},
    {"FP32", "[2,2]", "[[1,2,3],[4]]", "/inputs/0/data/1: nested array of 1 elements"},
    {"FP32", "[3,2]", "[[1,2,3],[4,5,6]]", "/inputs/0/data: nested otherwise"},
    {"FP32", "[2,3]", "[[1,2,3,4,5,6]]", "/inputs/0/data: nested otherwise"},
    {"FP32", "[2]", "[[1],2]", "/inputs/0/data/1: expected a nested array"},
    {"FP32", "[2]", "[1,[2]]", "/inputs/0/data/1: an array beside numbers"},
    {"FP32", "[1]", "[[],1]", "/inputs/0/data/1: expected a nested array"},
    {"FP32", "[2]", "[1,NaN]", "/inputs/0/data/1: NaN and Infinity"},
    {"FP64", "[2]", "[1,-Infinity]", "/inputs/0/data/1: NaN and Infinity"},
    {"FP32", "[1]", "[1e999999]", "/inputs/0/data/0: 1e999999 is out of range"},
    {"FP32", "[1]", "[3.5e38]", "/inputs/0/data/0: 3.5e38 is out of range for FP32"},
    {"FP64", "[1]", "[1e309]", "/inputs/0/data/0: 1e309 is out of range for FP64"},
    {"FP32", "[1]", "[null]", "/inputs/0/data/0: expected a number"},
    {"FP32", "[1]", "[\"1\"]", "/inputs/0/data/0: expected a number"},
    {"FP32", "[1]", "[1.]", "/inputs/0/data/0: malformed number"},
    {"FP32", "[1]", "7", "/inputs/0/data: expected an array"},
    {"FP32", "[1]", "[1", "/inputs/0/data/0: expected ',' or ']'"},
    {"FP32", "[2]", "[1,]", "/inputs/0/data/1: expected a number"},
    {"FP32", "[2]", "[1 2]", "/inputs/0/data/0: expected ',' or ']'"},
    {"INT8", "[1]", "[128]", "/inputs/0/data/0: 128 is out of range for INT8"},
    {"INT8", "[1]", "[-129]", "/inputs/0/data/0: -129 is out of range for INT8"},
    {"INT32", "[1]", "[2147483648]", "/inputs/0/data/0: 2147483648 is out"},
    {"INT64", "[1]", "[9223372036854775808]", "/inputs/0/data/0: 92233720368547758"},
    {"UINT8", "[1]", "[256]", "/inputs/0/data/0: 256 is out of range for UINT8"},
    {"UINT8", "[1]", "[-1]", "/inputs/0/data/0: -1 is out of range for UINT8"},
    {"UINT64", "[1]", "[18446744073709551616]", "/inputs/0/data/0: 18446744073709"},
    {"INT32", "[1]", "[1.0]", "/inputs/0/data/0: expected an integer"},
    {"INT32", "[1]", "[1e2]", "/inputs/0/data/0: expected an integer"},
    {"BOOL", "[1]", "[2]", "/inputs/0/data/0: 2 is out of range for BOOL"},
    {"BOOL", "[1]", "[\"true\"]", "/inputs/0/data/0: expected true or false"},
    {"BYTES", "[1]", "[1]", "/inputs/0/data/0: expected a string"},
    {"BYTES", "[2]", "[\"a\"]", "/inputs/0/data: 1 elements"},
    {"BYTES", "[1]", "[\"\\ud800\"]", "/inputs/0/data/0: invalid escape"},
    {"FP16", "[1]", "[1]", "/inputs/0/data: FP16 has no JSON form"},
    {"BF16", "[1]", "[1]", "/inputs/0/data: BF16 has no JSON form"},
    {"FP8", "[1]", "[1]", "/inputs/0/datatype: unknown datatype \"FP8\""},
    {"FP32", "[-1]", "[1]", "/inputs/0/shape/0: -1 is not within 0"},
    {"FP32", "[1.5]", "[1]", "/inputs/0/shape/0: expected an integer"},
    {"FP32", "1", "[1]", "/inputs/0/shape: expected an array"},
    {"FP32", "[4294967296,4294967296]", "[1]", "/inputs/0/shape: more than 2^63"},
    {"FP32", "[1,1,1,1,1,1,1,1,1]", "[1]", "/inputs/0/shape/8: more than 8 dim"},
};

Test(oip_read, names_the_place_of_bad_data)
{
    for (size_t i = 0; i < sizeof(bad_data) / sizeof(*bad_data); i++) {
        enum status status =
            read_input(bad_data[i].datatype, bad_data[i].shape, bad_data[i].data);
        cr_assert_eq(status, STATUS_INVALID, "%s", bad_data[i].data);
        cr_assert(strncmp(fault.text, bad_data[i].fault, strlen(bad_data[i].fault)) ==
                      0,
                  "%s: %s", bad_data[i].data, fault.text);
    }
}

#define INPUT "{\"name\":\"x\",\"datatype\":\"INT8\",\"shape\":[1],\"data\":[1]}"

static const struct {
    const char *body;
    const char *fault;
} bad_members[] = {
    {"", "the body is empty"},
    {"[]", "expected an object (line 1, column 1)"},
    {"null", "expected an object"},
    {"{}", "/inputs: missing or empty"},
    {"{\"inputs\":null}", "/inputs: missing or empty"},
    {"{\"inputs\":[]}", "/inputs: missing or empty"},
    {"{\"inputs\":{}}", "/inputs: expected an array"},
    {"{\"inputs\":[1]}", "/inputs/0: expected an object"},
    {"{\"inputs\":[" INPUT "],\n\"inputs\":[]}", "/inputs: given twice (line 2"},
    {"{\"inputs\":[{\"name\":\"x\",\"name\":\"y\"}]}", "/inputs/0/name: given twice"},
    {"{\"inputs\":[{\"n\\u0061me\":\"x\",\"name\":\"y\"}]}", "/inputs/0/name: given"},
    {"{\"inputs\":[" INPUT ",{}]}", "/inputs/1: input without a name"},
    {"{\"inputs\":[{\"name\":\"x\"}]}", "/inputs/0: input without a shape"},
    {"{\"inputs\":[{\"name\":\"x\",\"shape\":[1]}]}", "/inputs/0: input without a da"},
    {"{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT8\"}]}",
     "/inputs/0: input \"x\" has neither data nor parameters.binary_data_size"},
    {"{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT8\",\"data\":[1]"
     ","
     "\"parameters\":{\"binary_data_size\":1}}]}",
     "/inputs/0: input \"x\" has both data and parameters.binary_data_size"},
    {"{\"inputs\":[{\"data\":[1,2],\"name\":\"x\",\"shape\":[3],"
     "\"datatype\":\"INT8\"}]}",
     "/inputs/0/data: 2 elements, the shape [3] has 3 (line 1, column 25)"},
    {"{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT8\","
     "\"parameters\":{\"binary_data_size\":1}}]}",
     "/inputs/0/parameters/binary_data_size: 1 bytes, but 0 are left"},
    {"{\"inputs\":[{\"name\":7}]}", "/inputs/0/name: expected a string"},
    {"{\"inputs\":[" INPUT "],\"id\":5}", "/id: expected a string"},
    {"{\"inputs\":[" INPUT "],\"id\":\"a\\u0000b\"}", "/id: U+0000"},
    {"{\"inputs\":[" INPUT "],\"outputs\":[{}]}", "/outputs/0: output without a name"},
    {"{\"inputs\":[" INPUT "],\"outputs\":[\"y\"]}", "/outputs/0: expected an object"},
    {"{\"inputs\":[" INPUT "],\"parameters\":{\"a\":[]}}", "/parameters/a: expected a"},
    {"{\"inputs\":[" INPUT "],\"parameters\":{\"a\":1,\"a\":2}}",
     "/parameters/a: give"},
    {"{\"inputs\":[" INPUT "],\"parameters\":{\"priority\":-1}}", "/parameters/priori"},
    {"{\"inputs\":[" INPUT "],\"parameters\":{\"timeout\":\"1\"}}", "/parameters/time"},
    {"{\"inputs\":[" INPUT "],\"parameters\":{\"a\":1e999}}", "/parameters/a: number"},
    {"{\"inputs\":[" INPUT "]}{}", "unexpected text behind the end"},
    {"{\"inputs\":[" INPUT "],\"x\":{\"y\":[1,}}", "/x/y/1: expected a value"},
};

Test(oip_read, names_the_place_of_a_bad_member)
{
    for (size_t i = 0; i < sizeof(bad_members) / sizeof(*bad_members); i++) {
        cr_assert_eq(read_body(bad_members[i].body), STATUS_INVALID, "%s",
                     bad_members[i].body);
        cr_assert(strncmp(fault.text, bad_members[i].fault,
                          strlen(bad_members[i].fault)) == 0,
                  "%s: %s", bad_members[i].body, fault.text);
    }
}

Test(oip_read, refuses_what_triton_serves_and_we_do_not)
{
    cr_assert_eq(read_body("{\"inputs\":[{\"name\":\"x\",\"parameters\":"
                           "{\"shared_memory_region\":\"r\"}}]}"),
                 STATUS_UNSUPPORTED);
    cr_assert_eq(read_body("{\"inputs\":[" INPUT "],\"outputs\":[{\"name\":\"y\","
                           "\"parameters\":{\"classification\":3}}]}"),
                 STATUS_UNSUPPORTED);
}

Test(oip_read, bounds_the_number_of_inputs)
{
    char body[(TENSORS_MAX + 1) * sizeof(INPUT) + 64];
    size_t used = (size_t)sprintf(body, "{\"inputs\":[" INPUT);
    for (int i = 0; i < TENSORS_MAX; i++) {
        used += (size_t)sprintf(body + used, "," INPUT);
    }
    (void)sprintf(body + used, "]}");
    cr_assert_eq(read_body(body), STATUS_TOO_LARGE);
    cr_assert_not_null(strstr(fault.text, "/inputs/64: more than 64 inputs"));
}

Test(oip_read, takes_parameters_for_the_server_out_of_those_for_the_model)
{
    cr_assert_eq(
        read_body("{\"parameters\":{\"binary_data_output\":true,\"priority\":2,"
                  "\"timeout\":5000,\"s\":\"t\",\"i\":-3,\"r\":0.5,\"f\":false,"
                  "\"n\":null},\"inputs\":[" INPUT "],\"outputs\":"
                  "[{\"name\":\"y\"},{\"name\":\"z\",\"parameters\":"
                  "{\"binary_data\":false}}]}"),
        STATUS_OK, "%s", fault.text);
    cr_assert(request.binary_all);
    cr_assert_eq(request.priority, 2);
    cr_assert_eq(request.timeout_us, 5000);
    cr_assert_eq(request.parameter_count, 4);
    cr_assert(span_is_text(request.parameters[0].text, "t"));
    cr_assert_eq(request.parameters[1].number, -3);
    cr_assert_eq(request.parameters[2].kind, PARAMETER_REAL);
    cr_assert_eq(request.parameters[3].kind, PARAMETER_BOOL);
    cr_assert_eq(request.output_count, 2);
    cr_assert(request.output_binary[0]);
    cr_assert_not(request.output_binary[1]);
}

Test(oip_read, reads_the_members_of_a_job)
{
    cr_assert_eq(
        read_job("{\"model\":\"digits\",\"model_version\":\"1\",\"webhook\":"
                 "{\"url\":\"https://a.example/h\",\"events\":[\"completed\"]},"
                 "\"deadline_ms\":2500,\"priority\":3,\"model_name\":\"d\","
                 "\"inputs\":[" INPUT "]}"),
        STATUS_OK, "%s", fault.text);
    cr_assert(span_is_text(request.model, "digits"));
    cr_assert(span_is_text(request.model_version, "1"));
    cr_assert(span_is_text(request.webhook.url, "https://a.example/h"));
    cr_assert_eq(request.webhook.event_count, 1);
    cr_assert(span_is_text(request.webhook.events[0], "completed"));
    cr_assert_eq(request.deadline_ms, 2500);
    cr_assert_eq(request.priority, 3);
}

Test(oip_read, refuses_a_job_with_a_mistake)
{
    static const struct {
        const char *body;
        const char *fault;
    } rows[] = {
        {"{\"model\":\"m\",\"webook\":{},\"inputs\":[" INPUT "]}",
         "/webook: unknown mem"},
        {"{\"model\":\"m\",\"webhook\":\"u\"}", "/webhook: expected an object"},
        {"{\"model\":\"m\",\"webhook\":{}}", "/webhook: a webhook without a url"},
        {"{\"model\":\"m\",\"webhook\":{\"urls\":1}}", "/webhook/urls: unknown member"},
        {"{\"model\":\"m\",\"deadline_ms\":-5}", "/deadline_ms: -5 is not within"},
        {"{\"model\":\"m\",\"deadline_ms\":\"5\"}", "/deadline_ms: expected a number"},
        {"{\"model\":\"m\",\"priority\":4294967296}", "/priority: 4294967296 is not"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        cr_assert_eq(read_job(rows[i].body), STATUS_INVALID, "%s", rows[i].body);
        cr_assert(strncmp(fault.text, rows[i].fault, strlen(rows[i].fault)) == 0,
                  "%s: %s", rows[i].body, fault.text);
    }
}

Test(oip_read, says_so_when_the_arena_is_full)
{
    arena_fini(&arena);
    arena_init(&arena, 64);
    cr_assert_eq(read_input("FP64", "[64,1]", "[0]"), STATUS_INVALID);
    cr_assert_eq(read_input("FP64", "[9]", "[1,2,3,4,5,6,7,8,9]"), STATUS_NO_MEMORY);
}

/** A JSON part and what follows it. */
static enum status
read_binary(const char *json, const void *binary, size_t size)
{
    char body[600];
    size_t length = strlen(json);
    cr_assert_lt(length + size, sizeof(body));
    memcpy(body, json, length);
    memcpy(body + length, binary, size);
    char *kept = arena_text(&arena, span_of(body, length + size));
    return oip_read_request(span_of(kept, length + size), (int64_t)length, false,
                            &arena, &request, &fault);
}

#define BINARY(name, datatype, shape, size)                                            \
    "{\"name\":\"" name "\",\"shape\":[" shape "],\"datatype\":\"" datatype            \
    "\",\"parameters\":{\"binary_data_size\":" size "}}"

Test(oip_read, cuts_binary_tensors_out_of_what_follows_the_json)
{
    cr_assert_eq(
        read_binary("{\"inputs\":[" BINARY("a", "FP16", "2", "4") "," INPUT "," BINARY(
                        "b", "BYTES", "1", "6") "]}",
                    "\x00\x3C\x00\x40\2\0\0\0hi", 10),
        STATUS_OK, "%s", fault.text);
    cr_assert_eq(request.input_count, 3);
    assert_data("\x00\x3C\x00\x40", 4);
    cr_assert_eq(request.inputs[1].data.size, 1);
    cr_assert(memcmp(request.inputs[2].data.data, "\2\0\0\0hi", 6) == 0);
}

Test(oip_read, refuses_binary_sizes_that_do_not_add_up)
{
    static const struct {
        const char *json;
        size_t size;
        const char *fault;
    } rows[] = {
        {"{\"inputs\":[" BINARY("a", "INT8", "4", "4") "]}", 3,
         "/inputs/0/parameters/bi"},
        {"{\"inputs\":[" BINARY("a", "INT8", "4", "4") "]}", 5,
         "5 bytes behind the JSON"},
        {"{\"inputs\":[" BINARY("a", "INT8", "4", "3") "]}", 3,
         "/inputs/0: 3 bytes of da"},
        {"{\"inputs\":[" BINARY("a", "FP32", "1", "3") "]}", 3,
         "/inputs/0: 3 bytes of da"},
        {"{\"inputs\":[" BINARY("a", "BYTES", "1", "4") "]}", 4,
         "/inputs/0: element 0 say"},
        {"{\"inputs\":[" BINARY("a", "INT8", "4", "-1") "]}", 0,
         "/inputs/0/parameters/bi"},
        {"{\"inputs\":[" BINARY("a", "INT8", "4", "9223372036854775807") "]}", 4,
         "/inputs/0/parameters/binary_data_size: 9223372036854775807 bytes"},
        {"{\"inputs\":[" INPUT "]}", 1, "1 bytes behind the JSON"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        cr_assert_eq(read_binary(rows[i].json, "\7\7\7\7\7", rows[i].size),
                     STATUS_INVALID, "%s", rows[i].json);
        cr_assert(strncmp(fault.text, rows[i].fault, strlen(rows[i].fault)) == 0,
                  "%s: %s", rows[i].json, fault.text);
    }
}

Test(oip_read, refuses_a_json_length_beyond_the_body)
{
    struct span body = span_of_text("{}");
    cr_assert_eq(oip_read_request(body, 3, false, &arena, &request, &fault),
                 STATUS_INVALID);
    cr_assert_eq(oip_read_request(body, -2, false, &arena, &request, &fault),
                 STATUS_INVALID);
}

Test(oip_read, takes_a_raw_body_as_it_is)
{
    struct span body = span_of_text("\1\2\3");
    cr_assert_eq(oip_read_request(body, 0, false, &arena, &request, &fault), STATUS_OK);
    cr_assert(request.raw);
    cr_assert(request.binary_all);
    cr_assert_eq(request.input_count, 1);
    cr_assert_eq(request.inputs[0].data.size, 3);
    cr_assert_eq(request.inputs[0].name.size, 0);
}

/* What clients send, from their sources and traces. */

Test(oip_read, reads_what_tritonclient_sends)
{
    /* http.InferInput.set_data_from_numpy(binary_data=True), no outputs given */
    cr_assert_eq(
        read_binary("{\"id\":\"7\",\"inputs\":[{\"name\":\"INPUT0\",\"shape\":[1,2],"
                    "\"datatype\":\"FP32\",\"parameters\":{\"binary_data_size\":8}}],"
                    "\"parameters\":{\"binary_data_output\":true}}",
                    (float[]){1, 2}, 8),
        STATUS_OK, "%s", fault.text);
    cr_assert(request.binary_all);
    cr_assert(span_is_text(request.id, "7"));
    /* binary_data=False, one requested output, priority and sequence of zero left out
     */
    cr_assert_eq(
        read_body(
            "{\"inputs\": [{\"name\": \"INPUT0\", \"shape\": [1, 2], \"datatype\": "
            "\"INT32\", \"data\": [[1, 2]]}], \"outputs\": [{\"name\": \"OUTPUT0\", "
            "\"parameters\": {\"binary_data\": false}}], \"parameters\": "
            "{\"priority\": 1, \"timeout\": 1000000}}"),
        STATUS_OK, "%s", fault.text);
    cr_assert_eq(request.timeout_us, 1000000);
    cr_assert_not(request.output_binary[0]);
}

Test(oip_read, reads_what_perf_analyzer_sends)
{
    cr_assert_eq(read_binary("{\"id\":\"\",\"inputs\":[{\"name\":\"x\",\"shape\":[1,4],"
                             "\"datatype\":\"UINT8\",\"parameters\":"
                             "{\"binary_data_size\":4}}],\"outputs\":[{\"name\":\"y\","
                             "\"parameters\":{\"binary_data\":true}}]}",
                             "abcd", 4),
                 STATUS_OK);
    cr_assert_eq(request.id.size, 0);
    cr_assert(request.output_binary[0]);
    /* JSON tensors, still with Inference-Header-Content-Length */
    cr_assert_eq(
        read_binary("{\"id\":\"0\",\"inputs\":[{\"name\":\"x\",\"shape\":[1,4],"
                    "\"datatype\":\"UINT8\",\"data\":[1,2,3,4]}]}",
                    "", 0),
        STATUS_OK);
}

Test(oip_read, reads_what_kserve_sends)
{
    cr_assert_eq(
        read_body(
            "{\"id\": \"d9c2\", \"model_name\": \"digits\", \"inputs\": [{\"name\": "
            "\"input-0\", \"shape\": [1, 2], \"datatype\": \"FP32\", \"data\": "
            "[6.8, 2.8], \"parameters\": {\"content_type\": \"np\"}}], "
            "\"parameters\": null, \"outputs\": null}"),
        STATUS_OK, "%s", fault.text);
    cr_assert_eq(request.output_count, 0);
    assert_data((float[]){6.8F, 2.8F}, 8);
}
