/* SPDX-License-Identifier: Apache-2.0 */
/* Priorities and tenants: who goes first, who gets how much, and that nobody starves.
 */
#include "former_side.h"

#include <criterion/criterion.h>

#include <stdlib.h>

enum { MANY = 4096 };

static const struct former_config plain;

#define MS NS_PER_MS

static struct former_entry entries[MANY * 2];

static struct former_entry *
add(struct side *s, size_t at, uint64_t tenant, uint32_t rows)
{
    entries[at] = side_entry(TIME_NEVER);
    entries[at].tenant = tenant;
    entries[at].rows = rows;
    side_add(s, &entries[at]);
    return &entries[at];
}

Test(former_tenants, serves_a_higher_priority_first_whatever_its_deadline)
{
    struct side s;
    side_open(&s, MANY, plain);
    s.ask.rows_max = 2;
    struct former_entry low = side_entry(20 * MS);
    struct former_entry high = side_entry(TIME_NEVER);
    struct former_entry middle = side_entry(TIME_NEVER);
    low.level = 3;
    middle.level = 2;
    side_add(&s, &low);
    side_add(&s, &middle);
    side_add(&s, &high);
    struct former_list list = side_take(&s);
    cr_assert_eq(list.first, &high);
    cr_assert_eq(list.last, &middle);
    cr_assert_eq(side_take(&s).first, &low);
    side_close(&s);
}

Test(former_tenants, serves_the_shape_with_the_higher_priority_first)
{
    struct side s;
    side_open(&s, MANY, plain);
    struct former_entry low = side_entry(20 * MS);
    struct former_entry high = side_entry(TIME_NEVER);
    low.level = 2;
    high.signature = 2;
    side_add(&s, &low);
    side_add(&s, &high);
    cr_assert_eq(side_take(&s).first, &high);
    cr_assert_eq(side_take(&s).first, &low);
    side_close(&s);
}

Test(former_tenants, lets_what_is_past_its_due_instant_go_before_all_levels)
{
    struct side s;
    side_open(&s, MANY, (struct former_config){.patience_ns = 10 * MS});
    s.ask.rows_max = 1;
    struct former_entry low = side_entry(TIME_NEVER);
    struct former_entry high = side_entry(TIME_NEVER);
    low.level = 9;
    high.arrived_ns = 5 * MS;
    side_add(&s, &low);
    side_add(&s, &high);
    s.ask.now_ns = 10 * MS;
    cr_assert_eq(side_take(&s).first, &low);
    cr_assert_eq(side_take(&s).first, &high);
    side_close(&s);
}

Test(former_tenants, leaves_half_of_a_batch_to_others_than_an_old_backlog)
{
    struct side s;
    side_open(&s, MANY, (struct former_config){.patience_ns = 10 * MS});
    for (size_t i = 0; i < 100; i++) {
        add(&s, i, 1, 1);
    }
    struct former_entry fresh[8];
    for (int i = 0; i < 8; i++) {
        fresh[i] = side_entry(100 * MS);
        fresh[i].tenant = 2;
        side_add(&s, &fresh[i]);
    }
    s.ask.now_ns = 20 * MS;
    struct former_list list = side_take(&s);
    cr_assert_eq(list.rows, 16);
    size_t of_fresh = 0;
    for (struct former_entry *e = list.first; e != NULL; e = e->next) {
        of_fresh += e->tenant == 2 ? 1 : 0;
    }
    cr_assert_eq(of_fresh, 8);
    side_close(&s);
}

Test(former_tenants, charges_what_went_ahead_of_its_turn_up_to_a_batch)
{
    struct side s;
    side_open(&s, MANY, (struct former_config){.patience_ns = 10 * MS});
    /* 160 that go ahead, 8 a batch, while four others share the rest. */
    for (size_t i = 0; i < 160; i++) {
        add(&s, i, 1, 1);
    }
    s.ask.now_ns = 20 * MS;
    for (size_t i = 160; i < 1500; i++) {
        entries[i] = side_entry(900 * MS);
        entries[i].tenant = i % 5 == 0 ? 1 : 2 + i % 5;
        side_add(&s, &entries[i]);
    }
    int behind = -20;
    bool served = false;
    while (!served) {
        struct former_list list = side_take(&s);
        behind++;
        for (struct former_entry *e = list.first; e != NULL; e = e->next) {
            served = served || (e->tenant == 1 && e->deadline_ns != TIME_NEVER);
        }
    }
    /* 16 rounds of four tenants. */
    cr_assert(behind >= 3 && behind <= 6, "%d", behind);
    side_close(&s);
}

Test(former_tenants, shares_a_batch_between_a_flood_and_a_trickle)
{
    struct side s;
    side_open(&s, MANY, plain);
    for (size_t i = 0; i < 1000; i++) {
        add(&s, i, 1, 1);
    }
    for (size_t i = 1000; i < 1008; i++) {
        add(&s, i, 2, 1);
    }
    struct former_list list = side_take(&s);
    unsigned of_trickle = 0;
    for (struct former_entry *e = list.first; e != NULL; e = e->next) {
        of_trickle += e->tenant == 2 ? 1 : 0;
    }
    cr_assert_eq(of_trickle, 8);
    side_close(&s);
}

/** Keeps `tenants` backlogged with rows from 1 to their own most, and takes batches. */
static void
take_backlogged(struct side *s, const uint32_t *most, size_t tenants, uint64_t *got)
{
    unsigned seed = 11;
    size_t at = 0;
    while (at < 2000) {
        add(s, at, at % tenants, 1 + (uint32_t)rand_r(&seed) % most[at % tenants]);
        at++;
    }
    for (int batch = 0; batch < 60; batch++) {
        struct former_list list = side_take(s);
        cr_assert_leq(list.rows, s->ask.rows_max);
        cr_assert_gt(list.count, 0);
        for (struct former_entry *e = list.first; e != NULL; e = e->next) {
            got[e->tenant] += e->rows;
        }
    }
    cr_assert_gt(former_count(s->f), 200);
}

static uint64_t
spread(const uint64_t *got, size_t tenants)
{
    uint64_t low = UINT64_MAX;
    uint64_t high = 0;
    for (size_t i = 0; i < tenants; i++) {
        low = got[i] < low ? got[i] : low;
        high = got[i] > high ? got[i] : high;
    }
    return high - low;
}

Test(former_tenants, gives_backlogged_tenants_equal_rows)
{
    struct side s;
    const uint32_t ones[] = {1, 1, 1, 1, 1};
    uint64_t got[5] = {0};
    side_open(&s, MANY, plain);
    take_backlogged(&s, ones, 5, got);
    cr_assert_leq(spread(got, 5), 1);
    side_close(&s);
}

Test(former_tenants, gives_equal_rows_whatever_the_size_of_requests)
{
    struct side s;
    const uint32_t most[] = {1, 8, 3, 8};
    uint64_t got[4] = {0};
    side_open(&s, MANY, plain);
    take_backlogged(&s, most, 4, got);
    cr_assert_leq(spread(got, 4), 8);
    side_close(&s);
}

Test(former_tenants, gives_equal_rows_though_large_requests_are_passed_over)
{
    struct side s;
    const uint32_t most[] = {1, 16, 1, 12};
    uint64_t got[4] = {0};
    side_open(&s, MANY, plain);
    s.ask.rows_max = 20;
    take_backlogged(&s, most, 4, got);
    cr_assert_leq(spread(got, 4), 16);
    side_close(&s);
}

Test(former_tenants, fills_a_batch_past_a_large_request_and_takes_that_next)
{
    struct side s;
    side_open(&s, MANY, plain);
    for (size_t i = 0; i < 60; i++) {
        add(&s, i, 1, 1);
    }
    const struct former_entry *large = add(&s, 60, 2, 12);
    struct former_list list = side_take(&s);
    cr_assert_eq(list.rows, 16);
    cr_assert_eq(large->queue == NULL, false);
    list = side_take(&s);
    cr_assert_eq(list.first, large);
    cr_assert_eq(list.rows, 16);
    side_close(&s);
}

Test(former_tenants, lets_a_request_as_large_as_a_batch_not_starve)
{
    struct side s;
    side_open(&s, MANY, plain);
    size_t at = 0;
    const struct former_entry *large = add(&s, at++, 999, 16);
    int batches = 0;
    for (; large->queue != NULL && batches < 100; batches++) {
        for (int i = 0; i < 16; i++, at++) {
            add(&s, at, at % 8, 1);
        }
        (void)side_take(&s);
    }
    /* 16 rounds of nine tenants are 9 batches. */
    cr_assert_leq(batches, 11);
    side_close(&s);
}

Test(former_tenants, lets_nobody_gain_by_coming_and_going)
{
    struct side s;
    side_open(&s, MANY * 2, plain);
    uint64_t got[3] = {0};
    size_t at = 0;
    const struct former_entry *guest = NULL;
    for (int batch = 0; batch < 200; batch++) {
        for (int i = 0; i < 16; i++, at++) {
            add(&s, at, 1, 1);
        }
        if (guest == NULL || guest->queue == NULL) {
            guest = add(&s, at++, 2, 12);
        }
        struct former_list list = side_take(&s);
        for (struct former_entry *e = list.first; e != NULL; e = e->next) {
            got[e->tenant] += e->rows;
        }
    }
    cr_assert_leq(got[2], got[1] + 16);
    side_close(&s);
}

Test(former_tenants, lets_who_was_passed_over_for_long_make_up_for_a_batch_at_most)
{
    struct side s;
    side_open(&s, MANY, plain);
    s.ask.rows_max = 16;
    size_t at = 0;
    while (at < 1000) {
        add(&s, at, 1, 1);
        at++;
    }
    for (; at < 1100; at++) {
        add(&s, at, 2, 8);
    }
    /* Half of every batch and a row more goes to a higher level. */
    for (int batch = 0; batch < 40; batch++) {
        struct former_entry *high = &entries[at++];
        *high = side_entry(TIME_NEVER);
        high->level = 0;
        high->rows = 9;
        side_add(&s, high);
        cr_assert_eq(side_take(&s).first, high);
    }
    uint64_t got[3] = {0};
    for (int batch = 0; batch < 4; batch++) {
        struct former_list list = side_take(&s);
        for (struct former_entry *e = list.first; e != NULL; e = e->next) {
            got[e->tenant] += e->rows;
        }
    }
    cr_assert_gt(got[2], got[1]);
    cr_assert_leq(got[2], got[1] + 16 + 8);
    side_close(&s);
}

Test(former_tenants, lets_the_lowest_go_within_patience_under_a_flood_of_the_highest)
{
    struct side s;
    side_open(&s, MANY * 2,
              (struct former_config){.patience_ns = 100 * MS, .shed = true});
    struct former_entry lowest = side_entry(TIME_NEVER);
    lowest.level = 7;
    lowest.rows = 10;
    side_add(&s, &lowest);
    size_t at = 0;
    for (int batch = 0; lowest.queue != NULL && at < MANY; batch++) {
        s.ask.now_ns = batch * 3 * MS;
        for (int i = 0; i < 20; i++, at++) {
            entries[at] = side_entry(s.ask.now_ns + 50 * MS);
            entries[at].arrived_ns = s.ask.now_ns;
            side_add(&s, &entries[at]);
        }
        struct former_list list;
        struct former_list shed;
        former_expire(s.f, &s.ask, &shed);
        former_take(s.f, &s.ask, &list, &shed);
    }
    cr_assert_eq(lowest.queue == NULL, true);
    cr_assert_geq(s.ask.now_ns, 100 * MS);
    cr_assert_leq(s.ask.now_ns, 110 * MS);
    side_close(&s);
}

Test(former_tenants, does_not_let_a_flood_push_another_past_its_deadline)
{
    struct side s;
    side_open(&s, MANY * 2, (struct former_config){.shed = true});
    size_t at = 0;
    unsigned lost = 0;
    unsigned served = 0;
    /* Batches of 16 take 2.6 ms; one tenant offers 16 every 2 ms, the other 2. */
    for (int64_t now_ns = 0; now_ns < 400 * MS; now_ns += 2600 * NS_PER_US) {
        s.ask.now_ns = now_ns;
        for (int i = 0; i < 23; i++, at = (at + 1) % (MANY * 2)) {
            entries[at] = side_entry(now_ns + 20 * MS);
            entries[at].arrived_ns = now_ns;
            entries[at].tenant = i < 21 ? 1 : 2;
            side_add(&s, &entries[at]);
        }
        struct former_list gone[3];
        former_expire(s.f, &s.ask, &gone[0]);
        former_take(s.f, &s.ask, &gone[1], &gone[2]);
        for (int i = 0; i < 3; i++) {
            for (struct former_entry *e = gone[i].first; e != NULL; e = e->next) {
                lost += e->tenant == 2 && i != 1 ? 1 : 0;
                served += e->tenant == 2 && i == 1 ? 1 : 0;
            }
        }
    }
    cr_assert_eq(lost, 0);
    cr_assert_gt(served, 250);
    side_close(&s);
}

Test(former_tenants, keeps_its_order_with_a_thousand_tenants)
{
    struct side s;
    side_open(&s, MANY, plain);
    for (size_t i = 0; i < 3000; i++) {
        add(&s, i, i % 1000, 1);
    }
    size_t expected = 0;
    while (expected < 3000) {
        struct former_list list = side_take(&s);
        cr_assert_gt(list.count, 0);
        for (struct former_entry *e = list.first; e != NULL; e = e->next) {
            cr_assert_eq(e, &entries[expected++]);
        }
    }
    side_close(&s);
}
