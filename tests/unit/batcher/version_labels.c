/* SPDX-License-Identifier: Apache-2.0 */
/* Names for versions, and what becomes of them when the file changes. */
#include "batcher/version_labels.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

static struct version_labels
one(const char *name, uint32_t number)
{
    struct version_labels labels = {.count = 0};
    cr_assert_eq(version_labels_add(&labels, name, number, 7), STATUS_OK);
    return labels;
}

static const struct version_label *
find(const struct version_labels *labels, const char *name)
{
    return version_labels_find(labels, span_of_text(name));
}

Test(version_labels, are_named_by_letters_digits_dashes_and_underscores_but_no_number)
{
    char longest[VERSION_LABEL_BYTES + 1];
    memset(longest, 'a', sizeof longest);
    longest[VERSION_LABEL_BYTES] = '\0';
    cr_assert_not(version_label_is_name(longest));
    longest[VERSION_LABEL_BYTES - 1] = '\0';
    cr_assert(version_label_is_name(longest));
    cr_assert(version_label_is_name("stable"));
    cr_assert(version_label_is_name("v2_blue-Green"));
    cr_assert(version_label_is_name("2a"));
    static const char *const none[] = {"", "2", "007", "a.b", "a b", "a/b", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        cr_assert_not(version_label_is_name(none[i]), "%s", none[i]);
    }
}

Test(version_labels, are_found_by_their_whole_name)
{
    struct version_labels labels = one("stable", 2);
    cr_assert_eq(find(&labels, "stable")->number, 2);
    cr_assert_null(find(&labels, "stab"));
    cr_assert_null(find(&labels, "stables"));
    cr_assert_null(version_labels_find(&labels, span_of(NULL, 0)));
}

Test(version_labels, are_no_more_than_their_bound)
{
    struct version_labels labels = {.count = 0};
    char name[16];
    for (int i = 0; i < VERSION_LABELS_MAX; i++) {
        snprintf(name, sizeof name, "l%d", i);
        cr_assert_eq(version_labels_add(&labels, name, 1, 1), STATUS_OK);
    }
    cr_assert_eq(version_labels_add(&labels, "more", 1, 1), STATUS_FULL);
}

Test(version_labels, are_equal_in_any_order_and_wherever_they_pointed_before)
{
    struct version_labels a = one("stable", 2);
    struct version_labels b = one("canary", 3);
    cr_assert_eq(version_labels_add(&a, "canary", 3, 8), STATUS_OK);
    cr_assert_not(version_labels_equal(&a, &b));
    cr_assert_not(version_labels_equal(&b, &a));
    cr_assert_eq(version_labels_add(&b, "stable", 2, 9), STATUS_OK);
    b.items[0].before = 1;
    cr_assert(version_labels_equal(&a, &b));
    b.items[0].number = 4;
    cr_assert_not(version_labels_equal(&a, &b));
}

Test(version_labels, remember_the_version_that_answers_until_the_new_one_does)
{
    struct version_labels labels = one("stable", 2);
    const struct version_labels three = one("stable", 3);
    const struct version_labels four = one("stable", 4);
    const struct version_labels two = one("stable", 2);
    version_labels_replace(&labels, &two);
    cr_assert_eq(find(&labels, "stable")->before, 0);
    version_labels_replace(&labels, &three);
    cr_assert_eq(find(&labels, "stable")->number, 3);
    cr_assert_eq(find(&labels, "stable")->before, 2);
    version_labels_replace(&labels, &four);
    cr_assert_eq(find(&labels, "stable")->number, 4);
    cr_assert_eq(find(&labels, "stable")->before, 2);
    version_labels_replace(&labels, &two);
    cr_assert_eq(find(&labels, "stable")->before, 0);
    const struct version_labels other = one("canary", 3);
    version_labels_replace(&labels, &other);
    cr_assert_null(find(&labels, "stable"));
    cr_assert_eq(find(&labels, "canary")->before, 0);
}
