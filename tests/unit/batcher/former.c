/* SPDX-License-Identifier: Apache-2.0 */
/* The policy, without a clock: what is taken, when, and in which order. */
#include "batcher/former.h"

#include "base/clock.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

enum { MANY = 64 };

static struct former *
make(size_t entries_max)
{
    struct former *f = NULL;
    const struct former_config config = {.entries_max = entries_max,
                                         .bytes_max = 1 << 20};
    cr_assert_eq(former_create(&f, &config), STATUS_OK);
    return f;
}

static struct former_entry
entry(int64_t deadline_ns, uint32_t rows)
{
    return (struct former_entry){.node = {.at = HEAP_OUTSIDE},
                                 .deadline_ns = deadline_ns,
                                 .signature = 1,
                                 .rows = rows,
                                 .bytes = 8};
}

static struct former_list
take(struct former *f, unsigned under_way, uint32_t rows_max)
{
    const struct former_ask ask = {
        .under_way = under_way, .rows_max = rows_max, .bytes_max = 1 << 16};
    struct former_list list;
    former_take(f, &ask, &list);
    return list;
}

Test(former, takes_the_earliest_deadline_first_and_none_last)
{
    struct former *f = make(MANY);
    struct former_entry none = entry(TIME_NEVER, 1);
    struct former_entry late = entry(900, 1);
    struct former_entry soon = entry(100, 1);
    cr_assert_eq(former_add(f, &none), STATUS_OK);
    cr_assert_eq(former_add(f, &late), STATUS_OK);
    cr_assert_eq(former_add(f, &soon), STATUS_OK);
    cr_assert_eq(former_next_deadline(f), 100);
    struct former_list list = take(f, 0, 16);
    cr_assert_eq(list.count, 3);
    cr_assert_eq(list.first, &soon);
    cr_assert_eq(list.first->next, &late);
    cr_assert_eq(list.last, &none);
    former_destroy(&f);
}

Test(former, serves_equals_in_the_order_of_arrival)
{
    struct former *f = make(MANY);
    struct former_entry entries[10];
    for (int i = 0; i < 10; i++) {
        entries[i] = entry(TIME_NEVER, 1);
        cr_assert_eq(former_add(f, &entries[i]), STATUS_OK);
    }
    int expected = 0;
    while (expected < 10) {
        struct former_list list = take(f, 0, 3);
        for (struct former_entry *e = list.first; e != NULL; e = e->next) {
            cr_assert_eq(e, &entries[expected++]);
        }
    }
    former_destroy(&f);
}

Test(former, never_holds_an_idle_device)
{
    struct former *f = make(MANY);
    struct former_entry one = entry(TIME_NEVER, 1);
    cr_assert_eq(former_add(f, &one), STATUS_OK);
    cr_assert_eq(take(f, 0, 16).count, 1);
    cr_assert_eq(take(f, 0, 16).count, 0);
    former_destroy(&f);
}

Test(former, closes_a_batch_ahead_only_if_it_is_full)
{
    struct former *f = make(MANY);
    struct former_entry entries[5];
    for (int i = 0; i < 3; i++) {
        entries[i] = entry(TIME_NEVER, 1);
        cr_assert_eq(former_add(f, &entries[i]), STATUS_OK);
    }
    cr_assert_eq(take(f, 1, 4).count, 0);
    entries[3] = entry(TIME_NEVER, 1);
    cr_assert_eq(former_add(f, &entries[3]), STATUS_OK);
    entries[4] = entry(TIME_NEVER, 1);
    cr_assert_eq(former_add(f, &entries[4]), STATUS_OK);
    cr_assert_eq(take(f, FORMER_DEPTH, 4).count, 0);
    cr_assert_eq(take(f, 1, 4).count, 4);
    cr_assert_eq(take(f, 1, 4).count, 0);
    former_destroy(&f);
}

Test(former, keeps_shapes_apart)
{
    struct former *f = make(MANY);
    struct former_entry square = entry(50, 1);
    struct former_entry wide = entry(10, 1);
    struct former_entry square_too = entry(60, 1);
    wide.signature = 2;
    cr_assert_eq(former_add(f, &square), STATUS_OK);
    cr_assert_eq(former_add(f, &wide), STATUS_OK);
    cr_assert_eq(former_add(f, &square_too), STATUS_OK);
    struct former_list first = take(f, 0, 16);
    cr_assert_eq(first.count, 1);
    cr_assert_eq(first.first, &wide);
    cr_assert_eq(take(f, 0, 16).count, 2);
    former_destroy(&f);
}

Test(former, lets_a_single_request_over_the_bytes_stand_alone)
{
    struct former *f = make(MANY);
    struct former_entry huge = entry(1, 1);
    struct former_entry small = entry(2, 1);
    huge.bytes = 1 << 17;
    cr_assert_eq(former_add(f, &huge), STATUS_OK);
    cr_assert_eq(former_add(f, &small), STATUS_OK);
    cr_assert_eq(take(f, 0, 16).count, 1);
    cr_assert_eq(take(f, 0, 16).count, 1);
    former_destroy(&f);
}

Test(former, takes_out_what_has_no_time_left)
{
    struct former *f = make(MANY);
    struct former_entry past = entry(10, 1);
    struct former_entry other_shape = entry(15, 1);
    struct former_entry future = entry(30, 1);
    other_shape.signature = 2;
    cr_assert_eq(former_add(f, &past), STATUS_OK);
    cr_assert_eq(former_add(f, &future), STATUS_OK);
    cr_assert_eq(former_add(f, &other_shape), STATUS_OK);
    struct former_list expired;
    former_expire(f, 20, &expired);
    cr_assert_eq(expired.count, 2);
    cr_assert_eq(expired.first, &past);
    cr_assert_eq(expired.last, &other_shape);
    cr_assert_eq(former_count(f), 1);
    former_destroy(&f);
}

Test(former, gives_back_a_partition_above_an_offset)
{
    struct former *f = make(MANY);
    struct former_entry entries[12];
    for (int i = 0; i < 12; i++) {
        entries[i] = entry(100 - i, 1);
        entries[i].partition = i % 2;
        entries[i].offset = i;
        cr_assert_eq(former_add(f, &entries[i]), STATUS_OK);
    }
    struct former_list removed;
    former_remove(f, 1, 5, &removed);
    cr_assert_eq(removed.count, 3);
    for (struct former_entry *e = removed.first; e != NULL; e = e->next) {
        cr_assert_eq(e->partition, 1);
        cr_assert_gt(e->offset, 5);
    }
    former_remove(f, 0, -1, &removed);
    cr_assert_eq(removed.count, 6);
    cr_assert_eq(former_count(f), 3);
    former_destroy(&f);
}

Test(former, asks_for_a_pause_at_its_bound_and_for_more_at_half)
{
    struct former *f = make(4);
    struct former_entry entries[9];
    for (int i = 0; i < 8; i++) {
        entries[i] = entry(TIME_NEVER, 1);
        cr_assert_eq(former_is_full(f), i >= 4);
        cr_assert_eq(former_add(f, &entries[i]), STATUS_OK);
    }
    entries[8] = entry(TIME_NEVER, 1);
    cr_assert_eq(former_add(f, &entries[8]), STATUS_FULL);
    cr_assert_eq(take(f, 0, 5).count, 5);
    cr_assert_not(former_is_full(f));
    cr_assert_not(former_has_room(f));
    cr_assert_eq(take(f, 0, 1).count, 1);
    cr_assert(former_has_room(f));
    former_destroy(&f);
}

/* One random life: what was taken must be each entry once, within the limits, and in
 * the order of (deadline, arrival) at the moment of taking. */
struct life {
    struct former *f;
    struct former_entry entries[2000];
    bool out[2000];
    size_t added;
    size_t taken;
    unsigned seed;
};

static void
check_batch(struct life *l, const struct former_list *list, uint32_t rows_max)
{
    uint32_t rows = 0;
    const struct former_entry *before = NULL;
    for (struct former_entry *e = list->first; e != NULL; e = e->next) {
        size_t i = (size_t)(e - l->entries);
        cr_assert_not(l->out[i]);
        l->out[i] = true;
        l->taken++;
        rows += e->rows;
        if (before != NULL) {
            cr_assert_eq(before->signature, e->signature);
            cr_assert(before->deadline_ns < e->deadline_ns ||
                      (before->deadline_ns == e->deadline_ns &&
                       before->arrival < e->arrival));
        }
        before = e;
    }
    cr_assert_leq(rows, rows_max);
}

static void
live_once(struct life *l)
{
    unsigned what = (unsigned)rand_r(&l->seed) % 4;
    struct former_list list;
    if (what < 2 && l->added < 2000) {
        struct former_entry *e = &l->entries[l->added++];
        int64_t deadline =
            rand_r(&l->seed) % 3 == 0 ? TIME_NEVER : rand_r(&l->seed) % 50;
        *e = entry(deadline, 1 + (uint32_t)rand_r(&l->seed) % 8);
        e->signature = (uint64_t)rand_r(&l->seed) % 3;
        e->partition = rand_r(&l->seed) % 4;
        e->offset = (int64_t)l->added;
        cr_assert_eq(former_add(l->f, e), STATUS_OK);
    } else if (what == 3 && rand_r(&l->seed) % 20 == 0) {
        former_remove(l->f, rand_r(&l->seed) % 4, -1, &list);
        for (struct former_entry *e = list.first; e != NULL; e = e->next) {
            l->out[e - l->entries] = true;
            l->taken++;
        }
    } else {
        list = take(l->f, (unsigned)rand_r(&l->seed) % 3, 16);
        check_batch(l, &list, 16);
    }
}

Test(former, gives_each_request_out_once_within_the_limits_in_random_lives)
{
    static struct life l;
    for (unsigned seed = 1; seed <= 50; seed++) {
        memset(&l, 0, sizeof l);
        l.seed = seed;
        l.f = make(4000);
        for (int step = 0; step < 4000; step++) {
            live_once(&l);
        }
        while (former_count(l.f) > 0) {
            struct former_list list = take(l.f, 0, 16);
            cr_assert_gt(list.count, 0);
            check_batch(&l, &list, 16);
        }
        cr_assert_eq(l.taken, l.added);
        cr_assert_eq(former_bytes(l.f), 0);
        former_destroy(&l.f);
    }
}
