/* SPDX-License-Identifier: Apache-2.0 */
/* How far partitions have been read, and what is told of it. */
#include "results/replay.h"

#include "base/clock.h"

#include <criterion/criterion.h>

#include <string.h>

static struct replay replay;

static void
teardown(void)
{
    replay_fini(&replay);
}

TestSuite(replay, .fini = teardown);

static void
own(int32_t partition, int64_t next)
{
    cr_assert_eq(replay_own(&replay, partition, next, 0, NS_PER_S), STATUS_OK);
}

static void
read_up_to(int32_t partition, int64_t next)
{
    struct replay_part *part = replay_find(&replay, partition);
    cr_assert_not_null(part);
    for (int64_t offset = part->next; offset < next; offset++) {
        replay_read(part, &replay, offset);
    }
}

Test(replay, catches_up_at_the_end_that_was_there_when_the_partition_came)
{
    own(3, 10);
    cr_assert_eq(replay.behind, 1);
    read_up_to(3, 15);
    replay_bound(&replay, 3, 0, 20);
    cr_assert_not(replay_caught_up(&replay, 3));
    cr_assert_eq(replay_left(&replay), 5);
    read_up_to(3, 20);
    cr_assert(replay_caught_up(&replay, 3));
    cr_assert_eq(replay.behind, 0);
    cr_assert_eq(replay.records, 10);
    cr_assert_not(replay_caught_up(&replay, 2), "not ours");
    cr_assert_not(replay_caught_up(&replay, 4000));
}

Test(replay, catches_up_at_once_where_there_is_nothing_to_read)
{
    own(0, 7);
    replay_bound(&replay, 0, 0, 7);
    own(1, -1);
    replay_bound(&replay, 1, 9, 9);
    own(2, 5);
    replay_bound(&replay, 2, 8, 8);
    cr_assert_eq(replay.behind, 0);
    cr_assert_eq(replay.owned, 3);
}

Test(replay, waits_for_where_to_begin)
{
    own(0, -1);
    replay_reach_end(&replay, 0);
    cr_assert_not(replay_caught_up(&replay, 0), "nothing is read of it yet");
    replay_bound(&replay, 0, 100, 103);
    cr_assert_eq(replay_find(&replay, 0)->from, 100);
    replay_reach_end(&replay, 0);
    cr_assert(replay_caught_up(&replay, 0));
}

Test(replay, does_not_believe_an_offset_behind_the_end_of_the_log)
{
    own(0, 50);
    replay_bound(&replay, 0, 0, 20);
    cr_assert_not(replay_caught_up(&replay, 0));
    replay_restart(&replay, 0, 0);
    replay_bound(&replay, 0, 0, 2);
    struct replay_part *part = replay_find(&replay, 0);
    replay_read(part, &replay, 0);
    cr_assert_not(replay_caught_up(&replay, 0));
    replay_read(part, &replay, 1);
    cr_assert(replay_caught_up(&replay, 0));
    cr_assert_eq(part->from, 0);
}

Test(replay, counts_what_goes_and_comes_back)
{
    own(0, 1);
    own(1, 1);
    replay_lose(&replay, 0);
    replay_lose(&replay, 0);
    replay_lose(&replay, 77);
    cr_assert_eq(replay.owned, 1);
    cr_assert_eq(replay.behind, 1);
    own(1, 5);
    cr_assert_eq(replay.owned, 1);
    cr_assert_eq(replay.behind, 1);
    replay_bound(&replay, 1, 0, 5);
    replay_restart(&replay, 1, 0);
    cr_assert_eq(replay.behind, 1);
    cr_assert_eq(replay_own(&replay, -1, 0, 0, 0), STATUS_INVALID);
    cr_assert_eq(replay_own(&replay, 1 << 20, 0, 0, 0), STATUS_INVALID);
}

Test(replay, tells_people_where_every_partition_is)
{
    struct buf out;
    buf_init(&out, 4096);
    own(0, 10);
    replay_bound(&replay, 0, 0, 20);
    read_up_to(0, 12);
    own(2, -1);
    replay_describe(&replay, 3 * NS_PER_S, &out);
    cr_assert(span_is_text(
        buf_span(&out),
        "replies: 2 partitions, 2 behind; 2 records read in 2.0 s, 8 to go\n"
        "partition 0: from 10, next 12, end 20, behind\n"
        "partition 2: from where is being asked, behind\n"));
    buf_reset(&out);
    read_up_to(0, 20);
    replay_bound(&replay, 2, 4, 4);
    replay_describe(&replay, 3 * NS_PER_S, &out);
    cr_assert(span_is_text(buf_span(&out), "replies: 2 partitions, 0 behind\n"
                                           "partition 0: from 10, next 20, end 20\n"
                                           "partition 2: from 4, next 4, end 4\n"));
    buf_fini(&out);
}
