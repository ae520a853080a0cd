/* SPDX-License-Identifier: Apache-2.0 */
/* The largest values of a row, in order. */
#include "runner/dense_top.h"

#include <criterion/criterion.h>

#include <math.h>

Test(dense_top, orders_by_value_and_equal_ones_by_index)
{
    static const float values[] = {0.25F, 0.5F, 0.0F, 0.5F, 0.25F};
    static const int32_t order[] = {1, 3, 0, 4, 2};
    int32_t classes[5];
    float scores[5];
    dense_top(values, 5, 5, classes, scores);
    for (size_t i = 0; i < 5; i++) {
        cr_assert_eq(classes[i], order[i]);
        cr_assert_eq(scores[i], values[order[i]]);
    }
}

Test(dense_top, leaves_nan_out_and_says_so_where_nothing_else_is_left)
{
    const float values[] = {NAN, 1.0F, NAN};
    int32_t classes[2];
    float scores[2];
    dense_top(values, 3, 2, classes, scores);
    cr_assert_eq(classes[0], 1);
    cr_assert_eq(classes[1], -1);
    cr_assert(isnan(scores[1]));
}
