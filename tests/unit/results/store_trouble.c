/* SPDX-License-Identifier: Apache-2.0 */
/* What a store does about a disk that is full and a file that is broken. */
#include "base/clock.h"
#include "directory.h"
#include "results/metrics.h"
#include "results/store.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1 << 20, ROWS = 2000, PAGE = 4096 };

static struct directory directory;
static int64_t now_us; /* wall */
static char text[600];

static void
setup(void)
{
    directory_create(&directory);
    now_us = clock_wall_us();
    memset(text, 'x', sizeof text);
}

static void
teardown(void)
{
    directory_remove(&directory);
}

TestSuite(store_trouble, .init = setup, .fini = teardown, .timeout = 60);

static struct store *
open_store(void)
{
    const struct store_config config = {.directory = directory.path,
                                        .topic = "t",
                                        .bytes_max = 64 * MIB,
                                        .ttl_us = 3600000000LL};
    struct store *s = NULL;
    struct fault fault = {0};
    cr_assert_eq(store_open(&s, &config, &fault), STATUS_OK, "%s", fault.text);
    return s;
}

static struct uuid
id_of(uint32_t n)
{
    struct uuid id = {{0}};
    memcpy(id.bytes, &n, sizeof n);
    return id;
}

static enum status
put(struct store *s, uint32_t n)
{
    struct uuid id = id_of(n);
    const struct stored r = {now_us, true, false, span_of(text, sizeof text)};
    return store_put(s, &id, &r);
}

static bool
holds(struct store *s, uint32_t n)
{
    struct uuid id = id_of(n);
    struct stored r;
    return store_get(s, &id, now_us, &r) == STATUS_OK;
}

static void
fill(void)
{
    struct store *s = open_store();
    for (uint32_t i = 0; i < ROWS; i++) {
        cr_assert_eq(put(s, i), STATUS_OK);
    }
    store_offset_set(s, 0, (struct store_position){ROWS, now_us});
    store_close(&s);
}

static const char *
data_file(void)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/data.mdb", directory.path);
    return path;
}

/* What the kernel says of a file over its limit is no other than of a full disk. */
static void
limit_files(off_t bytes)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = (rlim_t)bytes;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Row 1 and offset 1 are in the file, and there is no space for what comes. */
static struct store *
open_full(void)
{
    struct store *s = open_store();
    cr_assert_eq(put(s, 1), STATUS_OK);
    store_offset_set(s, 0, (struct store_position){1, now_us});
    cr_assert_eq(store_commit(s, now_us), STATUS_OK);
    limit_files(64 * 1024);
    return s;
}

static void
put_more(struct store *s)
{
    for (uint32_t i = 2; i < ROWS; i++) {
        cr_assert_eq(put(s, i), STATUS_OK);
    }
}

Test(store_trouble, stays_at_the_offsets_that_are_written_when_the_disk_is_full)
{
    struct store *s = open_full();
    put_more(s);
    store_offset_set(s, 0, (struct store_position){ROWS, now_us});
    cr_assert_eq(store_commit(s, now_us), STATUS_IO);
    cr_assert(store_damaged(s));
    cr_assert_gt(atomic_load(&results_metric(ROW_STORE_FAILURES)->value), 0);
    cr_assert(holds(s, 1), "what is written can still be read");
    cr_assert_not(holds(s, ROWS - 1));
    struct store_position at;
    cr_assert_eq(store_offset_get(s, 0, &at), STATUS_OK);
    cr_assert_eq(at.next, 1);
    cr_assert_eq(put(s, ROWS), STATUS_OK, "the map takes it");
    store_offset_set(s, 0, (struct store_position){ROWS + 1, now_us});
    limit_files((off_t)1 << 40);
    cr_assert_eq(store_commit(s, now_us), STATUS_OK, "there is space again");
    cr_assert(store_damaged(s), "and yet what was lost is missing");
    store_close(&s);
    s = open_store();
    cr_assert_not(store_damaged(s));
    cr_assert(holds(s, 1));
    cr_assert_eq(store_offset_get(s, 0, &at), STATUS_OK);
    cr_assert_eq(at.next, 1, "what was lost is read again from here");
    store_close(&s);
}

Test(store_trouble, tells_where_to_read_again_once_it_can_write_again)
{
    struct store_position at;
    struct store *s = open_full();
    put_more(s);
    cr_assert_eq(store_commit(s, now_us), STATUS_IO);
    put_more(s);
    store_offset_set(s, 0, (struct store_position){ROWS, now_us});
    cr_assert_eq(store_mend(s, now_us), STATUS_IO, "still full");
    cr_assert(store_damaged(s));
    store_offset_set(s, 0, (struct store_position){ROWS, now_us});
    limit_files((off_t)1 << 40);
    cr_assert_eq(store_mend(s, now_us), STATUS_OK);
    cr_assert_not(store_damaged(s));
    cr_assert_eq(store_offset_get(s, 0, &at), STATUS_OK);
    cr_assert_eq(at.next, 1, "what was noted meanwhile does not count");
    cr_assert_eq(put(s, 2), STATUS_OK);
    store_offset_set(s, 0, (struct store_position){2, now_us});
    cr_assert_eq(store_commit(s, now_us), STATUS_OK);
    store_close(&s);
    s = open_store();
    cr_assert(holds(s, 2));
    cr_assert_eq(store_offset_get(s, 0, &at), STATUS_OK);
    cr_assert_eq(at.next, 2);
    store_close(&s);
}

/* Reads and writes all of a broken store; whether it says so, or ends the process. */
static void
use_broken(void)
{
    struct store *s = open_store();
    for (uint32_t i = 0; i < ROWS; i++) {
        (void)holds(s, i);
    }
    for (uint32_t i = ROWS; i < 2 * ROWS; i++) {
        enum status status = put(s, i);
        (void)status;
    }
    enum status status = store_commit(s, now_us);
    bool noticed = store_damaged(s) || status != STATUS_OK || !holds(s, 0);
    store_close(&s);
    _exit(noticed ? 0 : 1);
}

/* The damage must never be believed: it is noticed, and the next start is a clean one.
 */
static void
expect_noticed(void)
{
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        use_broken();
    }
    int how = 0;
    cr_assert_eq(waitpid(child, &how, 0), child);
    bool aborted = WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT;
    cr_assert(aborted || (WIFEXITED(how) && WEXITSTATUS(how) == 0), "%x",
              (unsigned)how);
    struct store *s = open_store();
    struct store_position at;
    cr_assert_eq(store_offset_get(s, 0, &at), STATUS_NOT_FOUND, "begins empty");
    cr_assert_eq(put(s, 1), STATUS_OK);
    cr_assert(holds(s, 1));
    store_close(&s);
}

Test(store_trouble, notices_a_file_that_was_cut_off)
{
    fill();
    cr_assert_eq(truncate(data_file(), 20 * PAGE), 0);
    expect_noticed();
}

Test(store_trouble, notices_pages_that_are_none)
{
    fill();
    static char zeros[PAGE];
    int fd = open(data_file(), O_WRONLY | O_CLOEXEC);
    struct stat file;
    cr_assert_geq(fd, 0);
    cr_assert_eq(fstat(fd, &file), 0);
    for (off_t at = (off_t)2 * PAGE; at < file.st_size; at += PAGE) {
        cr_assert_eq(pwrite(fd, zeros, sizeof zeros, at), PAGE);
    }
    close(fd);
    expect_noticed();
}

Test(store_trouble, starts_anew_over_a_file_of_another_kind)
{
    fill();
    directory_write(&directory, "data.mdb", "");
    struct store *s = open_store();
    cr_assert_not(holds(s, 1));
    store_close(&s);
    directory_write(&directory, "state", "leat-store-1 clean x\n");
    s = open_store();
    cr_assert_eq(put(s, 1), STATUS_OK);
    store_close(&s);
}

Test(store_trouble, says_in_words_that_a_directory_cannot_be_written)
{
    if (geteuid() == 0) {
        return; /* root may write anywhere */
    }
    cr_assert_eq(chmod(directory.path, 0500), 0);
    const struct store_config config = {
        .directory = directory.path, .topic = "t", .bytes_max = MIB, .ttl_us = 1000000};
    struct store *s = NULL;
    struct fault fault;
    cr_assert_eq(store_open(&s, &config, &fault), STATUS_IO);
    cr_assert_not_null(strstr(fault.text, directory.path));
    cr_assert_eq(chmod(directory.path, 0700), 0);
}
