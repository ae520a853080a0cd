/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/sticky.h"

#include "base/clock.h"

#include <criterion/criterion.h>

#include <stdint.h>

static struct sticky s;

static void
setup(void)
{
    sticky_init(&s);
}

TestSuite(sticky, .init = setup);

Test(sticky, keeps_to_one_partition_for_as_many_records_as_a_batch_has)
{
    bool turned = false;
    int32_t first = sticky_take(&s, 8, 3, NS_PER_MS, 0, &turned);
    cr_assert(turned);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(sticky_take(&s, 8, 3, NS_PER_MS, 10, &turned), first);
        cr_assert_not(turned);
    }
    cr_assert_neq(sticky_take(&s, 8, 3, NS_PER_MS, 10, &turned), first);
    cr_assert(turned);
}

Test(sticky, moves_on_a_millisecond_after_the_first_record)
{
    bool turned = false;
    int32_t first = sticky_take(&s, 8, 100, NS_PER_MS, 5, &turned);
    cr_assert_eq(sticky_take(&s, 8, 100, NS_PER_MS, 4 + NS_PER_MS, &turned), first);
    cr_assert_neq(sticky_take(&s, 8, 100, NS_PER_MS, 5 + NS_PER_MS, &turned), first);
    cr_assert(turned);
}

Test(sticky, takes_partitions_in_bit_reversed_order)
{
    static const int32_t expected[] = {0, 4, 2, 6, 1, 5, 3, 7, 0};
    bool turned = false;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        cr_assert_eq(sticky_take(&s, 8, 1, NS_PER_MS, 0, &turned), expected[i]);
    }
}

Test(sticky, visits_each_partition_once_a_round_whatever_their_number)
{
    for (int32_t count = 1; count <= 40; count++) {
        int seen[40] = {0};
        bool turned = false;
        sticky_init(&s);
        for (int32_t i = 0; i < 3 * count; i++) {
            int32_t at = sticky_take(&s, count, 1, NS_PER_MS, 0, &turned);
            cr_assert(at >= 0 && at < count);
            seen[at]++;
        }
        for (int32_t i = 0; i < count; i++) {
            cr_assert_eq(seen[i], 3, "%d of %d partitions", i, count);
        }
    }
}

Test(sticky, leaves_a_partition_that_is_no_more)
{
    bool turned = false;
    sticky_take(&s, 8, 1, NS_PER_MS, 0, &turned);
    cr_assert_eq(sticky_take(&s, 8, 1, NS_PER_MS, 0, &turned), 4);
    cr_assert_lt(sticky_take(&s, 2, 100, NS_PER_MS, 0, &turned), 2);
    cr_assert(turned);
}

Test(sticky, a_slow_model_has_a_longer_quantum_within_bounds)
{
    cr_assert_eq(sticky_quantum_ns(0), NS_PER_MS);
    cr_assert_eq(sticky_quantum_ns(5000), NS_PER_MS);
    cr_assert_eq(sticky_quantum_ns(20000), NS_PER_MS);
    cr_assert_eq(sticky_quantum_ns(100000), 5 * NS_PER_MS);
    cr_assert_eq(sticky_quantum_ns(500000), 25 * NS_PER_MS);
    cr_assert_eq(sticky_quantum_ns(60000000), 25 * NS_PER_MS);
    cr_assert_eq(sticky_quantum_ns(INT64_MAX), 25 * NS_PER_MS);
}

enum { PARTITIONS = 16, BATCH = 5, OWNERS_MAX = 4 };

/** A burst that takes 5 ms to arrive, counted by owner under range assignment. */
static void
burst(int records, int owners, int counts[static OWNERS_MAX])
{
    const int64_t quantum_ns = sticky_quantum_ns(500000);
    int previous = -1;
    bool turned = false;
    for (int i = 0; i < records; i++) {
        int64_t now_ns = 5 * NS_PER_MS * i / records;
        int32_t at = sticky_take(&s, PARTITIONS, BATCH, quantum_ns, now_ns, &turned);
        int owner = at / (PARTITIONS / owners);
        cr_assert_eq(turned, i % BATCH == 0, "record %d", i);
        cr_assert(!turned || owners == 1 || owner != previous, "record %d", i);
        counts[owner]++;
        previous = owner;
    }
}

Test(sticky, a_burst_goes_in_whole_batches_to_owners_in_turn)
{
    static const int bursts[] = {10, 50, 200};
    static const int owner_counts[] = {1, 2, 4};
    for (size_t b = 0; b < 3; b++) {
        for (size_t o = 0; o < 3; o++) {
            int counts[OWNERS_MAX] = {0};
            int owners = owner_counts[o];
            int quanta = bursts[b] / BATCH;
            sticky_init(&s);
            burst(bursts[b], owners, counts);
            for (int i = 0; i < owners; i++) {
                int least = quanta / owners * BATCH;
                int most = (quanta + owners - 1) / owners * BATCH;
                cr_assert(counts[i] >= least && counts[i] <= most,
                          "%d records, owner %d of %d has %d", bursts[b], i, owners,
                          counts[i]);
            }
        }
    }
}

Test(sticky, a_burst_after_a_quiet_time_begins_a_quantum_of_its_own)
{
    int counts[OWNERS_MAX] = {0};
    bool turned = false;
    sticky_take(&s, PARTITIONS, BATCH, 25 * NS_PER_MS, -30 * NS_PER_MS, &turned);
    burst(10, 2, counts);
    cr_assert_eq(counts[0], 5);
    cr_assert_eq(counts[1], 5);
}
