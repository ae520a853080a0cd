/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries in the store: in which order they are told, and when they are swept. */
#include "store_side.h"

#include <criterion/criterion.h>

TestSuite(store_deliveries, .init = side_setup, .fini = side_teardown);

static bool
count_delivery(void *arg, const struct uuid *id, const struct stored_delivery *d)
{
    size_t *count = arg;
    struct uuid expected = side_id(*count + 1);
    cr_assert(uuid_equal(id, &expected));
    cr_assert(span_is_text(d->bytes, "later"));
    return ++*count < 2;
}

static void
put_delivery(struct store *s, uint64_t n, enum stored_delivery_state state)
{
    struct uuid id = side_id(n);
    struct stored_delivery d = {.bytes = span_of_text("x")};
    cr_assert_eq(store_delivery_put(s, &id, &d), STATUS_OK);
    d = (struct stored_delivery){
        .state = state, .ended_us = side_now_us, .bytes = span_of_text("later")};
    cr_assert_eq(store_delivery_put(s, &id, &d), STATUS_OK);
}

static bool
has_delivery(struct store *s, uint64_t n)
{
    struct uuid id = side_id(n);
    struct stored_delivery d;
    return store_delivery_get(s, &id, &d) == STATUS_OK;
}

Test(store_deliveries, keeps_deliveries_in_the_order_of_ids_over_a_restart)
{
    struct store *s = side_open(16 * MIB);
    const struct uuid first = {{0}};
    size_t count = 0;
    for (uint64_t i = 1; i <= 3; i++) {
        cr_assert_eq(side_put(s, i, true, "r", side_now_us), STATUS_OK);
        put_delivery(s, i, (enum stored_delivery_state)(i - 1));
    }
    store_close(&s);
    s = side_open(16 * MIB);
    store_delivery_each(s, &first, count_delivery, &count);
    cr_assert_eq(count, 2, "it goes on only as long as it is told to");
    cr_assert(has_delivery(s, 3));
    cr_assert_not(has_delivery(s, 4));
    store_close(&s);
}

Test(store_deliveries, sweeps_what_ended_before_a_time_step_by_step)
{
    struct store *s = side_open(16 * MIB);
    struct uuid from = {{0}};
    for (uint64_t i = 1; i <= 5; i++) {
        put_delivery(s, i, i == 2 ? DELIVERY_OPEN : DELIVERY_ENDED);
    }
    store_delivery_sweep(s, &from, 10, side_now_us);
    cr_assert(has_delivery(s, 1), "it ended just then, not before");
    store_delivery_sweep(s, &from, 3, side_now_us + 1);
    cr_assert_not(has_delivery(s, 1));
    cr_assert(has_delivery(s, 2));
    cr_assert_not(has_delivery(s, 3));
    cr_assert(has_delivery(s, 4));
    store_delivery_sweep(s, &from, 3, side_now_us + 1);
    cr_assert_not(has_delivery(s, 4));
    cr_assert_not(has_delivery(s, 5));
    const struct uuid none = {{0}};
    cr_assert(uuid_equal(&from, &none), "behind the last it begins anew");
    store_close(&s);
}
