/* SPDX-License-Identifier: Apache-2.0 */
/* What the store promises over closing, crashing and another boot. */
#include "base/clock.h"
#include "store_side.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(store_restart, .init = side_setup, .fini = side_teardown);

Test(store_restart, continues_after_a_restart_where_it_was)
{
    struct store *s = side_open(16 * MIB);
    struct store_position at;
    cr_assert_eq(side_next(s, 5), -1);
    cr_assert_eq(side_put(s, 1, true, "one", side_now_us), STATUS_OK);
    side_set_next(s, 5, 42);
    side_set_next(s, 300, 7);
    cr_assert_eq(side_next(s, 5), 42);
    store_close(&s);
    s = side_open(16 * MIB);
    cr_assert(side_holds(s, 1, "one", side_now_us));
    cr_assert_eq(side_next(s, 5), 42);
    cr_assert_eq(side_next(s, 300), 7);
    cr_assert_eq(side_next(s, 6), -1);
    cr_assert_eq(store_offset_get(s, 5, &at), STATUS_OK);
    cr_assert_eq(at.newest_us, side_now_us);
    store_close(&s);
}

Test(store_restart, refuses_a_second_opener_in_words)
{
    struct store *s = side_open(16 * MIB);
    const struct store_config config = {.directory = side_directory.path,
                                        .topic = "t",
                                        .bytes_max = MIB,
                                        .ttl_us = TTL_US};
    struct store *other = NULL;
    struct fault fault;
    cr_assert_eq(store_open(&other, &config, &fault), STATUS_CONFLICT);
    cr_assert_not_null(strstr(fault.text, side_directory.path));
    store_close(&s);
    s = side_open(16 * MIB);
    store_close(&s);
}

Test(store_restart, names_a_directory_that_cannot_be_used)
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
Test(store_restart, starts_empty_when_another_boot_left_it_open)
{
    struct store *s = side_open(16 * MIB);
    cr_assert_eq(side_put(s, 1, true, "one", side_now_us), STATUS_OK);
    side_set_next(s, 0, 1);
    store_close(&s);
    directory_write(&side_directory, "state",
                    "leat-store-2 open 00000000-1111-2222-3333-444444444444\n");
    s = side_open(16 * MIB);
    cr_assert_not(side_holds(s, 1, "one", side_now_us));
    cr_assert_eq(side_next(s, 0), -1);
    store_close(&s);
}

Test(store_restart, keeps_what_another_boot_closed_cleanly)
{
    struct store *s = side_open(16 * MIB);
    cr_assert_eq(side_put(s, 1, true, "one", side_now_us), STATUS_OK);
    store_close(&s);
    directory_write(&side_directory, "state",
                    "leat-store-2 clean 00000000-1111-2222-3333-444444444444\n");
    s = side_open(16 * MIB);
    cr_assert(side_holds(s, 1, "one", side_now_us));
    store_close(&s);
}

Test(store_restart, starts_empty_over_a_file_that_is_no_database)
{
    directory_write(&side_directory, "data.mdb",
                    "this is not the file you are looking for");
    directory_write(&side_directory, "state", "leat-store-2 clean x\n");
    struct store *s = side_open(16 * MIB);
    cr_assert_eq(side_put(s, 1, true, "one", side_now_us), STATUS_OK);
    store_close(&s);
}

static void
write_until_killed(int progress_fd)
{
    struct store *s = side_open(64 * MIB);
    for (uint64_t i = 0;; i++) {
        if (side_put(s, i, true, "result", side_now_us) != STATUS_OK) {
            _exit(1);
        }
        side_set_next(s, 0, (int64_t)i + 1);
        if (i % 7 == 0) {
            store_turn(s, clock_mono_ns(), side_now_us);
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

Test(store_restart, holds_exactly_the_results_below_its_offset_after_a_kill)
{
    for (int round = 0; round < 5; round++) {
        kill_in_the_middle(5 + 4 * round);
        struct store *s = side_open(64 * MIB);
        int64_t next = side_next(s, 0);
        cr_assert_gt(next, 0);
        for (int64_t i = 0; i < next; i++) {
            cr_assert(side_holds(s, (uint64_t)i, "result", side_now_us), "%lld",
                      (long long)i);
        }
        cr_assert_not(side_holds(s, (uint64_t)next, "result", side_now_us));
        store_close(&s);
        side_teardown();
        side_setup();
    }
}
