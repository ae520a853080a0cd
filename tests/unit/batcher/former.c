/* SPDX-License-Identifier: Apache-2.0 */
/* The policy, without a clock: what is taken, when, in which order. */
#include "former_side.h"

#include <criterion/criterion.h>

enum { MANY = 64 };

static const struct former_config plain;

#define MS NS_PER_MS

static struct former_plan
plan(const struct side *s)
{
    struct former_plan p;
    former_plan(s->f, &s->ask, &p);
    return p;
}

Test(former, takes_the_earliest_deadline_first_and_none_last)
{
    struct side s;
    side_open(&s, MANY, plain);
    struct former_entry none = side_entry(TIME_NEVER);
    struct former_entry late = side_entry(900 * MS);
    struct former_entry soon = side_entry(100 * MS);
    side_add(&s, &none);
    side_add(&s, &late);
    side_add(&s, &soon);
    struct former_list list = side_take(&s);
    cr_assert_eq(list.count, 3);
    cr_assert_eq(list.rows, 3);
    cr_assert_eq(list.first, &soon);
    cr_assert_eq(list.first->next, &late);
    cr_assert_eq(list.last, &none);
    side_close(&s);
}

Test(former, takes_what_has_no_deadline_for_due_when_patience_ends)
{
    struct side s;
    side_open(&s, MANY, (struct former_config){.patience_ns = 500 * MS});
    struct former_entry none = side_entry(TIME_NEVER);
    struct former_entry late = side_entry(900 * MS);
    side_add(&s, &late);
    side_add(&s, &none);
    cr_assert_eq(none.due_ns, 500 * MS);
    cr_assert_eq(side_take(&s).first, &none);
    side_close(&s);
    side_open(&s, MANY, plain);
    side_add(&s, &none);
    cr_assert_eq(none.due_ns, 30 * NS_PER_S);
    side_close(&s);
    side_open(&s, MANY, (struct former_config){.patience_ns = INT64_MAX});
    none.arrived_ns = 5;
    side_add(&s, &none);
    cr_assert_eq(none.due_ns, TIME_NEVER);
    side_close(&s);
}

Test(former, serves_equals_in_the_order_of_arrival)
{
    struct side s;
    side_open(&s, MANY, plain);
    s.ask.rows_max = 3;
    struct former_entry entries[10];
    side_add_all(&s, entries, 10, TIME_NEVER);
    int expected = 0;
    while (expected < 10) {
        struct former_list list = side_take(&s);
        for (struct former_entry *e = list.first; e != NULL; e = e->next) {
            cr_assert_eq(e, &entries[expected++]);
        }
    }
    side_close(&s);
}

Test(former, never_holds_an_idle_device)
{
    struct side s;
    side_open(&s, MANY, plain);
    cr_assert_eq(plan(&s).close_ns, TIME_NEVER);
    cr_assert_eq(plan(&s).latest_start_ns, TIME_NEVER);
    struct former_entry one = side_entry(TIME_NEVER);
    side_add(&s, &one);
    s.ask.now_ns = 5 * MS;
    cr_assert_leq(plan(&s).close_ns, 5 * MS);
    s.ask.under_way = 1;
    s.ask.free_ns = 5 * MS;
    cr_assert_leq(plan(&s).close_ns, 5 * MS);
    cr_assert_eq(side_take(&s).count, 1);
    cr_assert_eq(side_take(&s).count, 0);
    side_close(&s);
}

Test(former, closes_the_next_batch_just_in_time_behind_one_that_runs)
{
    struct side s;
    side_open(&s, MANY, plain);
    struct former_entry entries[16];
    side_add_all(&s, entries, 8, TIME_NEVER);
    s.ask.now_ns = 1 * MS;
    s.ask.free_ns = 10 * MS;
    s.ask.under_way = 1;
    int64_t early_ns = side_stage_ns(8) + 50 * NS_PER_US;
    cr_assert(llabs(plan(&s).close_ns - (10 * MS - early_ns)) < 10);
    side_add_all(&s, entries + 8, 8, TIME_NEVER);
    cr_assert_lt(plan(&s).close_ns, 10 * MS - early_ns);
    s.ask.under_way = FORMER_DEPTH;
    cr_assert_eq(plan(&s).close_ns, TIME_NEVER);
    side_close(&s);
}

Test(former, closes_earlier_where_runs_are_long)
{
    struct side s;
    side_open(&s, MANY, plain);
    struct cost slow;
    cost_init(&slow, 16, NULL, 0);
    cost_observe(&slow, 1, 100 * MS);
    struct former_entry one = side_entry(TIME_NEVER);
    side_add(&s, &one);
    s.ask.run = &slow;
    s.ask.free_ns = 90 * MS;
    s.ask.under_way = 1;
    cr_assert(llabs(plan(&s).close_ns - (88 * MS - side_stage_ns(1))) < 10);
    side_close(&s);
}

Test(former, has_no_more_than_two_batches_under_way)
{
    struct side s;
    side_open(&s, MANY, plain);
    struct former_entry entries[3];
    side_add_all(&s, entries, 3, TIME_NEVER);
    s.ask.under_way = FORMER_DEPTH;
    cr_assert_eq(side_take(&s).count, 0);
    s.ask.under_way = FORMER_DEPTH - 1;
    cr_assert_eq(side_take(&s).count, 3);
    side_close(&s);
}

Test(former, holds_an_idle_device_only_if_told_and_only_so_long)
{
    struct side s;
    side_open(&s, MANY, (struct former_config){.max_delay_ns = 20 * MS});
    struct former_entry entries[17];
    side_add_all(&s, entries, 1, TIME_NEVER);
    cr_assert_eq(plan(&s).close_ns, 20 * MS);
    /* A head that cannot wait so long. */
    side_add_all(&s, entries + 1, 1, 10 * MS);
    int64_t latest_ns = 10 * MS - side_run_ns(2) - side_stage_ns(2);
    cr_assert_lt(plan(&s).close_ns, latest_ns);
    cr_assert_gt(plan(&s).close_ns, latest_ns - MS / 5);
    s.ask.now_ns = plan(&s).close_ns;
    cr_assert_eq(side_take(&s).count, 2);
    /* A batch that is full. */
    s.ask.now_ns = 0;
    side_add_all(&s, entries, 16, TIME_NEVER);
    cr_assert_leq(plan(&s).close_ns, 0);
    side_close(&s);
}

Test(former, tells_the_latest_start_of_the_most_urgent_batch)
{
    struct side s;
    side_open(&s, MANY, plain);
    struct former_entry entries[4];
    side_add_all(&s, entries, 3, 80 * MS);
    s.ask.reply_ns = 2 * MS;
    cr_assert(llabs(plan(&s).latest_start_ns - (78 * MS - side_run_ns(3))) < 10);
    entries[3] = side_entry(40 * MS);
    entries[3].signature = 2;
    side_add(&s, &entries[3]);
    cr_assert(llabs(plan(&s).latest_start_ns - (38 * MS - side_run_ns(1))) < 10);
    side_close(&s);
}

Test(former, keeps_shapes_apart)
{
    struct side s;
    side_open(&s, MANY, plain);
    struct former_entry square = side_entry(50 * MS);
    struct former_entry wide = side_entry(10 * MS);
    struct former_entry square_too = side_entry(60 * MS);
    wide.signature = 2;
    side_add(&s, &square);
    side_add(&s, &wide);
    side_add(&s, &square_too);
    struct former_list first = side_take(&s);
    cr_assert_eq(first.count, 1);
    cr_assert_eq(first.first, &wide);
    cr_assert_eq(side_take(&s).count, 2);
    side_close(&s);
}

Test(former, lets_a_single_request_over_a_bound_stand_alone)
{
    struct side s;
    side_open(&s, MANY, plain);
    struct former_entry huge = side_entry(100 * MS);
    struct former_entry small = side_entry(200 * MS);
    huge.bytes = 1 << 17;
    side_add(&s, &huge);
    side_add(&s, &small);
    cr_assert_eq(side_take(&s).first, &huge);
    cr_assert_eq(side_take(&s).first, &small);
    huge = side_entry(100 * MS);
    huge.rows = 32;
    side_add(&s, &small);
    side_add(&s, &huge);
    cr_assert_eq(side_take(&s).count, 1);
    cr_assert_eq(side_take(&s).count, 1);
    side_close(&s);
}

Test(former, gives_back_a_partition_above_an_offset)
{
    struct side s;
    side_open(&s, MANY, plain);
    struct former_entry entries[12];
    for (int i = 0; i < 12; i++) {
        entries[i] = side_entry((100 - i) * MS);
        entries[i].partition = i % 2;
        entries[i].offset = i;
        side_add(&s, &entries[i]);
    }
    struct former_list removed;
    former_remove(s.f, 1, 5, &removed);
    cr_assert_eq(removed.count, 3);
    for (struct former_entry *e = removed.first; e != NULL; e = e->next) {
        cr_assert_eq(e->partition, 1);
        cr_assert_gt(e->offset, 5);
    }
    former_remove(s.f, 0, -1, &removed);
    cr_assert_eq(removed.count, 6);
    cr_assert_eq(former_count(s.f), 3);
    former_empty(s.f, &removed);
    cr_assert_eq(removed.count, 3);
    cr_assert_eq(former_count(s.f), 0);
    cr_assert_eq(former_rows(s.f), 0);
    cr_assert_eq(former_next_expiry(s.f, &s.ask), TIME_NEVER);
    side_close(&s);
}

Test(former, lets_one_request_go_that_was_canceled)
{
    struct side s;
    side_open(&s, MANY, plain);
    struct former_entry entries[5];
    side_add_all(&s, entries, 5, 100 * MS);
    former_withdraw(s.f, &entries[2]);
    former_withdraw(s.f, &entries[0]);
    cr_assert_eq(former_count(s.f), 3);
    struct former_list list = side_take(&s);
    cr_assert_eq(list.count, 3);
    cr_assert_eq(list.first, &entries[1]);
    cr_assert_eq(list.first->next, &entries[3]);
    side_add(&s, &entries[0]);
    former_withdraw(s.f, &entries[0]);
    cr_assert_eq(former_count(s.f), 0);
    cr_assert_eq(former_bytes(s.f), 0);
    side_close(&s);
}

Test(former, asks_for_a_pause_at_its_bound_and_for_more_at_half)
{
    struct side s;
    side_open(&s, 4, plain);
    s.ask.rows_max = 5;
    struct former_entry entries[9];
    for (int i = 0; i < 8; i++) {
        entries[i] = side_entry(TIME_NEVER);
        cr_assert_eq(former_is_full(s.f), i >= 4);
        side_add(&s, &entries[i]);
    }
    entries[8] = side_entry(TIME_NEVER);
    cr_assert_eq(former_add(s.f, &entries[8]), STATUS_FULL);
    cr_assert_eq(side_take(&s).count, 5);
    cr_assert_not(former_is_full(s.f));
    cr_assert_not(former_has_room(s.f));
    s.ask.rows_max = 1;
    cr_assert_eq(side_take(&s).count, 1);
    cr_assert(former_has_room(s.f));
    side_close(&s);
}

Test(former, counts_bytes_as_it_counts_requests)
{
    struct side s;
    side_open(&s, MANY, (struct former_config){.bytes_max = 100});
    struct former_entry entries[4];
    for (int i = 0; i < 4; i++) {
        entries[i] = side_entry(TIME_NEVER);
        entries[i].bytes = 50;
        cr_assert_eq(former_is_full(s.f), i >= 2);
        side_add(&s, &entries[i]);
    }
    struct former_entry more = side_entry(TIME_NEVER);
    cr_assert_eq(former_add(s.f, &more), STATUS_FULL);
    side_close(&s);
}
