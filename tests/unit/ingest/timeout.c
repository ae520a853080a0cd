/* SPDX-License-Identifier: Apache-2.0 */
/* Request-Timeout in all its forms, and which of several timeouts counts. */
#include "ingest/timeout.h"

#include <criterion/criterion.h>

#include <string.h>

static int64_t
read_header(const char *text)
{
    int64_t ms = -1;
    struct fault fault = {0};
    cr_assert_eq(timeout_read(span_of_text(text), &ms, &fault), STATUS_OK, "%s: %s",
                 text, fault.text);
    return ms;
}

Test(timeout, seconds_are_whole_or_decimal_and_rounded_up_to_milliseconds)
{
    cr_assert_eq(read_header("1"), 1000);
    cr_assert_eq(read_header("0.25"), 250);
    cr_assert_eq(read_header("  2.5\t"), 2500);
    cr_assert_eq(read_header("0.0001"), 1);
    cr_assert_eq(read_header("1.0005"), 1001);
    cr_assert_eq(read_header("1e-1"), 100);
}

Test(timeout, more_than_a_year_is_none)
{
    cr_assert_eq(read_header("31622401"), 0);
    cr_assert_eq(read_header("1e300"), 0);
    cr_assert_eq(read_header("31622400"), 31622400000);
}

Test(timeout, no_header_is_no_timeout)
{
    int64_t ms = -1;
    cr_assert_eq(timeout_read(span_of(NULL, 0), &ms, NULL), STATUS_OK);
    cr_assert_eq(ms, 0);
}

Test(timeout, what_is_no_time_is_refused_in_words)
{
    static const char *const wrong[] = {"",    "0",   "-1",   "0.0",   "ten",
                                        "1s",  "1 2", "nan",  "inf",   "0x10",
                                        "1,5", ".5",  "-0.5", "1e-400"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int64_t ms = -1;
        struct fault fault = {0};
        cr_assert_eq(timeout_read(span_of_text(wrong[i]), &ms, &fault), STATUS_INVALID,
                     "%s", wrong[i]);
        cr_assert_not_null(strstr(fault.text, "Request-Timeout"));
        cr_assert_not_null(strstr(fault.text, wrong[i]));
    }
}

Test(timeout, the_shortest_that_is_given_counts)
{
    struct oip_request none = {0};
    struct oip_request body = {.deadline_ms = 700, .timeout_us = 500001};
    cr_assert_eq(timeout_shortest_ms(0, &none), 0);
    cr_assert_eq(timeout_shortest_ms(9, &none), 9);
    cr_assert_eq(timeout_shortest_ms(0, &body), 501);
    cr_assert_eq(timeout_shortest_ms(900, &body), 501);
    cr_assert_eq(timeout_shortest_ms(300, &body), 300);
    body.timeout_us = 0;
    cr_assert_eq(timeout_shortest_ms(900, &body), 700);
    body.timeout_us = INT64_MAX;
    cr_assert_eq(timeout_shortest_ms(0, &body), 700);
}
