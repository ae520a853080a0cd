/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken off a deadline for the way of the answer. */
#include "batcher/reply_time.h"

#include "base/clock.h"

#include <criterion/criterion.h>

Test(reply_time, is_nothing_before_the_first_answer)
{
    struct reply_time t = {0};
    cr_assert_eq(reply_time_allowance(&t), 0);
}

/** Batches of 64 answers every 10 ms, that take these times in turn. */
static void
observe_batches(struct reply_time *t, int64_t even_ms, int64_t odd_ms)
{
    for (int i = 0; i < 200; i++) {
        int64_t took_ns = (i % 2 == 0 ? even_ms : odd_ms) * NS_PER_MS;
        for (int answer = 0; answer < 64; answer++) {
            reply_time_observe(t, took_ns, (1 + i) * 10 * NS_PER_MS);
        }
    }
}

Test(reply_time, settles_at_what_answers_take)
{
    struct reply_time t = {0};
    observe_batches(&t, 3, 3);
    cr_assert_geq(reply_time_allowance(&t), 3 * NS_PER_MS);
    cr_assert_lt(reply_time_allowance(&t), 3 * NS_PER_MS + NS_PER_MS / 10);
}

Test(reply_time, allows_for_times_that_vary)
{
    struct reply_time t = {0};
    observe_batches(&t, 2, 6);
    cr_assert_geq(reply_time_allowance(&t), 6 * NS_PER_MS);
    cr_assert_leq(reply_time_allowance(&t), 14 * NS_PER_MS);
}

Test(reply_time, does_not_expire_everything_while_kafka_is_slow)
{
    struct reply_time t = {0};
    reply_time_observe(&t, 40 * NS_PER_S, NS_PER_S);
    cr_assert_eq(reply_time_allowance(&t), 20 * NS_PER_MS);
    cr_assert_eq(reply_time_charge(20 * NS_PER_MS, NS_PER_S), 20 * NS_PER_MS);
    cr_assert_eq(reply_time_charge(20 * NS_PER_MS, 8 * NS_PER_MS), 2 * NS_PER_MS);
    cr_assert_eq(reply_time_charge(20 * NS_PER_MS, -1), 0);
}
