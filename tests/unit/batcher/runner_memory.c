/* SPDX-License-Identifier: Apache-2.0 */
/* The bound of a runner's memory, on processes that are ours. */
#include "batcher/runner_memory.h"

#include "base/clock.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((int64_t)1 << 20)

enum { PAGE_BYTES = 4096 };

Test(runner_memory, never_looks_without_a_bound)
{
    struct runner_memory m = {.bytes_max = 0};
    runner_memory_reset(&m, 0);
    cr_assert_eq(m.look_at_ns, TIME_NEVER);
    cr_assert_eq(runner_memory_look(&m, getpid(), NS_PER_S), MEMORY_FINE);
}

Test(runner_memory, looks_when_it_is_time_and_not_before)
{
    struct runner_memory m = {.bytes_max = 1};
    runner_memory_reset(&m, NS_PER_S);
    cr_assert_gt(m.look_at_ns, NS_PER_S);
    cr_assert_eq(runner_memory_look(&m, getpid(), NS_PER_S), MEMORY_FINE);
    cr_assert_eq(runner_memory_look(&m, getpid(), m.look_at_ns), MEMORY_BROKEN);
    runner_memory_reset(&m, 2 * NS_PER_S);
    cr_assert_eq(runner_memory_look(&m, getpid(), 2 * NS_PER_S), MEMORY_FINE);
}

Test(runner_memory, takes_a_process_that_is_gone_for_one_of_no_bytes)
{
    struct runner_memory m = {.bytes_max = 1};
    runner_memory_reset(&m, 0);
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    cr_assert_eq(waitpid(child, NULL, 0), child);
    cr_assert_eq(runner_memory_look(&m, child, NS_PER_S), MEMORY_FINE);
}

/* Says that it has them by closing the pipe. */
static _Noreturn void
hold(int64_t bytes, const int *ready)
{
    volatile char *held = malloc((size_t)bytes);
    for (int64_t i = 0; i < bytes; i += PAGE_BYTES) {
        held[i] = 1;
    }
    close(ready[0]);
    close(ready[1]);
    for (;;) {
        pause();
    }
}

/* A process that holds so many bytes, and its child others. */
static enum memory_verdict
verdict_of(int64_t bytes, int64_t child_bytes, int64_t bytes_max)
{
    struct runner_memory m = {.bytes_max = bytes_max};
    int ready[2];
    char none;
    cr_assert_eq(pipe(ready), 0);
    pid_t holder = fork();
    if (holder == 0) {
        setpgid(0, 0);
        bool is_child = child_bytes > 0 && fork() == 0;
        hold(is_child ? child_bytes : bytes, ready);
    }
    close(ready[1]);
    cr_assert_eq(read(ready[0], &none, 1), 0);
    close(ready[0]);
    runner_memory_reset(&m, 0);
    enum memory_verdict verdict = runner_memory_look(&m, holder, NS_PER_S);
    cr_assert_eq(kill(-holder, SIGKILL), 0);
    cr_assert_eq(waitpid(holder, NULL, 0), holder);
    return verdict;
}

Test(runner_memory, tells_over_from_far_over)
{
    cr_assert_eq(verdict_of(32 * MIB, 0, 256 * MIB), MEMORY_FINE);
    cr_assert_eq(verdict_of(256 * MIB, 0, 224 * MIB), MEMORY_OVER);
    cr_assert_eq(verdict_of(256 * MIB, 0, 64 * MIB), MEMORY_BROKEN);
}

Test(runner_memory, counts_what_the_runner_has_started)
{
    cr_assert_eq(verdict_of(MIB, 256 * MIB, 64 * MIB), MEMORY_BROKEN);
}

Test(runner_memory, stays_with_a_verdict_until_the_runner_is_another)
{
    struct runner_memory m = {.bytes_max = 1, .verdict = MEMORY_OVER};
    m.bytes_max = INT64_C(1) << 40;
    cr_assert_eq(runner_memory_look(&m, getpid(), NS_PER_S), MEMORY_OVER);
    runner_memory_reset(&m, NS_PER_S);
    cr_assert_eq(runner_memory_look(&m, getpid(), 2 * NS_PER_S), MEMORY_FINE);
}
