/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is to make room. */
#include "batcher/resident.h"

#include <criterion/criterion.h>

#define NOW_NS (100 * NS_PER_S)

enum { COUNT = 4 };

/* Idle, loaded long ago, asked one second after the other: 0 first. */
static struct resident all[COUNT];

static void
set_up(void)
{
    for (int i = 0; i < COUNT; i++) {
        all[i] = (struct resident){.memory_bytes = 10 << i,
                                   .asked_ns = (10 + i) * NS_PER_S,
                                   .loaded_ns = (5 + i) * NS_PER_S,
                                   .loaded = true};
    }
}

TestSuite(resident, .init = set_up);

static size_t
choose(int64_t waited_ns)
{
    return residents_choose(all, COUNT, NOW_NS - waited_ns, NOW_NS);
}

Test(resident, takes_all_memory_together)
{
    cr_assert_eq(residents_memory(all, COUNT), 150);
    cr_assert_eq(residents_memory(all, 0), 0);
}

Test(resident, lets_the_one_go_that_was_not_asked_for_the_longest)
{
    cr_assert_eq(choose(0), 0);
    all[2].asked_ns = NS_PER_S;
    cr_assert_eq(choose(0), 2);
    all[3].asked_ns = 0;
    cr_assert_eq(choose(0), 3);
}

Test(resident, passes_over_what_is_not_loaded)
{
    all[0].loaded = false;
    cr_assert_eq(choose(0), 1);
    for (int i = 0; i < COUNT; i++) {
        all[i].loaded = false;
    }
    cr_assert_eq(choose(0), COUNT);
    cr_assert_eq(residents_choose(all, 0, 0, NOW_NS), 0);
}

Test(resident, passes_over_what_takes_nothing_of_the_memory_that_is_short)
{
    all[0].memory_bytes = 0;
    cr_assert_eq(choose(0), 1);
    cr_assert_eq(residents_count(all, COUNT), COUNT - 1);
    for (int i = 0; i < COUNT; i++) {
        all[i].memory_bytes = 0;
    }
    cr_assert_eq(choose(0), COUNT);
    cr_assert_eq(residents_count(all, COUNT), 0);
}

Test(resident, lets_an_idle_one_go_before_a_busy_one)
{
    all[0].busy = true;
    cr_assert_eq(choose(10 * NS_PER_S), 1);
}

Test(resident, lets_busy_ones_go_by_turns_after_their_term)
{
    for (int i = 0; i < COUNT; i++) {
        all[i].busy = true;
    }
    cr_assert_eq(choose(RESIDENT_TERM_NS - 1), COUNT);
    cr_assert_eq(choose(RESIDENT_TERM_NS), 0);
    all[0].loaded_ns = NOW_NS - RESIDENT_TERM_NS + 1;
    cr_assert_eq(choose(RESIDENT_TERM_NS), 1);
    for (int i = 0; i < COUNT; i++) {
        all[i].loaded_ns = NOW_NS - 1;
    }
    cr_assert_eq(choose(10 * NS_PER_S), COUNT);
}
