/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a batch that was not answered. */
#include "batcher/batch.h"

#include <criterion/criterion.h>

#include <string.h>

static struct item items[16];

static struct batch *
make(size_t count)
{
    struct former_list list = {0};
    memset(items, 0, sizeof items);
    for (size_t i = 0; i < count; i++) {
        items[i].entry.rows = (uint32_t)i + 1;
        items[i].entry.next = i + 1 < count ? &items[i + 1].entry : NULL;
    }
    list.first = &items[0].entry;
    struct batch *b = batch_create(&list);
    cr_assert_not_null(b);
    cr_assert_eq(b->count, count);
    return b;
}

Test(batch, splits_into_halves_that_keep_the_order_and_count_their_rows)
{
    struct batch *b = make(5);
    cr_assert_eq(b->rows, 15);
    struct batch *rest = batch_split(b);
    cr_assert_eq(b->count, 3);
    cr_assert_eq(b->rows, 6);
    cr_assert_eq(rest->count, 2);
    cr_assert_eq(rest->rows, 9);
    cr_assert_eq(b->first, &items[0]);
    cr_assert_eq(rest->first, &items[3]);
    cr_assert_eq(rest->first->next, &items[4]);
    cr_assert_null(rest->first->next->next);
    batch_destroy(&b);
    batch_destroy(&rest);
}

Test(batch, is_run_again_whole_if_it_is_not_to_blame)
{
    struct batch *b = make(4);
    cr_assert_eq(batch_judge(b, BATCH_NOT_STARTED), BATCH_RUN_AGAIN);
    cr_assert_not(b->suspect);
    cr_assert_eq(batch_judge(b, BATCH_NOT_ALONE), BATCH_RUN_AGAIN);
    cr_assert(b->suspect);
    batch_destroy(&b);
}

Test(batch, is_split_when_it_failed_and_a_single_item_is_given_up)
{
    struct batch *b = make(2);
    cr_assert_eq(batch_judge(b, BATCH_FAILED), BATCH_SPLIT);
    cr_assert_eq(batch_judge(b, BATCH_OUT_OF_MEMORY), BATCH_SPLIT);
    cr_assert_not(b->suspect);
    struct batch *rest = batch_split(b);
    cr_assert_eq(batch_judge(b, BATCH_FAILED), BATCH_GIVE_UP);
    cr_assert_eq(batch_judge(rest, BATCH_OUT_OF_MEMORY), BATCH_GIVE_UP);
    batch_destroy(&b);
    batch_destroy(&rest);
}

Test(batch, gives_a_single_item_a_second_life_and_no_third)
{
    struct batch *b = make(1);
    cr_assert_eq(batch_judge(b, BATCH_DIED), BATCH_RUN_AGAIN);
    cr_assert(b->suspect);
    cr_assert_eq(batch_judge(b, BATCH_DIED), BATCH_GIVE_UP);
    batch_destroy(&b);
}

Test(batch, is_forgiven_one_lost_device)
{
    struct batch *b = make(2);
    cr_assert_eq(batch_judge(b, BATCH_DEVICE_LOST), BATCH_RUN_AGAIN);
    cr_assert_eq(batch_judge(b, BATCH_DEVICE_LOST), BATCH_SPLIT);
    struct batch *rest = batch_split(b);
    cr_assert(rest->suspect);
    cr_assert_eq(batch_judge(rest, BATCH_DEVICE_LOST), BATCH_RUN_AGAIN);
    cr_assert_eq(batch_judge(rest, BATCH_DEVICE_LOST), BATCH_GIVE_UP);
    batch_destroy(&b);
    batch_destroy(&rest);
}
