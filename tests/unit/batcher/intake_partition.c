/* SPDX-License-Identifier: Apache-2.0 */
/* When a partition of the requests is paused, and what of it may be committed. */
#include "batcher/intake_partition.h"

#include <criterion/criterion.h>

static const struct intake_share share = {.requests = 10, .bytes = 1000};

static struct intake_set
set_of(int32_t count)
{
    struct intake_set set = {0};
    for (int32_t i = 0; i < count; i++) {
        cr_assert(intake_set_grow(&set, i));
        intake_partition_assign(&set.items[i], 1);
    }
    return set;
}

static void
take(struct intake_partition *p, int64_t first, int64_t end, size_t bytes)
{
    for (int64_t offset = first; offset < end; offset++) {
        cr_assert_eq(intake_partition_begin(p, offset, bytes), STATUS_OK);
        intake_partition_bound(p, &share);
    }
}

static void
end(struct intake_partition *p, int64_t offset, size_t bytes)
{
    intake_partition_end(p, offset, bytes);
    intake_partition_bound(p, &share);
}

Test(intake_partition, pauses_over_its_share_of_requests_and_resumes_at_half)
{
    struct intake_set set = set_of(2);
    struct intake_partition *p = &set.items[0];
    take(p, 0, 10, 1);
    cr_assert(!intake_partition_wants_pause(p));
    take(p, 10, 11, 1);
    cr_assert(intake_partition_wants_pause(p));
    cr_assert(!intake_partition_wants_pause(&set.items[1]));
    for (int64_t offset = 0; offset < 5; offset++) {
        end(p, offset, 1);
        cr_assert(intake_partition_wants_pause(p), "6 in hand are over half");
    }
    end(p, 5, 1);
    cr_assert(!intake_partition_wants_pause(p));
    cr_assert_eq(intake_set_in_hand(&set), 5);
    intake_set_fini(&set);
}

Test(intake_partition, pauses_over_its_share_of_bytes_and_resumes_at_half)
{
    struct intake_set set = set_of(1);
    struct intake_partition *p = &set.items[0];
    take(p, 0, 1, 1000);
    cr_assert(!intake_partition_wants_pause(p));
    take(p, 1, 2, 1);
    cr_assert(intake_partition_wants_pause(p));
    end(p, 1, 1);
    cr_assert(intake_partition_wants_pause(p));
    intake_partition_give_back(p, 1000);
    intake_partition_bound(p, &share);
    cr_assert(!intake_partition_wants_pause(p));
    intake_set_fini(&set);
}

Test(intake_partition, has_no_share_when_it_is_the_only_one)
{
    static const struct intake_share none = {0};
    struct intake_set set = set_of(1);
    take(&set.items[0], 0, 5000, 1000);
    cr_assert(intake_partition_wants_pause(&set.items[0]));
    intake_partition_bound(&set.items[0], &none);
    cr_assert(!intake_partition_wants_pause(&set.items[0]));
    intake_set_fini(&set);
}

Test(intake_partition, pauses_for_a_long_window_though_little_is_in_hand)
{
    enum { WINDOW = 1 << 16 };
    struct intake_set set = set_of(1);
    struct intake_partition *p = &set.items[0];
    cr_assert_eq(intake_partition_begin(p, 0, 0), STATUS_OK);
    for (int64_t offset = 1; offset < WINDOW; offset++) {
        take(p, offset, offset + 1, 0);
        end(p, offset, 0);
    }
    cr_assert(intake_partition_wants_pause(p));
    end(p, 0, 0);
    cr_assert(!intake_partition_wants_pause(p));
    cr_assert_eq(intake_partition_committable(p), WINDOW);
    intake_set_fini(&set);
}

Test(intake_partition, never_commits_past_what_was_given_back)
{
    struct intake_set set = set_of(1);
    struct intake_partition *p = &set.items[0];
    cr_assert_eq(intake_partition_committable(p), -1);
    take(p, 7, 9, 1);
    intake_partition_give_back(p, 1);
    end(p, 8, 1);
    cr_assert_eq(intake_partition_committable(p), 7);
    intake_set_fini(&set);
}

Test(intake_partition, takes_records_of_a_log_made_anew_from_its_beginning)
{
    struct intake_set set = set_of(1);
    struct intake_partition *p = &set.items[0];
    take(p, 100, 103, 1);
    cr_assert_eq(intake_partition_begin(p, 0, 1), STATUS_INVALID);
    intake_partition_restart(p, 2);
    cr_assert_eq(intake_partition_committable(p), -1);
    take(p, 0, 2, 1);
    end(p, 0, 1);
    cr_assert_eq(intake_partition_committable(p), 1);
    cr_assert_eq(p->assigned, 1, "what is in hand is still ours to answer");
    intake_set_fini(&set);
}

Test(intake_partition, commits_nothing_of_a_topic_that_is_gone_until_it_proves_there)
{
    struct intake_set set = set_of(1);
    struct intake_partition *p = &set.items[0];
    take(p, 0, 2, 1);
    end(p, 0, 1);
    p->topic_gone = true;
    cr_assert_eq(intake_partition_committable(p), -1);
    take(p, 2, 3, 1);
    cr_assert_eq(intake_partition_committable(p), 1);
    intake_set_fini(&set);
}

Test(intake_partition, keeps_only_partitions_with_possible_numbers)
{
    struct intake_set set = set_of(3);
    cr_assert(!intake_set_grow(&set, 1 << 20));
    cr_assert_null(intake_set_find(&set, -1));
    cr_assert_null(intake_set_find(&set, 3));
    set.items[1].owned = false;
    cr_assert_null(intake_set_find(&set, 1));
    cr_assert_eq(intake_set_owned(&set), 2);
    intake_set_fini(&set);
}
