/* SPDX-License-Identifier: Apache-2.0 */
/* Ids that come back to us, and the order in which partitions take turns. */
#include "results/owner.h"

#include "base/clock.h"
#include "bus/partition.h"

#include <criterion/criterion.h>

#include <stdio.h>

static int32_t
partition_of(const struct uuid *id, int32_t count)
{
    char text[UUID_TEXT];
    uuid_format(id, text);
    return partition_of_key(span_of(text, UUID_TEXT), count);
}

static void
own(struct owner *o, int32_t count, int32_t from, int32_t to)
{
    owner_init(o);
    cr_assert_eq(owner_resize(o, count), STATUS_OK);
    for (int32_t p = from; p < to; p++) {
        owner_set(o, p, true);
        owner_open(o, p);
    }
}

Test(owner, mints_version_7_ids_that_hash_to_the_current_partition)
{
    struct owner o;
    struct uuid id;
    own(&o, 16, 3, 9);
    for (int i = 0; i < 600; i++) {
        cr_assert_eq(owner_mint(&o, 1700000000000000, &id), STATUS_OK);
        cr_assert_eq(partition_of(&id, 16), o.order[o.current]);
        cr_assert_eq(owner_partition(&o, &id), o.order[o.current]);
        cr_assert(owner_has(&o, owner_partition(&o, &id)));
        cr_assert_eq(id.bytes[6] >> 4, 7);
        cr_assert_eq(id.bytes[8] >> 6, 2);
        if (i % 10 == 9) {
            owner_next(&o);
        }
    }
    owner_fini(&o);
}

Test(owner, takes_the_owned_partitions_in_turn_in_bit_reversed_order)
{
    static const int32_t expected[] = {0, 4, 2, 6, 1, 5, 3, 7};
    struct owner o;
    own(&o, 8, 0, 8);
    for (int i = 0; i < 16; i++) {
        cr_assert_eq(o.order[o.current], expected[i % 8]);
        owner_next(&o);
    }
    owner_fini(&o);
}

Test(owner, gives_each_of_an_odd_number_of_partitions_the_same_share)
{
    struct owner o;
    int seen[16] = {0};
    own(&o, 16, 5, 12);
    for (int i = 0; i < 70; i++) {
        seen[o.order[o.current]]++;
        owner_next(&o);
    }
    for (int p = 0; p < 16; p++) {
        cr_assert_eq(seen[p], p >= 5 && p < 12 ? 10 : 0);
    }
    owner_fini(&o);
}

Test(owner, mints_nothing_while_it_owns_nothing)
{
    struct owner o;
    struct uuid id;
    owner_init(&o);
    cr_assert_eq(owner_mint(&o, 0, &id), STATUS_UNAVAILABLE);
    cr_assert_eq(owner_partition(&o, &id), OWNER_NOBODY);
    owner_set(&o, 3, true);
    cr_assert_not(owner_has(&o, 3));
    cr_assert_eq(owner_resize(&o, 4), STATUS_OK);
    owner_set(&o, 3, true);
    cr_assert_eq(owner_mint(&o, 0, &id), STATUS_UNAVAILABLE, "not read yet");
    owner_open(&o, 2);
    cr_assert_eq(owner_mint(&o, 0, &id), STATUS_UNAVAILABLE, "2 is not ours");
    owner_open(&o, 3);
    cr_assert_eq(owner_mint(&o, 0, &id), STATUS_OK);
    owner_set(&o, 3, false);
    owner_settle(&o);
    owner_next(&o);
    cr_assert_eq(owner_mint(&o, 0, &id), STATUS_UNAVAILABLE);
    cr_assert_eq(owner_resize(&o, 0), STATUS_INVALID);
    cr_assert_eq(owner_resize(&o, OWNER_PARTITIONS_MAX + 1), STATUS_INVALID);
    owner_fini(&o);
}

Test(owner, goes_on_minting_in_a_rebalance_until_it_is_settled_who_has_what)
{
    struct owner o;
    struct uuid id;
    own(&o, 4, 0, 2);
    owner_set(&o, 0, false);
    owner_set(&o, 1, false);
    cr_assert_eq(o.owned_count, 0);
    for (int32_t i = 0; i < 4; i++) {
        cr_assert_eq(owner_mint(&o, 0, &id), STATUS_OK);
        cr_assert(owner_holds(&o, owner_partition(&o, &id)));
        cr_assert_not(owner_has(&o, owner_partition(&o, &id)));
        owner_next(&o);
    }
    owner_set(&o, 1, true);
    owner_set(&o, 2, true);
    owner_settle(&o);
    cr_assert_eq(o.owned_count, 2);
    cr_assert_not(owner_holds(&o, 0), "it went to somebody else");
    for (int32_t i = 0; i < 4; i++) {
        cr_assert_eq(owner_mint(&o, 0, &id), STATUS_OK);
        cr_assert_eq(owner_partition(&o, &id), 1, "2 is not read yet");
        owner_next(&o);
    }
    owner_open(&o, 2);
    cr_assert_eq(o.order_count, 2);
    owner_fini(&o);
}

Test(owner, mints_different_ids)
{
    enum { COUNT = 2000 };
    static struct uuid ids[COUNT];
    struct owner o;
    own(&o, 16, 0, 1);
    for (int i = 0; i < COUNT; i++) {
        cr_assert_eq(owner_mint(&o, 1700000000000000, &ids[i]), STATUS_OK);
        for (int j = 0; j < i; j++) {
            cr_assert_not(uuid_equal(&ids[i], &ids[j]));
        }
    }
    owner_fini(&o);
}

/* A bound far above what it takes (0.4 to 1 us), so that it holds on a busy machine
 * and under sanitizers. */
Test(owner, mints_fast)
{
    enum { COUNT = 20000 };
    struct owner o;
    struct uuid id;
    own(&o, 16, 0, 16);
    int64_t begun_ns = clock_mono_ns();
    for (int i = 0; i < COUNT; i++) {
        cr_assert(owner_mint(&o, 1700000000000000, &id) == STATUS_OK);
    }
    int64_t each_ns = (clock_mono_ns() - begun_ns) / COUNT;
    fprintf(stderr, "owner_mint: %lld ns\n", (long long)each_ns);
    cr_assert_lt(each_ns, 50000);
    owner_fini(&o);
}

Test(owner, moves_an_id_to_the_partition_of_another_always_in_the_same_way)
{
    static const int32_t counts[] = {1, 3, 16, 4096};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct owner o;
        own(&o, counts[i], 0, 1);
        for (uint8_t n = 0; n < 20; n++) {
            uint8_t bytes[UUID_BYTES];
            memset(bytes, n, sizeof(bytes));
            struct uuid of = uuid_custom(bytes);
            memset(bytes, 0xff, sizeof(bytes)); /* so that the count runs over */
            struct uuid id = uuid_custom(bytes);
            struct uuid again = id;
            cr_assert_eq(owner_sibling(&o, &of, &id), STATUS_OK);
            cr_assert_eq(owner_partition(&o, &id), owner_partition(&o, &of));
            cr_assert_eq(owner_sibling(&o, &of, &again), STATUS_OK);
            cr_assert(uuid_equal(&id, &again));
            cr_assert_eq(id.bytes[6] >> 4, 8);
        }
        owner_fini(&o);
    }
}

Test(owner, knows_no_sibling_before_it_knows_the_size_of_the_topic)
{
    struct owner o;
    const uint8_t bytes[UUID_BYTES] = {1};
    struct uuid of = uuid_custom(bytes);
    struct uuid id = of;
    owner_init(&o);
    cr_assert_eq(owner_sibling(&o, &of, &id), STATUS_UNAVAILABLE);
    owner_fini(&o);
}
