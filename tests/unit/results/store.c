/* SPDX-License-Identifier: Apache-2.0 */
/* What the store promises over time and lack of space, and how fast it is. */
#include "results/store.h"

#include "base/clock.h"
#include "results/metrics.h"
#include "store_side.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

TestSuite(store, .init = side_setup, .fini = side_teardown);

static enum status
put_delivered(struct store *s, uint64_t n, const char *text, int64_t arrived_us)
{
    struct uuid id = side_id(n);
    const struct stored r = {.arrived_us = arrived_us,
                             .terminal = true,
                             .delivered = true,
                             .bytes = span_of_text(text)};
    return store_put(s, &id, &r);
}

Test(store, gives_back_what_was_put_before_and_after_a_commit)
{
    struct store *s = side_open(16 * MIB);
    cr_assert_eq(side_put(s, 1, true, "one", side_now_us), STATUS_OK);
    cr_assert(side_holds(s, 1, "one", side_now_us));
    cr_assert_eq(store_commit(s, side_now_us), STATUS_OK);
    cr_assert(side_holds(s, 1, "one", side_now_us));
    cr_assert_not(side_holds(s, 2, "one", side_now_us));
    store_close(&s);
    cr_assert_null(s);
}

Test(store, keeps_the_first_terminal_record_for_good)
{
    struct store *s = side_open(16 * MIB);
    cr_assert_eq(side_put(s, 1, false, "queued", side_now_us), STATUS_OK);
    cr_assert_eq(side_put(s, 1, false, "queued again", side_now_us), STATUS_CONFLICT);
    cr_assert_eq(side_put(s, 1, true, "first", side_now_us), STATUS_OK);
    cr_assert_eq(side_put(s, 1, true, "second", side_now_us), STATUS_CONFLICT);
    cr_assert_eq(side_put(s, 1, false, "queued", side_now_us), STATUS_CONFLICT);
    cr_assert(side_holds(s, 1, "first", side_now_us));
    store_close(&s);
}

Test(store, commits_by_itself_after_20_ms)
{
    struct store *s = side_open(16 * MIB);
    int64_t now_ns = 5 * NS_PER_S;
    store_turn(s, now_ns, side_now_us);
    cr_assert_eq(side_put(s, 1, true, "one", side_now_us), STATUS_OK);
    cr_assert_eq(store_turn(s, now_ns, side_now_us), now_ns + 20 * NS_PER_MS);
    now_ns += 20 * NS_PER_MS;
    cr_assert_gt(store_turn(s, now_ns, side_now_us), now_ns + 20 * NS_PER_MS);
    store_close(&s);
}

Test(store, commits_a_rebuild_less_often)
{
    struct store *s = side_open(16 * MIB);
    int64_t now_ns = 5 * NS_PER_S;
    store_turn(s, now_ns, side_now_us);
    store_set_bulk(s, true);
    cr_assert_eq(side_put(s, 1, true, "one", side_now_us), STATUS_OK);
    cr_assert_eq(store_turn(s, now_ns, side_now_us), now_ns + 200 * NS_PER_MS);
    store_set_bulk(s, false);
    cr_assert_gt(store_turn(s, now_ns + 20 * NS_PER_MS, side_now_us),
                 now_ns + 40 * NS_PER_MS);
    store_close(&s);
}

Test(store, forgets_results_when_their_time_is_over)
{
    struct store *s = side_open(16 * MIB);
    cr_assert_eq(side_put(s, 1, true, "old", side_now_us), STATUS_OK);
    cr_assert_eq(side_put(s, 2, false, "queued", side_now_us), STATUS_OK);
    cr_assert_eq(store_commit(s, side_now_us), STATUS_OK);
    int64_t half_us = side_now_us + TTL_US / 2;
    cr_assert_eq(side_put(s, 2, true, "ended", half_us), STATUS_OK);
    cr_assert_eq(store_commit(s, half_us), STATUS_OK);
    int64_t over_us = side_now_us + TTL_US + 10;
    cr_assert_not(side_holds(s, 1, "old", over_us));
    cr_assert(side_holds(s, 1, "old", side_now_us + 1), "not dropped, only hidden");
    int64_t bucket_over_us = over_us + TTL_US / 12;
    store_turn(s, NS_PER_S, bucket_over_us);
    cr_assert_not(side_holds(s, 1, "old", side_now_us + 1), "dropped");
    cr_assert(side_holds(s, 2, "ended", bucket_over_us), "the later record counts");
    cr_assert_eq(atomic_load(&results_metric(ROW_STORE_EXPIRED)->value), 2);
    store_close(&s);
}

/* Over the edge of buckets, after a restart, and for ids that tell their own time. */
Test(store, keeps_the_first_terminal_record_across_buckets)
{
    struct uuid_source source;
    uuid_source_init(&source);
    struct uuid dated = uuid_mint(&source, side_now_us);
    struct stored r = {.arrived_us = side_now_us, .bytes = span_of_text("queued")};
    struct store *s = side_open(16 * MIB);
    cr_assert_eq(store_put(s, &dated, &r), STATUS_OK);
    cr_assert_eq(side_put(s, 1, true, "first", side_now_us), STATUS_OK);
    for (int64_t i = 1; i <= 12; i++) {
        int64_t later_us = side_now_us + i * TTL_US / 12 - 1;
        cr_assert_eq(side_put(s, 1, true, "second", later_us), STATUS_CONFLICT);
        r = (struct stored){later_us, true, false, span_of_text("ended")};
        cr_assert_eq(store_put(s, &dated, &r), i == 1 ? STATUS_OK : STATUS_CONFLICT);
        store_close(&s);
        s = side_open(16 * MIB);
        cr_assert(side_holds(s, 1, "first", later_us));
        cr_assert_eq(store_get(s, &dated, later_us, &r), STATUS_OK);
        cr_assert(r.terminal);
    }
    store_close(&s);
}

/* By a clock that is ahead: an id from the future, answered by one that is right. */
Test(store, knows_an_id_minted_by_a_clock_that_is_ahead)
{
    static const int64_t ahead_us[] = {60000000, TTL_US / 2, TTL_US, 3 * TTL_US};
    struct uuid_source source;
    uuid_source_init(&source);
    struct store *s = side_open(16 * MIB);
    for (size_t i = 0; i < sizeof ahead_us / sizeof ahead_us[0]; i++) {
        struct uuid id = uuid_mint(&source, side_now_us + ahead_us[i]);
        struct stored r = {side_now_us, true, false, span_of_text("first")};
        cr_assert_eq(store_put(s, &id, &r), STATUS_OK);
        for (int64_t after_us = 1; after_us < TTL_US; after_us += TTL_US / 7) {
            r = (struct stored){side_now_us + after_us, true, false,
                                span_of_text("2nd")};
            cr_assert_eq(store_put(s, &id, &r), STATUS_CONFLICT);
            cr_assert_eq(store_get(s, &id, side_now_us + after_us, &r), STATUS_OK);
            cr_assert(span_is_text(r.bytes, "first"));
        }
    }
    store_close(&s);
}

Test(store, keeps_a_delivered_answer_for_a_shorter_time_and_knows_that_it_was)
{
    struct uuid id = side_id(1);
    struct store *s = side_open(16 * MIB);
    cr_assert_eq(side_put(s, 1, false, "queued", side_now_us), STATUS_OK);
    cr_assert_eq(put_delivered(s, 1, "told", side_now_us), STATUS_OK);
    cr_assert(side_holds(s, 1, "told", side_now_us + SHORT_TTL_US - 1));
    cr_assert_eq(side_put(s, 1, true, "second", side_now_us), STATUS_CONFLICT);
    int64_t over_us = side_now_us + SHORT_TTL_US + SHORT_TTL_US / 12 + 1;
    cr_assert_not(side_holds(s, 1, "told", over_us));
    store_turn(s, NS_PER_S, over_us);
    cr_assert_not(side_holds(s, 1, "told", side_now_us), "dropped");
    store_close(&s);
    s = side_open(16 * MIB);
    cr_assert(store_ended(s, &id, over_us));
    cr_assert_eq(side_put(s, 1, true, "second", over_us), STATUS_CONFLICT);
    cr_assert_eq(side_put(s, 1, true, "2nd", side_now_us + TTL_US - 1),
                 STATUS_CONFLICT);
    cr_assert_not(store_ended(s, &(struct uuid){{9}}, over_us));
    store_close(&s);
}

Test(store, goes_on_with_its_rows_when_the_time_to_live_was_changed)
{
    struct store_config config = {.directory = side_directory.path,
                                  .topic = "leat.replies",
                                  .bytes_max = 16 * MIB};
    static const int64_t ttls_us[] = {TTL_US, TTL_US / 3, 24 * TTL_US, TTL_US / 2};
    struct store *s = NULL;
    for (uint64_t i = 0; i < 4; i++) {
        config.ttl_us = ttls_us[i];
        cr_assert_eq(store_open(&s, &config, NULL), STATUS_OK);
        cr_assert_eq(side_put(s, i, true, "kept", side_now_us + (int64_t)i), STATUS_OK);
        cr_assert_eq(side_put(s, i, true, "again", side_now_us + 9), STATUS_CONFLICT);
        for (uint64_t n = 0; n <= i; n++) {
            cr_assert(side_holds(s, n, "kept", side_now_us + 10));
        }
        store_close(&s);
    }
}

Test(store, drops_the_oldest_results_when_its_space_is_used_up)
{
    enum { COUNT = 4000, SIZE = 1500 };
    static char text[SIZE + 1];
    memset(text, 'x', SIZE);
    struct store *s = side_open(2 * MIB);
    for (uint64_t i = 0; i < COUNT; i++) {
        cr_assert_eq(side_put(s, i, true, text, side_now_us + (int64_t)i), STATUS_OK);
        if (i % 100 == 99) {
            cr_assert_eq(store_commit(s, side_now_us + (int64_t)i), STATUS_OK);
        }
    }
    cr_assert_not(store_damaged(s));
    cr_assert_not(side_holds(s, 0, text, side_now_us));
    cr_assert(side_holds(s, COUNT - 1, text, side_now_us));
    cr_assert(side_holds(s, COUNT - 300, text, side_now_us),
              "no more went than had to");
    cr_assert_gt(atomic_load(&results_metric(ROW_STORE_EVICTED)->value), 2000);
    cr_assert_leq(atomic_load(&results_metric(ROW_STORE_BYTES)->value), 2 * MIB);
    store_close(&s);
}

Test(store, drops_whole_buckets_first_where_there_are_many)
{
    enum { COUNT = 4800, SIZE = 1500 };
    static char text[SIZE + 1];
    memset(text, 'x', SIZE);
    struct store *s = side_open(4 * MIB);
    for (uint64_t i = 0; i < COUNT; i++) {
        int64_t at_us = side_now_us + (int64_t)i * (TTL_US / COUNT);
        cr_assert_eq(side_put(s, i, true, text, at_us), STATUS_OK);
        if (i % 100 == 99) {
            cr_assert_eq(store_commit(s, at_us), STATUS_OK);
        }
    }
    cr_assert_not(side_holds(s, 0, text, side_now_us));
    cr_assert(side_holds(s, COUNT - 1500, text, side_now_us + TTL_US));
    cr_assert_leq(atomic_load(&results_metric(ROW_STORE_BYTES)->value), 4 * MIB);
    store_close(&s);
}

Test(store, refuses_a_record_that_would_take_most_of_its_space)
{
    static char text[MIB + 1];
    memset(text, 'x', MIB);
    struct store *s = side_open(MIB);
    cr_assert_eq(side_put(s, 1, true, text, side_now_us), STATUS_TOO_LARGE);
    cr_assert_eq(side_put(s, 2, true, "small", side_now_us), STATUS_OK);
    store_close(&s);
}

/* A bound far above what it takes, for busy machines and sanitizers. */
Test(store, puts_fast)
{
    enum { COUNT = 100000, SIZE = 600 };
    static char text[SIZE + 1];
    memset(text, 'x', SIZE);
    struct store *s = side_open(512 * (int64_t)MIB);
    struct uuid_source source;
    uuid_source_init(&source);
    int64_t begun_ns = clock_mono_ns();
    int64_t worst_ns = 0;
    for (int i = 0; i < COUNT; i++) {
        int64_t wall_us = side_now_us + 50 * (int64_t)i;
        struct uuid id = uuid_mint(&source, wall_us);
        const struct stored r = {wall_us, true, false, span_of(text, SIZE)};
        cr_assert(store_put(s, &id, &r) == STATUS_OK);
        side_set_next(s, i % 16, i);
        if (i % 400 == 0) {
            int64_t now_ns = clock_mono_ns();
            cr_assert(store_commit(s, wall_us) == STATUS_OK);
            int64_t took_ns = clock_mono_ns() - now_ns;
            worst_ns = took_ns > worst_ns ? took_ns : worst_ns;
        }
    }
    int64_t each_ns = (clock_mono_ns() - begun_ns) / COUNT;
    fprintf(stderr,
            "store_put with its share of commits: %lld ns; worst commit %lld us\n",
            (long long)each_ns, (long long)(worst_ns / 1000));
    cr_assert_lt(each_ns, 200000);
    store_close(&s);
}
