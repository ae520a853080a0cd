/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-bare: what a sim model does when nothing but its runner is in the way, full
 * batches with the next one always waiting in the second slot. The yardstick of
 * `bench/run efficiency`; one line of JSON out.
 */
#include "base/clock.h"
#include "bench/bare/child.h"
#include "bench/program.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH = 2, LINES_BYTES = 1024, HASH_BYTES = 8 };

struct bare_config {
    const char *runner;
    const char *alpha; /* as in model.properties */
    const char *beta;
    int64_t rows;
    int64_t row_bytes;
    int64_t duration_ns;
};

#define FIELD(name) offsetof(struct bare_config, name)

static const struct option options[] = {
    {"runner", OPTION_TEXT, FIELD(runner), 0, 0, "build/bin/leat-runner", "The runner.",
     NULL},
    {"alpha", OPTION_TEXT, FIELD(alpha), 0, 0, "10ms", "sim.alpha.", NULL},
    {"beta", OPTION_TEXT, FIELD(beta), 0, 0, "0ms", "sim.beta.", NULL},
    {"rows", OPTION_INT, FIELD(rows), 1, SLOT_ROWS_MAX, "32", "Of a batch.", NULL},
    {"row-bytes", OPTION_BYTES, FIELD(row_bytes), 1, 1 << 20, "1KiB", "Of a row.",
     NULL},
    {"duration", OPTION_DURATION, FIELD(duration_ns), 0, 0, "5s", "Counted time.",
     NULL},
};

static bool
finished(struct slot_head *slot)
{
    return atomic_load_explicit(&slot->state, memory_order_acquire) == SLOT_DONE;
}

/* Batches of which each was handed over while the one before it ran. */
static uint64_t
drive(struct child *c, const struct bare_config *config)
{
    uint64_t batches = 0;
    int64_t end_ns = clock_mono_ns() + config->duration_ns;
    for (unsigned i = 0; i < DEPTH; i++) {
        child_submit(c, slot_at(c->slab, c->slot_bytes, i));
    }
    while (clock_mono_ns() < end_ns) {
        child_wait(c);
        for (unsigned i = 0; i < DEPTH; i++) {
            struct slot_head *slot = slot_at(c->slab, c->slot_bytes, i);
            if (finished(slot)) {
                batches += slot->outcome == SLOT_SUCCEEDED;
                child_submit(c, slot);
            }
        }
    }
    return batches;
}

static int
bare(const void *arg)
{
    const struct bare_config *config = arg;
    char lines[LINES_BYTES];
    int64_t rows = config->rows;
    uint64_t slot_bytes = SLOT_DATA_OFFSET +
                          child_aligned((uint64_t)(rows * config->row_bytes)) +
                          child_aligned((uint64_t)rows * HASH_BYTES) + SLOT_ALIGN;
    struct child c;
    snprintf(lines, sizeof lines,
             "model=bare\nversion=1\ndir=.\nplatform=sim\nmax_batch_size=%lld\n"
             "device=cpu\nproperty.input.0=data UINT8 -1,%lld\n"
             "property.sim.alpha=%s\nproperty.sim.beta=%s\n",
             (long long)rows, (long long)config->row_bytes, config->alpha,
             config->beta);
    char *const argv[] = {(char *)(uintptr_t)config->runner, NULL};
    child_start(&c, argv, lines, child_aligned(slot_bytes));
    for (unsigned i = 0; i < DEPTH; i++) {
        child_fill(slot_at(c.slab, c.slot_bytes, i), config->rows, config->row_bytes);
    }
    int64_t begin_ns = clock_mono_ns();
    uint64_t batches = drive(&c, config);
    double seconds = (double)(clock_mono_ns() - begin_ns) / 1e9;
    bool good = child_stop(&c);
    printf("{\"batches\": %llu, \"seconds\": %.3f, \"rate\": %.1f}\n",
           (unsigned long long)batches, seconds,
           (double)batches * (double)rows / seconds);
    return good ? 0 : 1;
}

int
main(int argc, char **argv)
{
    struct bare_config config;
    const struct program program = {.name = "bare",
                                    .summary = "the runner without Kafka",
                                    .options = options,
                                    .option_count =
                                        sizeof(options) / sizeof(options[0]),
                                    .config = &config,
                                    .run = bare};
    return program_main(&program, argc, argv);
}
