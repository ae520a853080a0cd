/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/prefer.h"

#include <criterion/criterion.h>

static struct prefer
parsed(const char *header)
{
    return prefer_parse(span_of_text(header));
}

Test(prefer, reads_both_preferences_in_any_order_and_case)
{
    struct prefer p = parsed("Respond-Async, wait=10");
    cr_assert(p.respond_async);
    cr_assert_eq(p.wait_s, 10);
    p = parsed("foo; bar=1 , wait = \"7\";x=y,RESPOND-ASYNC");
    cr_assert(p.respond_async);
    cr_assert_eq(p.wait_s, 7);
}

Test(prefer, wants_nothing_without_a_header)
{
    struct prefer p = prefer_parse((struct span){0});
    cr_assert_not(p.respond_async);
    cr_assert_eq(p.wait_s, -1);
}

Test(prefer, takes_the_first_wait)
{
    cr_assert_eq(parsed("wait=3, wait=9").wait_s, 3);
    cr_assert_eq(parsed("wait=0").wait_s, 0);
}

Test(prefer, ignores_what_makes_no_sense)
{
    static const char *const headers[] = {
        "wait",
        "wait=",
        "wait=-1",
        "wait=1.5",
        "wait=99999999999",
        "wait=\"",
        "wait=\"\"",
        ";;,,==",
        "respond-asyncx",
        "x=\"respond-async,\"",
        "respond async",
        ",",
        "\"",
        "wait=\"1\\",
    };
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        struct prefer p = parsed(headers[i]);
        cr_assert_not(p.respond_async, "%s", headers[i]);
        cr_assert_eq(p.wait_s, -1, "%s", headers[i]);
    }
}
