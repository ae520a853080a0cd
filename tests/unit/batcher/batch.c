/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a batch that was not answered. */
#include "batcher/batch.h"

#include <criterion/criterion.h>

#include <string.h>

static struct item items[64];

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

Test(batch, is_run_again_whole_if_it_did_not_begin)
{
    struct batch *b = make(4);
    cr_assert_eq(batch_judge(b, BATCH_NOT_STARTED), BATCH_RUN_AGAIN);
    cr_assert_not(b->suspect);
    batch_destroy(&b);
}

Test(batch, shares_the_blame_for_a_death_without_counting_it)
{
    struct batch *b = make(2);
    cr_assert_eq(batch_judge(b, BATCH_NOT_ALONE), BATCH_SPLIT);
    struct batch *rest = batch_split(b);
    cr_assert(rest->suspect);
    cr_assert_eq(batch_judge(rest, BATCH_NOT_ALONE), BATCH_RUN_AGAIN);
    cr_assert_eq(batch_judge(rest, BATCH_DIED), BATCH_RUN_AGAIN);
    cr_assert_eq(batch_judge(rest, BATCH_DIED), BATCH_GIVE_UP);
    batch_destroy(&b);
    batch_destroy(&rest);
}

Test(batch, loses_and_finds_single_items)
{
    struct batch *b = make(3);
    items[1].entry.partition = 7;
    items[1].entry.offset = 40;
    cr_assert(batch_has(b, &items[1]));
    cr_assert(batch_has_above(b, 7, 39));
    cr_assert_not(batch_has_above(b, 7, 40));
    cr_assert(batch_remove(b, &items[1]));
    cr_assert_not(batch_remove(b, &items[1]));
    cr_assert_not(batch_has_above(b, 7, -1));
    cr_assert_eq(b->count, 2);
    cr_assert_eq(b->rows, 4);
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

/** Runs a batch, and again what becomes of it, where one item makes every run end so;
 * gives the runs after the first. */
static unsigned
run_with_poison(enum batch_end first, enum batch_end end, const struct item *poison)
{
    struct batch *waiting = make(64);
    unsigned runs = 0;
    size_t good = 0;
    while (waiting != NULL) {
        struct batch *b = waiting;
        waiting = b->next;
        runs++;
        if (!batch_has(b, poison)) {
            good += b->count;
            batch_destroy(&b);
            continue;
        }
        switch (batch_judge(b, runs == 1 ? first : end)) {
        case BATCH_RUN_AGAIN:
            b->next = waiting;
            waiting = b;
            break;
        case BATCH_SPLIT: {
            struct batch *rest = batch_split(b);
            rest->next = waiting;
            b->next = rest;
            waiting = b;
            break;
        }
        case BATCH_GIVE_UP:
            cr_assert_eq(b->count, 1);
            batch_destroy(&b);
            break;
        }
    }
    cr_assert_eq(good, 63);
    return runs - 1;
}

Test(batch, needs_few_runs_to_find_one_poison_in_64_wherever_it_stands)
{
    enum { RUNS_MAX = 2 * 6 + 1 };
    for (size_t i = 0; i < 64; i++) {
        const struct item *poison = &items[i];
        cr_assert_leq(run_with_poison(BATCH_FAILED, BATCH_FAILED, poison), RUNS_MAX);
        cr_assert_leq(run_with_poison(BATCH_DIED, BATCH_DIED, poison), RUNS_MAX);
        cr_assert_leq(run_with_poison(BATCH_NOT_ALONE, BATCH_DIED, poison), RUNS_MAX);
    }
}
