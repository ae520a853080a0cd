/* SPDX-License-Identifier: Apache-2.0 */
/* What the store promises over closing, crashing, time and lack of space. */
#include "results/store.h"

#include "base/clock.h"
#include "directory.h"
#include "results/metrics.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

#define TTL_US       3600000000LL
#define SHORT_TTL_US 300000000LL

static struct directory directory;
static int64_t now_us; /* wall */

static void
setup(void)
{
    directory_create(&directory);
    now_us = clock_wall_us();
}

static void
teardown(void)
{
    directory_remove(&directory);
}

TestSuite(store, .init = setup, .fini = teardown);

static struct store *
open_store(int64_t bytes_max)
{
    const struct store_config config = {.directory = directory.path,
                                        .topic = "leat.replies",
                                        .bytes_max = bytes_max,
                                        .ttl_us = TTL_US,
                                        .delivered_ttl_us = SHORT_TTL_US};
    struct store *s = NULL;
    struct fault fault = {0};
    cr_assert_eq(store_open(&s, &config, &fault), STATUS_OK, "%s", fault.text);
    return s;
}

static struct uuid
id_of(uint64_t n)
{
    struct uuid id = {{0}};
    for (int i = 0; i < 8; i++) {
        id.bytes[i] = (uint8_t)(n >> (56 - 8 * i));
    }
    return id;
}

static enum status
put(struct store *s, uint64_t n, bool terminal, const char *text, int64_t arrived_us)
{
    struct uuid id = id_of(n);
    const struct stored r = {
        .arrived_us = arrived_us, .terminal = terminal, .bytes = span_of_text(text)};
    return store_put(s, &id, &r);
}

static enum status
put_delivered(struct store *s, uint64_t n, const char *text, int64_t arrived_us)
{
    struct uuid id = id_of(n);
    const struct stored r = {.arrived_us = arrived_us,
                             .terminal = true,
                             .delivered = true,
                             .bytes = span_of_text(text)};
    return store_put(s, &id, &r);
}

static void
set_next(struct store *s, int32_t partition, int64_t next)
{
    store_offset_set(s, partition, (struct store_position){next, now_us});
}

/* -1: nothing known. */
static int64_t
next_of(struct store *s, int32_t partition)
{
    struct store_position at = {.next = -1};
    enum status status = store_offset_get(s, partition, &at);
    cr_assert_eq(status, at.next < 0 ? STATUS_NOT_FOUND : STATUS_OK);
    return at.next;
}

static bool
holds(struct store *s, uint64_t n, const char *text, int64_t wall_us)
{
    struct uuid id = id_of(n);
    struct stored r;
    return store_get(s, &id, wall_us, &r) == STATUS_OK && span_is_text(r.bytes, text);
}

Test(store, gives_back_what_was_put_before_and_after_a_commit)
{
    struct store *s = open_store(16 * MIB);
    cr_assert_eq(put(s, 1, true, "one", now_us), STATUS_OK);
    cr_assert(holds(s, 1, "one", now_us));
    cr_assert_eq(store_commit(s, now_us), STATUS_OK);
    cr_assert(holds(s, 1, "one", now_us));
    cr_assert_not(holds(s, 2, "one", now_us));
    store_close(&s);
    cr_assert_null(s);
}

Test(store, keeps_the_first_terminal_record_for_good)
{
    struct store *s = open_store(16 * MIB);
    cr_assert_eq(put(s, 1, false, "queued", now_us), STATUS_OK);
    cr_assert_eq(put(s, 1, false, "queued again", now_us), STATUS_CONFLICT);
    cr_assert_eq(put(s, 1, true, "first", now_us), STATUS_OK);
    cr_assert_eq(put(s, 1, true, "second", now_us), STATUS_CONFLICT);
    cr_assert_eq(put(s, 1, false, "queued", now_us), STATUS_CONFLICT);
    cr_assert(holds(s, 1, "first", now_us));
    store_close(&s);
}

Test(store, continues_after_a_restart_where_it_was)
{
    struct store *s = open_store(16 * MIB);
    struct store_position at;
    cr_assert_eq(next_of(s, 5), -1);
    cr_assert_eq(put(s, 1, true, "one", now_us), STATUS_OK);
    set_next(s, 5, 42);
    set_next(s, 300, 7);
    cr_assert_eq(next_of(s, 5), 42);
    store_close(&s);
    s = open_store(16 * MIB);
    cr_assert(holds(s, 1, "one", now_us));
    cr_assert_eq(next_of(s, 5), 42);
    cr_assert_eq(next_of(s, 300), 7);
    cr_assert_eq(next_of(s, 6), -1);
    cr_assert_eq(store_offset_get(s, 5, &at), STATUS_OK);
    cr_assert_eq(at.newest_us, now_us);
    store_close(&s);
}

Test(store, commits_by_itself_after_20_ms)
{
    struct store *s = open_store(16 * MIB);
    int64_t now_ns = 5 * NS_PER_S;
    store_turn(s, now_ns, now_us);
    cr_assert_eq(put(s, 1, true, "one", now_us), STATUS_OK);
    cr_assert_eq(store_turn(s, now_ns, now_us), now_ns + 20 * NS_PER_MS);
    now_ns += 20 * NS_PER_MS;
    cr_assert_gt(store_turn(s, now_ns, now_us), now_ns + 20 * NS_PER_MS);
    store_close(&s);
}

Test(store, commits_a_rebuild_less_often)
{
    struct store *s = open_store(16 * MIB);
    int64_t now_ns = 5 * NS_PER_S;
    store_turn(s, now_ns, now_us);
    store_set_bulk(s, true);
    cr_assert_eq(put(s, 1, true, "one", now_us), STATUS_OK);
    cr_assert_eq(store_turn(s, now_ns, now_us), now_ns + 200 * NS_PER_MS);
    store_set_bulk(s, false);
    cr_assert_gt(store_turn(s, now_ns + 20 * NS_PER_MS, now_us),
                 now_ns + 40 * NS_PER_MS);
    store_close(&s);
}

Test(store, forgets_results_when_their_time_is_over)
{
    struct store *s = open_store(16 * MIB);
    cr_assert_eq(put(s, 1, true, "old", now_us), STATUS_OK);
    cr_assert_eq(put(s, 2, false, "queued", now_us), STATUS_OK);
    cr_assert_eq(store_commit(s, now_us), STATUS_OK);
    int64_t half_us = now_us + TTL_US / 2;
    cr_assert_eq(put(s, 2, true, "ended", half_us), STATUS_OK);
    cr_assert_eq(store_commit(s, half_us), STATUS_OK);
    int64_t over_us = now_us + TTL_US + 10;
    cr_assert_not(holds(s, 1, "old", over_us));
    cr_assert(holds(s, 1, "old", now_us + 1), "not dropped, only hidden");
    int64_t bucket_over_us = over_us + TTL_US / 12;
    store_turn(s, NS_PER_S, bucket_over_us);
    cr_assert_not(holds(s, 1, "old", now_us + 1), "dropped");
    cr_assert(holds(s, 2, "ended", bucket_over_us), "the later record counts");
    cr_assert_eq(atomic_load(&results_metric(ROW_STORE_EXPIRED)->value), 2);
    store_close(&s);
}

/* Over the edge of buckets, after a restart, and for ids that tell their own time. */
Test(store, keeps_the_first_terminal_record_across_buckets)
{
    struct uuid_source source;
    uuid_source_init(&source);
    struct uuid dated = uuid_mint(&source, now_us);
    struct stored r = {.arrived_us = now_us, .bytes = span_of_text("queued")};
    struct store *s = open_store(16 * MIB);
    cr_assert_eq(store_put(s, &dated, &r), STATUS_OK);
    cr_assert_eq(put(s, 1, true, "first", now_us), STATUS_OK);
    for (int64_t i = 1; i <= 12; i++) {
        int64_t later_us = now_us + i * TTL_US / 12 - 1;
        cr_assert_eq(put(s, 1, true, "second", later_us), STATUS_CONFLICT);
        r = (struct stored){later_us, true, false, span_of_text("ended")};
        cr_assert_eq(store_put(s, &dated, &r), i == 1 ? STATUS_OK : STATUS_CONFLICT);
        store_close(&s);
        s = open_store(16 * MIB);
        cr_assert(holds(s, 1, "first", later_us));
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
    struct store *s = open_store(16 * MIB);
    for (size_t i = 0; i < sizeof ahead_us / sizeof ahead_us[0]; i++) {
        struct uuid id = uuid_mint(&source, now_us + ahead_us[i]);
        struct stored r = {now_us, true, false, span_of_text("first")};
        cr_assert_eq(store_put(s, &id, &r), STATUS_OK);
        for (int64_t after_us = 1; after_us < TTL_US; after_us += TTL_US / 7) {
            r = (struct stored){now_us + after_us, true, false, span_of_text("2nd")};
            cr_assert_eq(store_put(s, &id, &r), STATUS_CONFLICT);
            cr_assert_eq(store_get(s, &id, now_us + after_us, &r), STATUS_OK);
            cr_assert(span_is_text(r.bytes, "first"));
        }
    }
    store_close(&s);
}

Test(store, keeps_a_delivered_answer_for_a_shorter_time_and_knows_that_it_was)
{
    struct uuid id = id_of(1);
    struct store *s = open_store(16 * MIB);
    cr_assert_eq(put(s, 1, false, "queued", now_us), STATUS_OK);
    cr_assert_eq(put_delivered(s, 1, "told", now_us), STATUS_OK);
    cr_assert(holds(s, 1, "told", now_us + SHORT_TTL_US - 1));
    cr_assert_eq(put(s, 1, true, "second", now_us), STATUS_CONFLICT);
    int64_t over_us = now_us + SHORT_TTL_US + SHORT_TTL_US / 12 + 1;
    cr_assert_not(holds(s, 1, "told", over_us));
    store_turn(s, NS_PER_S, over_us);
    cr_assert_not(holds(s, 1, "told", now_us), "dropped");
    store_close(&s);
    s = open_store(16 * MIB);
    cr_assert(store_ended(s, &id, over_us));
    cr_assert_eq(put(s, 1, true, "second", over_us), STATUS_CONFLICT);
    cr_assert_eq(put(s, 1, true, "2nd", now_us + TTL_US - 1), STATUS_CONFLICT);
    cr_assert_not(store_ended(s, &(struct uuid){{9}}, over_us));
    store_close(&s);
}

Test(store, goes_on_with_its_rows_when_the_time_to_live_was_changed)
{
    struct store_config config = {
        .directory = directory.path, .topic = "leat.replies", .bytes_max = 16 * MIB};
    static const int64_t ttls_us[] = {TTL_US, TTL_US / 3, 24 * TTL_US, TTL_US / 2};
    struct store *s = NULL;
    for (uint64_t i = 0; i < 4; i++) {
        config.ttl_us = ttls_us[i];
        cr_assert_eq(store_open(&s, &config, NULL), STATUS_OK);
        cr_assert_eq(put(s, i, true, "kept", now_us + (int64_t)i), STATUS_OK);
        cr_assert_eq(put(s, i, true, "again", now_us + 9), STATUS_CONFLICT);
        for (uint64_t n = 0; n <= i; n++) {
            cr_assert(holds(s, n, "kept", now_us + 10));
        }
        store_close(&s);
    }
}

Test(store, drops_the_oldest_results_when_its_space_is_used_up)
{
    enum { COUNT = 4000, SIZE = 1500 };
    static char text[SIZE + 1];
    memset(text, 'x', SIZE);
    struct store *s = open_store(2 * MIB);
    for (uint64_t i = 0; i < COUNT; i++) {
        cr_assert_eq(put(s, i, true, text, now_us + (int64_t)i), STATUS_OK);
        if (i % 100 == 99) {
            cr_assert_eq(store_commit(s, now_us + (int64_t)i), STATUS_OK);
        }
    }
    cr_assert_not(store_damaged(s));
    cr_assert_not(holds(s, 0, text, now_us));
    cr_assert(holds(s, COUNT - 1, text, now_us));
    cr_assert(holds(s, COUNT - 300, text, now_us), "no more went than had to");
    cr_assert_gt(atomic_load(&results_metric(ROW_STORE_EVICTED)->value), 2000);
    cr_assert_leq(atomic_load(&results_metric(ROW_STORE_BYTES)->value), 2 * MIB);
    store_close(&s);
}

Test(store, drops_whole_buckets_first_where_there_are_many)
{
    enum { COUNT = 4800, SIZE = 1500 };
    static char text[SIZE + 1];
    memset(text, 'x', SIZE);
    struct store *s = open_store(4 * MIB);
    for (uint64_t i = 0; i < COUNT; i++) {
        int64_t at_us = now_us + (int64_t)i * (TTL_US / COUNT);
        cr_assert_eq(put(s, i, true, text, at_us), STATUS_OK);
        if (i % 100 == 99) {
            cr_assert_eq(store_commit(s, at_us), STATUS_OK);
        }
    }
    cr_assert_not(holds(s, 0, text, now_us));
    cr_assert(holds(s, COUNT - 1500, text, now_us + TTL_US));
    cr_assert_leq(atomic_load(&results_metric(ROW_STORE_BYTES)->value), 4 * MIB);
    store_close(&s);
}

Test(store, refuses_a_record_that_would_take_most_of_its_space)
{
    static char text[MIB + 1];
    memset(text, 'x', MIB);
    struct store *s = open_store(MIB);
    cr_assert_eq(put(s, 1, true, text, now_us), STATUS_TOO_LARGE);
    cr_assert_eq(put(s, 2, true, "small", now_us), STATUS_OK);
    store_close(&s);
}

Test(store, refuses_a_second_opener_in_words)
{
    struct store *s = open_store(16 * MIB);
    const struct store_config config = {
        .directory = directory.path, .topic = "t", .bytes_max = MIB, .ttl_us = TTL_US};
    struct store *other = NULL;
    struct fault fault;
    cr_assert_eq(store_open(&other, &config, &fault), STATUS_CONFLICT);
    cr_assert_not_null(strstr(fault.text, directory.path));
    store_close(&s);
    s = open_store(16 * MIB);
    store_close(&s);
}

Test(store, names_a_directory_that_cannot_be_used)
{
    const struct store_config config = {.directory = "/proc/no/store",
                                        .topic = "t",
                                        .bytes_max = MIB,
                                        .ttl_us = TTL_US};
    struct store *s = NULL;
    struct fault fault;
    cr_assert_eq(store_open(&s, &config, &fault), STATUS_IO);
    cr_assert_not_null(strstr(fault.text, "/proc/no/store"));
}

/* As after a crash of the machine: the state says open, and another boot. */
Test(store, starts_empty_when_another_boot_left_it_open)
{
    struct store *s = open_store(16 * MIB);
    cr_assert_eq(put(s, 1, true, "one", now_us), STATUS_OK);
    set_next(s, 0, 1);
    store_close(&s);
    directory_write(&directory, "state",
                    "leat-store-2 open 00000000-1111-2222-3333-444444444444\n");
    s = open_store(16 * MIB);
    cr_assert_not(holds(s, 1, "one", now_us));
    cr_assert_eq(next_of(s, 0), -1);
    store_close(&s);
}

Test(store, keeps_what_another_boot_closed_cleanly)
{
    struct store *s = open_store(16 * MIB);
    cr_assert_eq(put(s, 1, true, "one", now_us), STATUS_OK);
    store_close(&s);
    directory_write(&directory, "state",
                    "leat-store-2 clean 00000000-1111-2222-3333-444444444444\n");
    s = open_store(16 * MIB);
    cr_assert(holds(s, 1, "one", now_us));
    store_close(&s);
}

Test(store, starts_empty_over_a_file_that_is_no_database)
{
    directory_write(&directory, "data.mdb", "this is not the file you are looking for");
    directory_write(&directory, "state", "leat-store-2 clean x\n");
    struct store *s = open_store(16 * MIB);
    cr_assert_eq(put(s, 1, true, "one", now_us), STATUS_OK);
    store_close(&s);
}

static void
write_until_killed(int progress_fd)
{
    struct store *s = open_store(64 * MIB);
    for (uint64_t i = 0;; i++) {
        if (put(s, i, true, "result", now_us) != STATUS_OK) {
            _exit(1);
        }
        set_next(s, 0, (int64_t)i + 1);
        if (i % 7 == 0) {
            store_turn(s, clock_mono_ns(), now_us);
        }
        if (i % 1000 == 0 && write(progress_fd, "", 1) != 1) {
            _exit(1);
        }
    }
}

static void
kill_in_the_middle(int progress)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        close(fds[0]);
        write_until_killed(fds[1]);
    }
    close(fds[1]);
    char byte = 0;
    for (int i = 0; i < progress; i++) {
        cr_assert_eq(read(fds[0], &byte, 1), 1);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(fds[0]);
}

Test(store, holds_exactly_the_results_below_its_offset_after_a_kill)
{
    for (int round = 0; round < 5; round++) {
        kill_in_the_middle(5 + 4 * round);
        struct store *s = open_store(64 * MIB);
        int64_t next = next_of(s, 0);
        cr_assert_gt(next, 0);
        for (int64_t i = 0; i < next; i++) {
            cr_assert(holds(s, (uint64_t)i, "result", now_us), "%lld", (long long)i);
        }
        cr_assert_not(holds(s, (uint64_t)next, "result", now_us));
        store_close(&s);
        teardown();
        setup();
    }
}

static bool
count_delivery(void *arg, const struct uuid *id, const struct stored_delivery *d)
{
    size_t *count = arg;
    struct uuid expected = id_of(*count + 1);
    cr_assert(uuid_equal(id, &expected));
    cr_assert(span_is_text(d->bytes, "later"));
    return ++*count < 2;
}

static void
put_delivery(struct store *s, uint64_t n, enum stored_delivery_state state)
{
    struct uuid id = id_of(n);
    struct stored_delivery d = {.bytes = span_of_text("x")};
    cr_assert_eq(store_delivery_put(s, &id, &d), STATUS_OK);
    d = (struct stored_delivery){
        .state = state, .ended_us = now_us, .bytes = span_of_text("later")};
    cr_assert_eq(store_delivery_put(s, &id, &d), STATUS_OK);
}

static bool
has_delivery(struct store *s, uint64_t n)
{
    struct uuid id = id_of(n);
    struct stored_delivery d;
    return store_delivery_get(s, &id, &d) == STATUS_OK;
}

Test(store, keeps_deliveries_in_the_order_of_ids_over_a_restart)
{
    struct store *s = open_store(16 * MIB);
    const struct uuid first = {{0}};
    size_t count = 0;
    for (uint64_t i = 1; i <= 3; i++) {
        cr_assert_eq(put(s, i, true, "r", now_us), STATUS_OK);
        put_delivery(s, i, (enum stored_delivery_state)(i - 1));
    }
    store_close(&s);
    s = open_store(16 * MIB);
    store_delivery_each(s, &first, count_delivery, &count);
    cr_assert_eq(count, 2, "it goes on only as long as it is told to");
    cr_assert(has_delivery(s, 3));
    cr_assert_not(has_delivery(s, 4));
    store_close(&s);
}

Test(store, sweeps_what_ended_before_a_time_step_by_step)
{
    struct store *s = open_store(16 * MIB);
    struct uuid from = {{0}};
    for (uint64_t i = 1; i <= 5; i++) {
        put_delivery(s, i, i == 2 ? DELIVERY_OPEN : DELIVERY_ENDED);
    }
    store_delivery_sweep(s, &from, 10, now_us);
    cr_assert(has_delivery(s, 1), "it ended just then, not before");
    store_delivery_sweep(s, &from, 3, now_us + 1);
    cr_assert_not(has_delivery(s, 1));
    cr_assert(has_delivery(s, 2));
    cr_assert_not(has_delivery(s, 3));
    cr_assert(has_delivery(s, 4));
    store_delivery_sweep(s, &from, 3, now_us + 1);
    cr_assert_not(has_delivery(s, 4));
    cr_assert_not(has_delivery(s, 5));
    const struct uuid none = {{0}};
    cr_assert(uuid_equal(&from, &none), "behind the last it begins anew");
    store_close(&s);
}

/* A bound far above what it takes, for busy machines and sanitizers. */
Test(store, puts_fast)
{
    enum { COUNT = 100000, SIZE = 600 };
    static char text[SIZE + 1];
    memset(text, 'x', SIZE);
    struct store *s = open_store(512 * (int64_t)MIB);
    struct uuid_source source;
    uuid_source_init(&source);
    int64_t begun_ns = clock_mono_ns();
    int64_t worst_ns = 0;
    for (int i = 0; i < COUNT; i++) {
        int64_t wall_us = now_us + 50 * (int64_t)i;
        struct uuid id = uuid_mint(&source, wall_us);
        const struct stored r = {wall_us, true, false, span_of(text, SIZE)};
        cr_assert(store_put(s, &id, &r) == STATUS_OK);
        set_next(s, i % 16, i);
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
