/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/sticky.h"

#include "base/clock.h"

#include <criterion/criterion.h>

static struct sticky s;

static void
setup(void)
{
    sticky_init(&s);
}

TestSuite(sticky, .init = setup);

Test(sticky, keeps_to_one_partition_for_as_many_records_as_a_batch_has)
{
    bool turned = false;
    int32_t first = sticky_take(&s, 8, 3, 0, &turned);
    cr_assert(turned);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(sticky_take(&s, 8, 3, 10, &turned), first);
        cr_assert_not(turned);
    }
    cr_assert_neq(sticky_take(&s, 8, 3, 10, &turned), first);
    cr_assert(turned);
}

Test(sticky, moves_on_ten_milliseconds_after_the_first_record)
{
    bool turned = false;
    int32_t first = sticky_take(&s, 8, 100, 5, &turned);
    cr_assert_eq(sticky_take(&s, 8, 100, 4 + 10 * NS_PER_MS, &turned), first);
    cr_assert_neq(sticky_take(&s, 8, 100, 5 + 10 * NS_PER_MS, &turned), first);
    cr_assert(turned);
}

Test(sticky, takes_partitions_in_bit_reversed_order)
{
    static const int32_t expected[] = {0, 4, 2, 6, 1, 5, 3, 7, 0};
    bool turned = false;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        cr_assert_eq(sticky_take(&s, 8, 1, 0, &turned), expected[i]);
    }
}

Test(sticky, visits_each_partition_once_a_round_whatever_their_number)
{
    for (int32_t count = 1; count <= 40; count++) {
        int seen[40] = {0};
        bool turned = false;
        sticky_init(&s);
        for (int32_t i = 0; i < 3 * count; i++) {
            int32_t at = sticky_take(&s, count, 1, 0, &turned);
            cr_assert(at >= 0 && at < count);
            seen[at]++;
        }
        for (int32_t i = 0; i < count; i++) {
            cr_assert_eq(seen[i], 3, "%d of %d partitions", i, count);
        }
    }
}

Test(sticky, leaves_a_partition_that_is_no_more)
{
    bool turned = false;
    sticky_take(&s, 8, 1, 0, &turned);
    cr_assert_eq(sticky_take(&s, 8, 1, 0, &turned), 4);
    cr_assert_lt(sticky_take(&s, 2, 100, 0, &turned), 2);
    cr_assert(turned);
}
