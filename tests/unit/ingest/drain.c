/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/drain.h"

#include "base/clock.h"

#include <criterion/criterion.h>

#include <math.h>

static struct drain d;
static const struct drain_capacity batches = {
    .in_hand = 64, .per_s = 64, .batch_ns = NS_PER_S};

static void
setup(void)
{
    drain_init(&d);
}

TestSuite(drain, .init = setup);

/** Batches of 64 from `from_ns` on, each taking batch_ns, asked four times a second. */
static int64_t
run_batches(int64_t from_ns, int64_t seconds, int64_t batch_ns, int64_t backlog)
{
    int64_t now_ns = from_ns;
    int64_t answered = d.last.answered;
    int64_t first = answered;
    for (int i = 0; i < seconds * 4; i++) {
        now_ns += NS_PER_S / 4;
        answered = first + (now_ns - from_ns) / batch_ns * 64;
        drain_note(&d, &batches, now_ns, answered, backlog - (answered - first));
    }
    return now_ns;
}

static void
assert_near(double value, double wanted, double share)
{
    cr_assert_leq(fabs(value - wanted), wanted * share, "%f, not %f", value, wanted);
}

Test(drain, believes_what_is_announced_until_it_has_measured)
{
    cr_assert_eq(drain_per_s(&d, &batches, 5 * NS_PER_S), 64);
    const struct drain_capacity silent = {.in_hand = 1};
    cr_assert_eq(drain_per_s(&d, &silent, 5 * NS_PER_S), 0);
}

Test(drain, leans_from_what_is_announced_to_what_it_measures)
{
    int64_t now_ns = run_batches(NS_PER_S, 20, 2 * NS_PER_S, 100000);
    assert_near(drain_per_s(&d, &batches, now_ns), 32, 0.2);
}

Test(drain, measures_steps_of_whole_batches_without_bias)
{
    for (int64_t batch_ms = 100; batch_ms < 2500; batch_ms += 170) {
        const struct drain_capacity silent = {.in_hand = 64,
                                              .batch_ns = batch_ms * NS_PER_MS};
        drain_init(&d);
        for (int i = 1; i <= 60; i++) {
            int64_t now_ns = i * NS_PER_S / 4;
            int64_t answered = now_ns / silent.batch_ns * 64;
            drain_note(&d, &silent, now_ns, answered, 100000 - answered);
        }
        assert_near(drain_per_s(&d, &silent, 15 * NS_PER_S), 64000.0 / (double)batch_ms,
                    0.1);
    }
}

Test(drain, follows_when_it_gets_faster)
{
    int64_t now_ns = run_batches(NS_PER_S, 20, 2 * NS_PER_S, 100000);
    now_ns = run_batches(now_ns, 40, NS_PER_S / 2, 100000);
    assert_near(drain_per_s(&d, &batches, now_ns), 128, 0.15);
}

Test(drain, lets_the_rate_fall_when_nothing_is_answered_any_more)
{
    int64_t now_ns = run_batches(NS_PER_S, 20, NS_PER_S, 100000);
    assert_near(drain_per_s(&d, &batches, now_ns), 64, 0.05);
    for (int i = 0; i < 40 * 4; i++) {
        now_ns += NS_PER_S / 4;
        drain_note(&d, &batches, now_ns, d.last.answered, 50000);
    }
    cr_assert_lt(drain_per_s(&d, &batches, now_ns), 64.0 / 3);
}

Test(drain, does_not_take_the_pace_of_the_callers_for_its_own)
{
    int64_t answered = 0;
    int64_t now_ns = 0;
    for (int i = 0; i < 100; i++) {
        now_ns += NS_PER_S / 4;
        answered += 2;
        drain_note(&d, &batches, now_ns, answered,
                   3); /* 8 a second and never a queue */
    }
    cr_assert_eq(drain_per_s(&d, &batches, now_ns), 64);
}

Test(drain, does_not_take_the_lag_of_commits_for_a_queue)
{
    int64_t answered = 0;
    int64_t now_ns = 0;
    for (int i = 0; i < 100; i++) {
        now_ns += NS_PER_S / 4;
        answered += 500;
        drain_note(&d, &batches, now_ns, answered, 200); /* 2,000/s, 0.1 s behind */
    }
    const struct drain_capacity fast = {.in_hand = 64, .per_s = 9000};
    cr_assert_eq(drain_per_s(&d, &fast, now_ns), 9000);
}

Test(drain, expects_of_a_second_batcher_what_the_first_one_does)
{
    int64_t now_ns = run_batches(NS_PER_S, 20, 2 * NS_PER_S, 10000);
    const struct drain_capacity two = {
        .in_hand = 128, .per_s = 128, .batch_ns = NS_PER_S};
    drain_note(&d, &two, now_ns + NS_PER_S, d.last.answered + 64, 5000);
    assert_near(drain_per_s(&d, &two, now_ns + NS_PER_S), 64, 0.2);
}

Test(drain, remembers_for_a_minute_what_it_measured_under_load)
{
    int64_t now_ns = run_batches(NS_PER_S, 20, 2 * NS_PER_S, 10000);
    drain_note(&d, &batches, now_ns + NS_PER_S, d.last.answered + 64, 0);
    assert_near(drain_per_s(&d, &batches, now_ns + 30 * NS_PER_S), 32, 0.2);
    cr_assert_eq(drain_per_s(&d, &batches, now_ns + 90 * NS_PER_S), 64);
}

Test(drain, counts_on_what_is_answered_and_not_yet_committed_within_reason)
{
    cr_assert_eq(drain_since(&d, NS_PER_S), 0);
    int64_t now_ns = 0;
    for (int64_t i = 1; i <= 200; i++) {
        now_ns += NS_PER_S / 4;
        drain_note(&d, &batches, now_ns, i * 250, 1000); /* 1,000/s */
    }
    int64_t soon = drain_since(&d, now_ns + NS_PER_S / 2);
    cr_assert(soon >= 500 && soon <= 700, "%lld", (long long)soon);
    cr_assert_leq(drain_since(&d, now_ns + 3600 * NS_PER_S), 2100);
}

Test(drain, says_when_a_request_will_be_answered)
{
    cr_assert_eq(drain_wait_ns(&batches, 0, 5), -1);
    cr_assert_eq(drain_wait_ns(&batches, 64, 0), NS_PER_S);
    cr_assert_eq(drain_wait_ns(&batches, 64, 640), 10 * NS_PER_S);
}
