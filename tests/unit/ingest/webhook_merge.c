/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/webhook_merge.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#define ID(digits)  "00000000-0000-7000-8000-0000000000" digits
#define ONE(digits) "{\"id\":\"" ID(digits) "\"}"

static struct webhook_merge merge;

static void
add(const char *page)
{
    cr_assert_eq(webhook_merge_add(&merge, span_of_text(page)), STATUS_OK, "%s", page);
}

static void
expect(size_t limit, const char *text)
{
    struct buf out;
    buf_init(&out, 4096);
    webhook_merge_write(&merge, limit, &out);
    cr_assert(span_is_text(buf_span(&out), text), "%.*s", (int)out.size,
              (const char *)out.data);
    buf_fini(&out);
}

static void
setup(void)
{
    webhook_merge_init(&merge);
}

static void
teardown(void)
{
    webhook_merge_fini(&merge);
}

TestSuite(webhook_merge, .init = setup, .fini = teardown);

Test(webhook_merge, puts_pages_in_the_order_of_ids)
{
    add("{\"webhooks\":[" ONE("02") "," ONE("05") "]}");
    add("{\"partitions\":3,\"webhooks\":[" ONE("01") "," ONE("04") "]}");
    add("{\"partitions\":2,\"webhooks\":[]}");
    expect(10,
           "{\"webhooks\":[" ONE("01") "," ONE("02") "," ONE("04") "," ONE("05") "]}");
    cr_assert_eq(merge.partitions, 5);
}

Test(webhook_merge, keeps_a_delivery_as_it_was_written)
{
    static const char page[] = "{\"webhooks\":[{\"state\":\"pending\",\"id\":\"" ID(
        "01") "\",\"reason\":\"a \\\"b\\\" }\"}]}";
    add(page);
    expect(1, page);
}

Test(webhook_merge, ends_at_its_limit_and_says_where_to_go_on)
{
    add("{\"webhooks\":[" ONE("01") "," ONE("03") "]}");
    add("{\"webhooks\":[" ONE("02") "]}");
    expect(2, "{\"webhooks\":[" ONE("01") "," ONE("02") "],\"next\":\"" ID("03") "\"}");
}

/* What is behind it may be missing in that page. */
Test(webhook_merge, tells_nothing_behind_a_page_that_goes_on)
{
    add("{\"webhooks\":[" ONE("01") "," ONE("05") "]}");
    add("{\"webhooks\":[" ONE("02") "],\"next\":\"" ID("04") "\"}");
    add("{\"webhooks\":[" ONE("03") "],\"next\":\"" ID("09") "\"}");
    expect(10, "{\"webhooks\":[" ONE("01") "," ONE("02") "," ONE(
                   "03") "],\"next\":\"" ID("04") "\"}");
}

Test(webhook_merge, goes_on_though_a_page_holds_nothing)
{
    add("{\"webhooks\":[],\"next\":\"" ID("02") "\"}");
    add("{\"webhooks\":[" ONE("07") "]}");
    expect(10, "{\"webhooks\":[],\"next\":\"" ID("02") "\"}");
}

Test(webhook_merge, tells_once_of_what_two_have)
{
    add("{\"webhooks\":[" ONE("01") "," ONE("02") "]}");
    add("{\"webhooks\":[" ONE("02") "," ONE("03") "]}");
    expect(3, "{\"webhooks\":[" ONE("01") "," ONE("02") "," ONE("03") "]}");
}

Test(webhook_merge, refuses_what_is_no_page)
{
    static const char *const pages[] = {
        "",
        "[]",
        "{\"webhooks\":{}}",
        "{\"webhooks\":[1]}",
        "{\"webhooks\":[{}]}",
        "{\"webhooks\":[{\"id\":\"x\"}]}",
        "{\"webhooks\":[{\"id\":1}]}",
        "{\"webhooks\":[" ONE("01") "]",
        "{\"webhooks\":[],\"next\":\"\"}",
        "{\"webhooks\":[],\"partitions\":\"1\"}",
    };
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        cr_assert_eq(webhook_merge_add(&merge, span_of_text(pages[i])), STATUS_INVALID,
                     "%s", pages[i]);
    }
    expect(10, "{\"webhooks\":[]}");
}
