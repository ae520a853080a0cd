/* SPDX-License-Identifier: Apache-2.0 */
/* Where an answer may go, and where it goes. */
#include "batcher/reply_route.h"

#include <criterion/criterion.h>

#include <string.h>

static const char replies[] = "leat.replies";

static enum status
route(const struct reply_wish *wish, const char *allow, struct reply_route *out)
{
    struct fault fault = {.text = ""};
    enum status status = reply_route(wish, span_of_text(replies), allow, out, &fault);
    cr_assert_eq(status != STATUS_OK, fault.text[0] != '\0');
    return status;
}

Test(reply_route, leads_to_the_replies_topic_without_a_wish)
{
    const struct reply_wish wish = {.field = {.partition = -1}};
    struct reply_route out;
    cr_assert_eq(route(&wish, NULL, &out), STATUS_OK);
    cr_assert_eq(out.topic.size, 0);
    cr_assert_eq(out.partition, -1);
}

Test(reply_route, honours_the_field_before_the_headers)
{
    const struct reply_wish wish = {
        .field = {.topic = span_of_text("mine"), .partition = 3},
        .header_topic = span_of_text("theirs")};
    struct reply_route out;
    cr_assert_eq(route(&wish, "mine,theirs", &out), STATUS_OK);
    cr_assert(span_is_text(out.topic, "mine"));
    cr_assert_eq(out.partition, 3);
}

Test(reply_route, honours_spring_headers)
{
    static const uint8_t seven[] = {0, 0, 0, 7};
    const struct reply_wish wish = {.field = {.partition = -1},
                                    .header_topic = span_of_text("app.replies"),
                                    .header_partition = span_of(seven, 4)};
    struct reply_route out;
    cr_assert_eq(route(&wish, "app.*", &out), STATUS_OK);
    cr_assert(span_is_text(out.topic, "app.replies"));
    cr_assert_eq(out.partition, 7);
}

Test(reply_route, refuses_a_partition_header_that_is_no_number)
{
    static const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff, 0};
    struct reply_wish wish = {.header_topic = span_of_text("app.replies")};
    struct reply_route out;
    for (size_t size = 1; size <= sizeof bytes; size++) {
        wish.header_partition = span_of(bytes, size);
        cr_assert_eq(route(&wish, "app.*", &out), STATUS_INVALID);
    }
}

Test(reply_route, refuses_topics_that_are_not_on_the_list)
{
    struct reply_wish wish = {.field = {.topic = span_of_text("leat.models")}};
    struct reply_route out;
    cr_assert_eq(route(&wish, NULL, &out), STATUS_INVALID);
    cr_assert_eq(route(&wish, "", &out), STATUS_INVALID);
    cr_assert_eq(route(&wish, "leat.model, leat.models2", &out), STATUS_INVALID);
    cr_assert_eq(out.topic.size, 0);
}

Test(reply_route, always_allows_the_replies_topic_itself)
{
    struct reply_wish wish = {
        .field = {.topic = span_of_text(replies), .partition = 2}};
    struct reply_route out;
    cr_assert_eq(route(&wish, NULL, &out), STATUS_OK);
    cr_assert_eq(out.topic.size, 0);
    cr_assert_eq(out.partition, 2);
}

Test(reply_route, reads_names_and_prefixes_from_the_list)
{
    const char *allow = " a, b.c* ,d";
    cr_assert(reply_topic_allowed(allow, span_of_text("a")));
    cr_assert(reply_topic_allowed(allow, span_of_text("b.cde")));
    cr_assert(reply_topic_allowed(allow, span_of_text("d")));
    cr_assert_not(reply_topic_allowed(allow, span_of_text("b.")));
    cr_assert_not(reply_topic_allowed(allow, span_of_text("dd")));
    cr_assert(reply_topic_allowed("*", span_of_text("anything")));
}
