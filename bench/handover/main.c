/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-handover: how long a batch takes from its parent to the runner and back when
 * the model does nothing: from the ring of `submit` until the parent, which waits for
 * the ring of `complete`, has seen the slot DONE. One batch at a time, each after a
 * pause, as the runner sleeps between batches. One line of JSON out.
 */
#include "base/clock.h"
#include "bench/bare/child.h"
#include "bench/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCHES_MAX = 1000000, LINES_BYTES = 8192 };

struct handover_config {
    const char *runner;
    const char *script;
    const char *platform;
    const char *dir;
    int64_t rows;
    int64_t row_bytes;
    int64_t batches;
    int64_t pause_ns;
};

#define FIELD(name) offsetof(struct handover_config, name)

static const struct option options[] = {
    {"runner", OPTION_TEXT, FIELD(runner), 0, 0, "build/bin/leat-runner", "The runner.",
     NULL},
    {"script", OPTION_TEXT, FIELD(script), 0, 0, "", "leat_runner.py, of a Python.",
     NULL},
    {"platform", OPTION_TEXT, FIELD(platform), 0, 0, "echo", "Of the model.", NULL},
    {"dir", OPTION_TEXT, FIELD(dir), 0, 0, ".", "Folder of the version.", NULL},
    {"rows", OPTION_INT, FIELD(rows), 1, SLOT_ROWS_MAX, "32", "Of a batch.", NULL},
    {"row-bytes", OPTION_BYTES, FIELD(row_bytes), 1, 1 << 20, "1KiB", "Of a row.",
     NULL},
    {"batches", OPTION_INT, FIELD(batches), 1, BATCHES_MAX, "10000", "Counted ones.",
     NULL},
    {"pause", OPTION_DURATION, FIELD(pause_ns), 0, NS_PER_S, "200us",
     "Between two batches.", NULL},
};

/* One batch there and back, in ns; -1 if it was not answered. */
static int64_t
hand_over(struct child *c, struct slot_head *slot)
{
    int64_t begin_ns = clock_mono_ns();
    child_submit(c, slot);
    child_wait(c);
    bool done = atomic_load_explicit(&slot->state, memory_order_acquire) == SLOT_DONE;
    int64_t ns = clock_mono_ns() - begin_ns;
    return done && slot->outcome == SLOT_SUCCEEDED && slot->output_count == 1 ? ns : -1;
}

static int
by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static int
report(struct child *c, const struct handover_config *config)
{
    size_t count = (size_t)config->batches;
    size_t failed = 0;
    int64_t *times_ns = calloc(count, sizeof *times_ns);
    if (times_ns == NULL) {
        return 1;
    }
    const struct timespec pause = {.tv_nsec = config->pause_ns % NS_PER_S,
                                   .tv_sec = config->pause_ns / NS_PER_S};
    for (size_t i = 0; i < count; i++) {
        struct slot_head *slot =
            slot_at(c->slab, c->slot_bytes, (unsigned)(i % SLOTS_PER_INSTANCE));
        child_fill(slot, config->rows, config->row_bytes);
        times_ns[i] = hand_over(c, slot);
        failed += times_ns[i] < 0;
        nanosleep(&pause, NULL);
    }
    qsort(times_ns, count, sizeof *times_ns, by_value);
    printf("{\"batches\": %zu, \"failed\": %zu, \"p50_us\": %.2f, \"p99_us\": %.2f}\n",
           count, failed, (double)times_ns[count / 2] / NS_PER_US,
           (double)times_ns[count * 99 / 100] / NS_PER_US);
    free(times_ns);
    return 0;
}

static int
handover(const void *arg)
{
    const struct handover_config *config = arg;
    char lines[LINES_BYTES];
    uint64_t data = child_aligned((uint64_t)(config->rows * config->row_bytes));
    snprintf(lines, sizeof lines,
             "model=handover\nversion=1\ndir=%s\nplatform=%s\nmax_batch_size=%lld\n"
             "device=cpu\nproperty.input.0=data UINT8 -1,-1\n"
             "property.output.0=data UINT8 -1,-1\n",
             config->dir, config->platform, (long long)config->rows);
    struct child c;
    char *const argv[] = {(char *)(uintptr_t)config->runner,
                          (char *)(uintptr_t)config->script, NULL};
    child_start(&c, argv, lines, SLOT_DATA_OFFSET + 2 * data + 2 * SLOT_ALIGN);
    int result = report(&c, config);
    return child_stop(&c) ? result : 1;
}

int
main(int argc, char **argv)
{
    struct handover_config config;
    const struct program program = {.name = "handover",
                                    .summary = "a batch to the runner and back",
                                    .options = options,
                                    .option_count =
                                        sizeof(options) / sizeof(options[0]),
                                    .config = &config,
                                    .run = handover};
    return program_main(&program, argc, argv);
}
