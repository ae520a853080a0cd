/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the versions that are there are served. */
#include "batcher/version_policy.h"

#include <criterion/criterion.h>

#include <string.h>

static struct version_policy
policy(const char *text)
{
    struct version_policy p;
    struct fault fault = {.text = ""};
    cr_assert_eq(version_policy_read(&p, text, &fault), STATUS_OK, "%s", fault.text);
    return p;
}

static size_t
selected(const char *text, uint32_t numbers[static 5])
{
    static const uint32_t there[] = {12, 10, 9, 3, 1};
    struct version_policy p = policy(text);
    memcpy(numbers, there, sizeof there);
    return version_policy_select(&p, numbers, 5);
}

Test(version_policy, serves_the_newest_alone_where_nothing_is_said)
{
    uint32_t numbers[] = {12, 10};
    struct version_policy p;
    version_policy_init(&p);
    cr_assert_eq(version_policy_select(&p, numbers, 2), 1);
    cr_assert_eq(version_policy_select(&p, numbers, 0), 0);
}

Test(version_policy, selects_newest_all_and_listed_versions)
{
    uint32_t numbers[5];
    cr_assert_eq(selected("latest", numbers), 1);
    cr_assert_eq(numbers[0], 12);
    cr_assert_eq(selected("latest:2", numbers), 2);
    cr_assert_eq(numbers[1], 10);
    cr_assert_eq(selected("latest:9", numbers), 5);
    cr_assert_eq(selected("all", numbers), 5);
    cr_assert_eq(selected("specific:1,12,7", numbers), 2, "7 is not there");
    cr_assert_eq(numbers[0], 12, "newest first, whatever the order of the list");
    cr_assert_eq(numbers[1], 1);
}

Test(version_policy, names_the_version_that_is_listed_and_not_there)
{
    static const uint32_t there[] = {3, 1};
    struct version_policy p = policy("specific:1,7,3");
    cr_assert_eq(version_policy_missing(&p, there, 2), 7);
    p = policy("specific:3,1");
    cr_assert_eq(version_policy_missing(&p, there, 2), 0);
    p = policy("all");
    cr_assert_eq(version_policy_missing(&p, there, 0), 0);
}

Test(version_policy, refuses_what_is_no_policy)
{
    static const char *const wrong[] = {"",
                                        "newest",
                                        "latest:",
                                        "latest:0",
                                        "latest:33",
                                        "latest:1,2",
                                        "all:2",
                                        "specific",
                                        "specific:",
                                        "specific:0",
                                        "specific:1,",
                                        "specific:,1",
                                        "specific:1 ,2",
                                        "specific:4294967296",
                                        "LATEST"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct version_policy p = {.newest = 5};
        struct fault fault = {.text = ""};
        cr_assert_eq(version_policy_read(&p, wrong[i], &fault), STATUS_INVALID, "%s",
                     wrong[i]);
        cr_assert_eq(p.newest, 5, "untouched on error");
        cr_assert_neq(fault.text[0], '\0');
    }
}

Test(version_policy, takes_numbers_as_folders_are_named)
{
    cr_assert_eq(version_number("1"), 1);
    cr_assert_eq(version_number("4294967295"), UINT32_MAX);
    static const char *const none[] = {
        "",   "0",  "01", "v1",         "1.0",
        "1 ", "-1", "+1", "4294967296", "99999999999999999999"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        cr_assert_eq(version_number(none[i]), 0, "%s", none[i]);
    }
}
