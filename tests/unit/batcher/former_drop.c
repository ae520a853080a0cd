/* SPDX-License-Identifier: Apache-2.0 */
/* What the former gives up, and how large it makes batches so that it need not. */
#include "former_side.h"

#include <criterion/criterion.h>

enum { MANY = 64 };

static const struct former_config plain;

#define MS NS_PER_MS

Test(former_drop, takes_no_more_than_lets_every_deadline_in_it_hold)
{
    struct side s;
    side_open(&s, MANY, plain);
    struct former_entry entries[9];
    /* With 2 % in hand 3 rows run for 1.33 ms, 4 for 1.43; staged after 0.1. */
    entries[0] = side_entry(1460 * NS_PER_US);
    side_add(&s, &entries[0]);
    side_add_all(&s, entries + 1, 8, 100 * MS);
    cr_assert_eq(side_take(&s).rows, 3);
    cr_assert_eq(former_count(s.f), 6);
    side_close(&s);
}

Test(former_drop, takes_out_what_could_not_be_back_in_time_even_alone)
{
    struct side s;
    side_open(&s, MANY, plain);
    s.ask.now_ns = 10 * MS;
    s.ask.reply_ns = MS;
    int64_t least_ns = MS + side_run_ns(1) + side_stage_ns(1);
    struct former_entry past = side_entry(s.ask.now_ns + least_ns - 10);
    struct former_entry other_shape = side_entry(past.deadline_ns + 5);
    struct former_entry future = side_entry(past.deadline_ns + 20);
    other_shape.signature = 2;
    side_add(&s, &future);
    side_add(&s, &other_shape);
    side_add(&s, &past);
    struct former_list expired;
    cr_assert_leq(former_next_expiry(s.f, &s.ask), s.ask.now_ns);
    former_expire(s.f, &s.ask, &expired);
    cr_assert_eq(expired.count, 2);
    cr_assert_eq(expired.first, &past);
    cr_assert_eq(expired.last, &other_shape);
    cr_assert_eq(former_count(s.f), 1);
    /* One that is left is taken at its last instant. */
    int64_t next_ns = former_next_expiry(s.f, &s.ask);
    s.ask.now_ns = next_ns - 1;
    former_expire(s.f, &s.ask, &expired);
    cr_assert_eq(expired.count, 0);
    s.ask.now_ns = next_ns;
    former_expire(s.f, &s.ask, &expired);
    cr_assert_eq(expired.count, 1);
    cr_assert_eq(former_next_expiry(s.f, &s.ask), TIME_NEVER);
    side_close(&s);
}

Test(former_drop, gives_up_at_once_what_a_busy_device_cannot_reach_in_time)
{
    struct side s;
    side_open(&s, MANY, plain);
    struct former_entry soon = side_entry(20 * MS);
    side_add(&s, &soon);
    s.ask.under_way = 1;
    s.ask.free_ns = 19 * MS;
    struct former_list list;
    struct former_list shed;
    former_take(s.f, &s.ask, &list, &shed);
    cr_assert_eq(list.count, 0);
    cr_assert_eq(shed.first, &soon);
    side_close(&s);
}

Test(former_drop, finds_what_expires_behind_what_has_no_deadline)
{
    struct side s;
    side_open(&s, MANY, (struct former_config){.patience_ns = MS});
    struct former_entry none = side_entry(TIME_NEVER);
    struct former_entry soon = side_entry(5 * MS);
    side_add(&s, &none);
    side_add(&s, &soon);
    s.ask.now_ns = 6 * MS;
    struct former_list expired;
    former_expire(s.f, &s.ask, &expired);
    cr_assert_eq(expired.first, &soon);
    cr_assert_eq(expired.count, 1);
    side_close(&s);
}

Test(former_drop, gives_up_heads_that_would_keep_the_batch_small)
{
    struct side s;
    side_open(&s, MANY, (struct former_config){.shed = true});
    struct former_entry entries[16];
    side_add_all(&s, entries, 2, 51 * MS);
    side_add_all(&s, entries + 2, 14, 80 * MS);
    s.ask.now_ns = 49 * MS;
    struct former_list batch;
    struct former_list shed;
    former_take(s.f, &s.ask, &batch, &shed);
    cr_assert_eq(shed.count, 2);
    cr_assert_eq(shed.first, &entries[0]);
    cr_assert_eq(batch.count, 14);
    side_close(&s);
}

Test(former_drop, gives_up_nothing_that_could_run_unless_told)
{
    struct side s;
    side_open(&s, MANY, plain);
    struct former_entry entries[16];
    side_add_all(&s, entries, 2, 51 * MS);
    side_add_all(&s, entries + 2, 14, 80 * MS);
    s.ask.now_ns = 49 * MS;
    struct former_list batch = side_take(&s);
    cr_assert_eq(batch.first, &entries[0]);
    cr_assert_lt(batch.count, 14);
    side_close(&s);
}

Test(former_drop, never_gives_up_the_last_that_can_make_it)
{
    struct side s;
    side_open(&s, MANY, (struct former_config){.shed = true});
    struct former_entry entries[3];
    side_add_all(&s, entries, 3, 50 * MS);
    s.ask.now_ns = 50 * MS - side_run_ns(1) - side_stage_ns(1);
    struct former_list batch;
    struct former_list shed;
    former_take(s.f, &s.ask, &batch, &shed);
    cr_assert_eq(shed.count, 2);
    cr_assert_eq(batch.first, &entries[2]);
    side_close(&s);
}

Test(former_drop, gives_up_no_large_request_for_a_few_rows)
{
    struct side s;
    side_open(&s, MANY, (struct former_config){.shed = true});
    struct former_entry large = side_entry(50 * MS);
    struct former_entry small = side_entry(90 * MS);
    large.rows = 8;
    side_add(&s, &large);
    side_add(&s, &small);
    s.ask.now_ns = 50 * MS - side_run_ns(8) - side_stage_ns(8) - 50 * NS_PER_US;
    struct former_list batch;
    struct former_list shed;
    former_take(s.f, &s.ask, &batch, &shed);
    cr_assert_eq(shed.count, 0);
    cr_assert_eq(batch.first, &large);
    cr_assert_eq(batch.count, 1);
    side_close(&s);
}

Test(former_drop, keeps_batches_so_short_that_who_just_missed_one_makes_the_next)
{
    struct side s;
    side_open(&s, MANY, plain);
    struct former_entry entries[16];
    side_add_all(&s, entries, 16, 4 * MS);
    s.ask.reply_ns = 100 * NS_PER_US;
    uint32_t promised = cost_rows_within(&s.run, 16, (4 * MS - 100 * NS_PER_US) / 2);
    cr_assert(promised > 4 && promised < 12);
    cr_assert_eq(side_take(&s).rows, promised);
    side_close(&s);
}

Test(former_drop, lets_one_in_a_hurry_not_cut_everybodys_batches)
{
    struct side s;
    side_open(&s, MANY, plain);
    struct former_entry entries[16];
    side_add_all(&s, entries, 15, 100 * MS);
    /* It brings less than two runs of one row. */
    entries[15] = side_entry(100 * MS);
    entries[15].arrived_ns = 98 * MS;
    entries[15].deadline_ns -= MS / 1000;
    side_add(&s, &entries[15]);
    struct former_list batch = side_take(&s);
    cr_assert_eq(batch.first, &entries[15]);
    cr_assert_eq(batch.rows, 16);
    side_close(&s);
}

/**
 * What a take gives of `count` waiting, of which `overdue` for too long, with buckets
 * of 4, 8 and 16 rows at these costs.
 */
static uint64_t
take_padded(int count, int overdue, const int64_t costs_ns[3])
{
    static const uint32_t buckets[] = {4, 8, 16};
    struct side s;
    side_open(&s, MANY, (struct former_config){.patience_ns = 10 * MS});
    cost_init(&s.run, 16, buckets, 3);
    for (int i = 0; i < 3; i++) {
        for (int n = 0; n < 100; n++) {
            cost_observe(&s.run, buckets[i], costs_ns[i]);
        }
    }
    struct former_entry entries[16];
    side_add_all(&s, entries, overdue, TIME_NEVER);
    s.ask.now_ns = 10 * MS;
    side_add_all(&s, entries + overdue, count - overdue, 900 * MS);
    struct former_list list = side_take(&s);
    side_close(&s);
    return list.rows;
}

Test(former_drop, runs_a_batch_just_above_a_bucket_as_two)
{
    const int64_t steep[] = {4 * MS, 8 * MS, 12 * MS};
    const int64_t flat[] = {40 * MS, 45 * MS, 49 * MS};
    cr_assert_eq(take_padded(9, 0, steep), 8);
    cr_assert_eq(take_padded(15, 0, steep), 15);
    cr_assert_eq(take_padded(9, 0, flat), 9);
    cr_assert_eq(take_padded(3, 0, steep), 3);
    cr_assert_eq(take_padded(16, 0, steep), 16);
    cr_assert_eq(take_padded(7, 0, steep), 4);
    cr_assert_eq(take_padded(7, 6, steep), 7, "6 of them are padded to 8 anyway");
}
