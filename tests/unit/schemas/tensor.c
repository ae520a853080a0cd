/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes and data, as they may come from outside. */
#include "schemas/tensor.h"

#include <criterion/criterion.h>

static enum status
elements_of(int64_t a, int64_t b, int64_t c, int64_t *count)
{
    int64_t shape[] = {a, b, c};
    return tensor_elements(shape, 3, count);
}

Test(tensor, elements_are_the_product_of_the_shape)
{
    int64_t count = -1;
    cr_assert_eq(tensor_elements(NULL, 0, &count), STATUS_OK);
    cr_assert_eq(count, 1);
    cr_assert_eq(elements_of(2, 3, 4, &count), STATUS_OK);
    cr_assert_eq(count, 24);
    cr_assert_eq(elements_of(INT64_MAX, 0, 1, &count), STATUS_OK);
    cr_assert_eq(count, 0);
}

Test(tensor, refuses_negative_dimensions_and_overflow_in_any_order)
{
    int64_t count = 0;
    cr_assert_eq(elements_of(2, -1, 4, &count), STATUS_INVALID);
    cr_assert_eq(elements_of(0, 1, INT64_MIN, &count), STATUS_INVALID);
    cr_assert_eq(elements_of(INT64_MAX, 2, 0, &count), STATUS_INVALID);
    cr_assert_eq(elements_of(0, 2, INT64_MAX, &count), STATUS_INVALID);
}

static enum status
check(enum datatype datatype, int64_t count, const void *data, size_t size)
{
    struct tensor t = {
        .datatype = datatype, .rank = 1, .shape = {count}, .data = span_of(data, size)};
    struct fault fault = {0};
    enum status status = tensor_check(&t, &fault);
    cr_assert_eq(status, fault.status);
    cr_assert_eq(status == STATUS_OK, fault.text[0] == '\0');
    return status;
}

Test(tensor, wants_just_the_bytes_of_its_shape)
{
    static const uint8_t zeros[16];
    cr_assert_eq(check(DATATYPE_FP32, 4, zeros, 16), STATUS_OK);
    cr_assert_eq(check(DATATYPE_FP32, 0, NULL, 0), STATUS_OK);
    cr_assert_eq(check(DATATYPE_FP32, 4, zeros, 15), STATUS_INVALID);
    cr_assert_eq(check(DATATYPE_FP32, 3, zeros, 16), STATUS_INVALID);
    cr_assert_eq(check(DATATYPE_FP64, INT64_MAX, zeros, 16), STATUS_INVALID);
    cr_assert_eq(check(DATATYPE_FP64, (int64_t)1 << 61, NULL, 0), STATUS_INVALID);
}

Test(tensor, walks_the_elements_of_BYTES)
{
    static const char two[] = "\x03\0\0\0abc\0\0\0\0";
    cr_assert_eq(check(DATATYPE_BYTES, 2, two, 11), STATUS_OK);
    cr_assert_eq(check(DATATYPE_BYTES, 1, two, 11), STATUS_INVALID);
    cr_assert_eq(check(DATATYPE_BYTES, 3, two, 11), STATUS_INVALID);
    cr_assert_eq(check(DATATYPE_BYTES, 2, two, 10), STATUS_INVALID);
    cr_assert_eq(check(DATATYPE_BYTES, 1, two, 6), STATUS_INVALID);
    cr_assert_eq(check(DATATYPE_BYTES, 1, "\xff\xff\xff\xff", 4), STATUS_INVALID);
    cr_assert_eq(check(DATATYPE_BYTES, INT64_MAX, two, 11), STATUS_INVALID);
    cr_assert_eq(check(DATATYPE_BYTES, 0, NULL, 0), STATUS_OK);
}

Test(tensor, refuses_more_dimensions_than_it_has_room_for)
{
    struct tensor t = {.datatype = DATATYPE_INT8, .rank = TENSOR_RANK_MAX + 1};
    cr_assert_eq(tensor_check(&t, NULL), STATUS_TOO_LARGE);
}
