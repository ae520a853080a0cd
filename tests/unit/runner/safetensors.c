/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of safetensors: what it takes, and every way in which a file may lie. */
#include "runner/safetensors.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file with this header and `data_size` bytes 0, 1, 2, ... behind it. */
static struct span
make_file(const char *header, size_t data_size)
{
    size_t length = strlen(header);
    uint8_t *file = malloc(8 + length + data_size);
    for (size_t i = 0; i < 8; i++) {
        file[i] = (uint8_t)(length >> (8 * i));
    }
    memcpy(file + 8, header, length);
    for (size_t i = 0; i < data_size; i++) {
        file[8 + length + i] = (uint8_t)i;
    }
    return span_of(file, 8 + length + data_size);
}

static enum status
parse(const char *header, size_t data_size)
{
    struct safetensors s;
    struct fault fault;
    struct span file = make_file(header, data_size);
    enum status status = safetensors_parse(&s, file, &fault);
    if (status == STATUS_OK) {
        free(s.tensors);
    }
    free((void *)(uintptr_t)file.data);
    return status;
}

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}"
#define B "\"b\":{\"data_offsets\":[8,10],\"shape\":[],\"dtype\":\"BF16\"}"

Test(safetensors, finds_tensors_by_name_with_shape_and_bytes)
{
    struct safetensors s;
    struct fault fault;
    struct span file = make_file(
        "{\"__metadata__\":{\"made\":\"by \\\"me\\\"\"}, " B " ,\n" A "}   ", 10);
    cr_assert_eq(safetensors_parse(&s, file, &fault), STATUS_OK);
    cr_assert_eq(s.count, 2);
    const struct safetensor *a = safetensors_find(&s, "a");
    const struct safetensor *b = safetensors_find(&s, "b");
    cr_assert(a != NULL && b != NULL);
    cr_assert_null(safetensors_find(&s, "ab"));
    cr_assert_eq(a->datatype, DATATYPE_FP32);
    cr_assert(a->rank == 2 && a->shape[0] == 2 && a->shape[1] == 1);
    cr_assert(a->data.size == 8 && a->data.data[7] == 7);
    cr_assert(b->rank == 0 && b->data.size == 2 && b->data.data[0] == 8);
    free(s.tensors);
    free((void *)(uintptr_t)file.data);
}

Test(safetensors, takes_many_tensors_in_any_order)
{
    static char header[64 * 100];
    size_t at = 0;
    for (int i = 40; i-- > 0;) {
        at += (size_t)sprintf(header + at,
                              "%c\"t%d\":{\"dtype\":\"U8\",\"shape\":[1],"
                              "\"data_offsets\":[%d,%d]}",
                              at == 0 ? '{' : ',', i, i, i + 1);
    }
    strcpy(header + at, "}");
    cr_assert_eq(parse(header, 40), STATUS_OK);
}

Test(safetensors, refuses_a_truncated_file_at_every_length)
{
    struct span file = make_file("{" A "," B "}", 10);
    for (size_t size = 0; size < file.size; size++) {
        struct safetensors s;
        uint8_t *exact = malloc(size + 1); /* its own block, so ASan sees its end */
        memcpy(exact, file.data, size);
        cr_assert_neq(safetensors_parse(&s, span_of(exact, size), NULL), STATUS_OK);
        free(exact);
    }
    free((void *)(uintptr_t)file.data);
}

Test(safetensors, refuses_offsets_outside_the_file_or_backwards)
{
    cr_assert_eq(parse("{" A "}", 7), STATUS_INVALID);
    cr_assert_eq(
        parse("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[4,2]}}", 4),
        STATUS_INVALID);
    cr_assert_eq(parse("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":["
                       "18446744073709551615,0]}}",
                       4),
                 STATUS_INVALID);
    cr_assert_eq(
        parse("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[-1,0]}}", 4),
        STATUS_INVALID);
}

Test(safetensors, refuses_overlaps_gaps_and_data_of_no_tensor)
{
    cr_assert_eq(parse("{" A ",\"b\":{\"dtype\":\"U8\",\"shape\":[4],"
                       "\"data_offsets\":[4,8]}}",
                       8),
                 STATUS_INVALID);
    cr_assert_eq(parse("{" A ",\"b\":{\"dtype\":\"U8\",\"shape\":[1],"
                       "\"data_offsets\":[9,10]}}",
                       10),
                 STATUS_INVALID);
    cr_assert_eq(parse("{" A "}", 9), STATUS_INVALID);
}

Test(safetensors, refuses_a_size_that_is_not_that_of_the_shape)
{
    cr_assert_eq(
        parse("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8),
        STATUS_INVALID);
    cr_assert_eq(parse("{\"a\":{\"dtype\":\"F32\",\"shape\":[4503599627370496,"
                       "4503599627370496],\"data_offsets\":[0,0]}}",
                       0),
                 STATUS_INVALID);
}

Test(safetensors, refuses_twice_the_same_tensor_or_member)
{
    cr_assert_eq(parse("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                       "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
                       2),
                 STATUS_INVALID);
    cr_assert_eq(parse("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1]}}", 1),
                 STATUS_INVALID);
}

Test(safetensors, tells_what_it_does_not_support_apart_from_what_is_broken)
{
    cr_assert_eq(
        parse("{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[1],\"data_offsets\":[0,1]}}",
              1),
        STATUS_UNSUPPORTED);
    cr_assert_eq(
        parse("{\"\\u0061\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
              1),
        STATUS_UNSUPPORTED);
    cr_assert_eq(parse("{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],"
                       "\"data_offsets\":[0,1]}}",
                       1),
                 STATUS_UNSUPPORTED);
}

Test(safetensors, refuses_headers_that_are_not_the_format)
{
    static const char *const headers[] = {
        "",
        " {}",
        "{}",
        "[]",
        "{" A,
        "{" A ",}",
        "{" A "}x",
        "{\"a\":1}",
        "{\"a\":{}}",
        "{\"a\":{\"dtype\":\"U8\"}}",
        "{\"__metadata__\":{\"a\":{}}," A "}",
        "{\"a\\",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[01],\"data_offsets\":[0,1]}}",
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        cr_assert_eq(parse(headers[i], 8), STATUS_INVALID, "%s", headers[i]);
    }
}

Test(safetensors, says_the_path_of_a_file_that_is_not_there)
{
    struct safetensors s;
    struct fault fault;
    cr_assert_eq(safetensors_open(&s, "/nonexistent/model.safetensors", &fault),
                 STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(fault.text, "/nonexistent/model.safetensors"));
}
