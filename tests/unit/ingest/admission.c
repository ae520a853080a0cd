/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/admission.h"

#include "base/clock.h"

#include <criterion/criterion.h>

static struct admission a;

static void
setup(void)
{
    admission_init(&a, 3, 100);
}

TestSuite(admission, .init = setup);

Test(admission, refuses_more_requests_than_its_limit_until_one_leaves)
{
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(admission_take(&a, 1), STATUS_OK);
    }
    cr_assert_eq(admission_take(&a, 1), STATUS_FULL);
    admission_give(&a, 1, 0);
    cr_assert_eq(admission_take(&a, 1), STATUS_OK);
}

Test(admission, refuses_more_bytes_than_its_limit)
{
    cr_assert_eq(admission_take(&a, 60), STATUS_OK);
    cr_assert_eq(admission_take(&a, 41), STATUS_FULL);
    cr_assert_eq(admission_take(&a, 40), STATUS_OK);
    admission_give(&a, 60, 0);
    cr_assert_eq(a.bytes, 40);
    cr_assert_eq(a.requests, 1);
}

Test(admission, says_that_a_request_over_the_whole_limit_never_fits)
{
    cr_assert_eq(admission_take(&a, 101), STATUS_TOO_LARGE);
    cr_assert_eq(admission_take(&a, 100), STATUS_OK);
}

Test(admission, asks_to_wait_for_as_long_as_a_tenth_of_the_limit_takes_to_drain)
{
    admission_init(&a, 1000, 1000000);
    int64_t now_ns = 0;
    for (int i = 0; i < 200; i++) {
        cr_assert_eq(admission_take(&a, 1), STATUS_OK);
        now_ns += NS_PER_S / 10;
        admission_give(&a, 1, now_ns);
    }
    cr_assert_eq(admission_retry_s(&a, now_ns), 10, "ten a second, a hundred to go");
}

Test(admission, never_says_less_than_a_second_or_more_than_a_minute)
{
    admission_init(&a, 10, 1000000);
    cr_assert_eq(admission_take(&a, 1), STATUS_OK);
    for (int64_t i = 0; i < 100; i++) {
        cr_assert_eq(admission_take(&a, 1), STATUS_OK);
        admission_give(&a, 1, i * NS_PER_S / 20);
    }
    cr_assert_eq(admission_retry_s(&a, 5 * NS_PER_S), 1);
    cr_assert_eq(admission_retry_s(&a, 5000 * NS_PER_S), 60);
}

Test(admission, says_ten_seconds_when_nothing_ever_left)
{
    cr_assert_eq(admission_retry_s(&a, 0), 10);
    cr_assert_eq(admission_retry_s(&a, 100 * NS_PER_S), 10);
}
