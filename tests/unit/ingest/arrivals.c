/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/arrivals.h"

#include <criterion/criterion.h>

enum { MS = 1000 };

static struct arrivals a;

static void
setup(void)
{
    arrivals_init(&a);
}

TestSuite(arrivals, .init = setup);

Test(arrivals, says_nothing_stood_before_when_nothing_is_known)
{
    cr_assert_eq(arrivals_at(&a, 1000), 0);
}

Test(arrivals, tells_what_was_stored_at_a_moment)
{
    arrivals_note(&a, 1000 * MS, 10);
    arrivals_note(&a, 2000 * MS, 30);
    cr_assert_eq(arrivals_at(&a, 1000 * MS), 10);
    cr_assert_eq(arrivals_at(&a, 1500 * MS), 20);
    cr_assert_eq(arrivals_at(&a, 2000 * MS), 30);
    cr_assert_eq(arrivals_at(&a, 9000 * MS), 30);
}

Test(arrivals, takes_the_oldest_known_for_what_came_before)
{
    arrivals_note(&a, 1000 * MS, 10);
    arrivals_note(&a, 2000 * MS, 30);
    cr_assert_eq(arrivals_at(&a, 1), 10);
}

Test(arrivals, does_not_spread_a_burst_over_the_pause_after_it)
{
    for (int i = 0; i <= 100; i++) {
        arrivals_note(&a, 1000 * MS + i * 40, i); /* 100 in 4 ms */
    }
    arrivals_note(&a, 60000 * MS, 100);
    arrivals_note(&a, 61000 * MS, 500);
    cr_assert_eq(arrivals_at(&a, 1004 * MS), 100);
    cr_assert_eq(arrivals_at(&a, 30000 * MS), 100);
}

Test(arrivals, never_falls_when_the_clock_is_set_back)
{
    arrivals_note(&a, 1000 * MS, 10);
    arrivals_note(&a, 2000 * MS, 30);
    arrivals_note(&a, 500 * MS, 40);
    arrivals_note(&a, 600 * MS, 35);
    arrivals_note(&a, 3000 * MS, 50);
    int64_t last = 0;
    for (int64_t t = 0; t < 4000; t += 10) {
        int64_t total = arrivals_at(&a, t * MS);
        cr_assert_geq(total, last);
        last = total;
    }
    cr_assert_eq(last, 50);
}

Test(arrivals, corrects_what_was_noted_as_too_much)
{
    arrivals_note(&a, 1000 * MS, 10);
    arrivals_note(&a, 1100 * MS, 13);
    arrivals_note(&a, 1200 * MS, 12);
    cr_assert_eq(arrivals_at(&a, 1000 * MS), 10);
    cr_assert_eq(arrivals_at(&a, 1100 * MS), 12);
    cr_assert_eq(arrivals_at(&a, 1200 * MS), 12);
}

Test(arrivals, stays_within_a_share_of_a_long_backlog)
{
    enum { SECONDS = 600, PER_S = 100 };
    for (int64_t i = 0; i <= SECONDS * PER_S; i++) {
        arrivals_note(&a, i * MS * 1000 / PER_S, i);
        cr_assert_leq(a.count, ARRIVALS_MAX);
    }
    for (int64_t s = 1; s < SECONDS; s += 7) {
        int64_t total = arrivals_at(&a, s * 1000 * MS);
        int64_t off = total - s * PER_S;
        cr_assert(off >= -PER_S && off <= PER_S, "%lld s: %lld", (long long)s,
                  (long long)total);
    }
}

Test(arrivals, count_on_from_what_is_learnt_later)
{
    arrivals_note(&a, 1000 * MS, 0);
    arrivals_note(&a, 2000 * MS, 1);
    arrivals_shift(&a, 500);
    arrivals_note(&a, 3000 * MS, 502);
    cr_assert_eq(arrivals_at(&a, 1000 * MS), 500);
    cr_assert_eq(arrivals_at(&a, 2000 * MS), 501);
    cr_assert_eq(arrivals_at(&a, 3000 * MS), 502);
}

Test(arrivals, forgets_what_is_answered_and_gets_fine_again)
{
    for (int64_t i = 0; i <= 100000; i++) {
        arrivals_note(&a, i * 10 * MS, i);
    }
    cr_assert_gt(a.grain_us, 5 * MS);
    arrivals_trim(&a, 99990);
    cr_assert_leq(a.count, 3);
    cr_assert_eq(a.grain_us, 5 * MS);
    cr_assert_geq(arrivals_at(&a, 1000000 * MS), 99990);
    arrivals_trim(&a, 200000);
    cr_assert_eq(a.count, 1);
}
