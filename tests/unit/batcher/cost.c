/* SPDX-License-Identifier: Apache-2.0 */
/* What batches cost, learned from what they took: gaps, buckets, noise and change. */
#include "batcher/cost.h"

#include <criterion/criterion.h>

#include <stdlib.h>

static const uint32_t buckets[] = {4, 8, 16};

/* 1,500 us and 100 us a row. */
static int64_t
affine(uint32_t rows)
{
    return 1500000 + 100000 * (int64_t)rows;
}

static void
observe_often(struct cost *c, uint32_t rows, int64_t took_ns, int times)
{
    for (int i = 0; i < times; i++) {
        cost_observe(c, rows, took_ns);
    }
}

static bool
is_near(int64_t found, int64_t expected, double share)
{
    return llabs(found - expected) <= (int64_t)(share * (double)expected);
}

Test(cost, knows_nothing_at_first)
{
    struct cost c;
    cost_init(&c, 64, NULL, 0);
    cr_assert_eq(cost_mean(&c, 1), 0);
    cr_assert_eq(cost_bound(&c, 64), 0);
    cr_assert_eq(cost_rows_within(&c, 64, 0), 64);
}

Test(cost, puts_its_knots_at_powers_of_two_and_at_the_most_rows)
{
    struct cost c;
    cost_init(&c, 48, NULL, 0);
    const uint32_t expected[] = {1, 2, 4, 8, 16, 32, 48};
    cr_assert_eq(c.knot_count, 7);
    for (uint32_t i = 0; i < c.knot_count; i++) {
        cr_assert_eq(c.knots[i].rows, expected[i]);
    }
    cost_init(&c, 1, NULL, 0);
    cr_assert_eq(c.knot_count, 1);
    cost_init(&c, UINT32_MAX, NULL, 0);
    cr_assert_eq(c.knot_count, COST_KNOTS_MAX);
    cr_assert_eq(c.knots[COST_KNOTS_MAX - 1].rows, UINT32_MAX);
}

Test(cost, raises_the_last_bucket_to_the_most_rows)
{
    struct cost c;
    cost_init(&c, 20, buckets, 3);
    cr_assert_eq(c.knot_count, 3);
    cr_assert_eq(c.knots[2].rows, 20);
    uint32_t many[COST_KNOTS_MAX + 8];
    for (uint32_t i = 0; i < COST_KNOTS_MAX + 8; i++) {
        many[i] = i + 1;
    }
    cost_init(&c, 8, many, COST_KNOTS_MAX + 8);
    cr_assert_eq(c.knot_count, COST_KNOTS_MAX);
    cr_assert_eq(c.knots[COST_KNOTS_MAX - 1].rows, COST_KNOTS_MAX + 8);
}

Test(cost, takes_the_first_observation_for_true)
{
    struct cost c;
    cost_init(&c, 64, NULL, 0);
    cost_observe(&c, 8, affine(8));
    cr_assert_eq(cost_mean(&c, 8), affine(8));
    cr_assert_gt(cost_bound(&c, 8), affine(8));
    cr_assert_lt(cost_bound(&c, 8), affine(8) * 3 / 2);
    cr_assert_eq(cost_mean(&c, 64), affine(8));
}

Test(cost, fills_gaps_along_the_line_of_what_it_knows)
{
    struct cost c;
    cost_init(&c, 128, NULL, 0);
    cost_observe(&c, 4, affine(4));
    cost_observe(&c, 32, affine(32));
    cr_assert(is_near(cost_mean(&c, 1), affine(1), 0.001));
    cr_assert(is_near(cost_mean(&c, 11), affine(11), 0.001));
    cr_assert(is_near(cost_mean(&c, 128), affine(128), 0.001));
}

Test(cost, never_guesses_a_row_cheaper_in_a_smaller_batch)
{
    struct cost c;
    cost_init(&c, 64, NULL, 0);
    cost_observe(&c, 32, 3200);
    cost_observe(&c, 64, 12800);
    cr_assert_geq(cost_mean(&c, 1), 100);
}

Test(cost, corrects_both_knots_around_an_observation)
{
    struct cost c;
    cost_init(&c, 64, NULL, 0);
    for (uint32_t rows = 1; rows <= 64; rows *= 2) {
        observe_often(&c, rows, affine(rows), 12);
    }
    int64_t low = cost_mean(&c, 16);
    int64_t high = cost_mean(&c, 32);
    cost_observe(&c, 20, affine(20) + 400000);
    int64_t low_moved = cost_mean(&c, 16) - low;
    int64_t high_moved = cost_mean(&c, 32) - high;
    cr_assert_gt(low_moved, high_moved);
    cr_assert_gt(high_moved, 0);
    /* A row in the middle moves by the gain, 1/8. */
    cr_assert(is_near(cost_mean(&c, 20) - affine(20), 50000, 0.02));
}

Test(cost, learns_a_straight_line_from_batches_of_any_size)
{
    struct cost c;
    cost_init(&c, 128, NULL, 0);
    unsigned seed = 7;
    for (int i = 0; i < 3000; i++) {
        uint32_t rows = 1 + (uint32_t)rand_r(&seed) % 128;
        int64_t noise = rand_r(&seed) % 61 - 30;
        cost_observe(&c, rows, affine(rows) + affine(rows) * noise / 1000);
    }
    for (uint32_t rows = 1; rows <= 128; rows++) {
        cr_assert(is_near(cost_mean(&c, rows), affine(rows), 0.03), "%u rows", rows);
        cr_assert_gt(cost_bound(&c, rows), affine(rows));
        cr_assert(is_near(cost_bound(&c, rows), affine(rows), 0.10), "%u rows", rows);
    }
}

Test(cost, rounds_up_to_the_bucket_that_a_batch_is_padded_to)
{
    struct cost c;
    cost_init(&c, 16, buckets, 3);
    cost_observe(&c, 3, 400);
    cost_observe(&c, 8, 800);
    cost_observe(&c, 9, 1600);
    cr_assert_eq(cost_mean(&c, 1), 400);
    cr_assert_eq(cost_mean(&c, 4), 400);
    cr_assert_eq(cost_mean(&c, 5), 800);
    cr_assert_eq(cost_mean(&c, 16), 1600);
    cr_assert_eq(cost_bucket_ceil(&c, 5), 8);
    cr_assert_eq(cost_bucket_ceil(&c, 8), 8);
    cr_assert_eq(cost_bucket_floor(&c, 9), 8);
    cr_assert_eq(cost_bucket_floor(&c, 16), 16);
    cr_assert_eq(cost_bucket_floor(&c, 3), 0);
    cost_init(&c, 16, NULL, 0);
    cr_assert_eq(cost_bucket_ceil(&c, 5), 5);
    cr_assert_eq(cost_bucket_floor(&c, 5), 5);
}

Test(cost, relearns_a_device_of_half_or_twice_the_speed_in_a_few_batches)
{
    struct cost c;
    cost_init(&c, 64, NULL, 0);
    observe_often(&c, 16, affine(16), 20);
    observe_often(&c, 16, affine(16) * 2, 3);
    cr_assert_geq(cost_bound(&c, 16), affine(16) * 2);
    observe_often(&c, 16, affine(16) * 2, 3);
    cr_assert(is_near(cost_mean(&c, 16), affine(16) * 2, 0.15));
    observe_often(&c, 16, affine(16), 6);
    cr_assert(is_near(cost_mean(&c, 16), affine(16), 0.15));
}

Test(cost, lets_a_single_outlier_pass)
{
    struct cost c;
    cost_init(&c, 64, NULL, 0);
    observe_often(&c, 16, affine(16), 20);
    cost_observe(&c, 16, affine(16) * 10);
    cr_assert_lt(cost_bound(&c, 16), affine(16) * 3 / 2);
    observe_often(&c, 16, affine(16), 4);
    cr_assert_lt(cost_bound(&c, 16), affine(16) * 5 / 4);
    observe_often(&c, 16, affine(16), 8);
    cr_assert_lt(cost_bound(&c, 16), affine(16) * 11 / 10);
}

Test(cost, never_falls_with_rows_whatever_it_saw)
{
    unsigned seed = 3;
    for (int life = 0; life < 200; life++) {
        struct cost c;
        cost_init(&c, 50, buckets, life % 2 == 0 ? 0 : 3);
        for (int i = 0; i < 40; i++) {
            cost_observe(&c, 1 + (uint32_t)rand_r(&seed) % 50,
                         (int64_t)(rand_r(&seed) % 1000000) - 1000);
        }
        for (uint32_t rows = 2; rows <= 60; rows++) {
            cr_assert_geq(cost_mean(&c, rows), cost_mean(&c, rows - 1));
            cr_assert_geq(cost_bound(&c, rows), cost_bound(&c, rows - 1));
            cr_assert_geq(cost_bound(&c, rows), cost_mean(&c, rows));
        }
        cr_assert_gt(cost_mean(&c, 1), 0);
    }
}

Test(cost, finds_the_most_rows_that_fit_a_time)
{
    struct cost c;
    cost_init(&c, 64, NULL, 0);
    for (uint32_t rows = 1; rows <= 64; rows *= 2) {
        observe_often(&c, rows, affine(rows), 30);
    }
    for (uint32_t rows = 1; rows <= 64; rows++) {
        cr_assert_eq(cost_rows_within(&c, 64, cost_bound(&c, rows)), rows);
        cr_assert_eq(cost_rows_within(&c, 64, cost_bound(&c, rows) - 1), rows - 1);
    }
    cr_assert_eq(cost_rows_within(&c, 10, INT64_MAX), 10);
}

/* 5 ms and 100 us a row, as a warm-up finds it. */
static int64_t
seeded(struct cost *c, uint32_t rows_max)
{
    cost_init(c, rows_max, NULL, 0);
    for (uint32_t rows = 1; rows <= rows_max; rows *= 2) {
        cost_observe(c, rows, 5000000 + 100000 * (int64_t)rows);
    }
    return cost_bound(c, rows_max);
}

Test(cost, recovers_where_hiccups_keep_batches_from_running)
{
    struct cost c;
    int64_t good_ns = seeded(&c, 64);
    observe_often(&c, 2, 60000000, 3);
    cr_assert_gt(cost_bound(&c, 2), 2 * good_ns);
    observe_often(&c, 1, 5100000, 200);
    cr_assert_lt(cost_bound(&c, 2), 2 * good_ns);
    cr_assert_lt(cost_bound(&c, 64), 2 * good_ns);
}

Test(cost, keeps_what_is_plausible_though_it_is_not_observed)
{
    struct cost c;
    int64_t good_ns = seeded(&c, 64);
    observe_often(&c, 1, 5100000, 1000);
    cr_assert(is_near(cost_bound(&c, 64), good_ns, 0.05), "%ld", cost_bound(&c, 64));
    observe_often(&c, 64, 11400000, 1000);
    cr_assert(is_near(cost_mean(&c, 1), 5100000, 0.05), "%ld", cost_mean(&c, 1));
}

Test(cost, relaxes_to_the_best_it_knew)
{
    struct cost c;
    int64_t good_ns = seeded(&c, 64);
    for (uint32_t rows = 1; rows <= 64; rows *= 2) {
        observe_often(&c, rows, 80000000, 4);
    }
    cr_assert_gt(cost_bound(&c, 1), 50000000);
    cost_relax(&c);
    cr_assert(is_near(cost_bound(&c, 64), good_ns, 0.1), "%ld", cost_bound(&c, 64));
    cr_assert(is_near(cost_mean(&c, 1), 5100000, 0.15), "%ld", cost_mean(&c, 1));
}
