/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A runner driven by its protocol alone: started, told to load one model, fed slot by
 * slot. Failures of the system end the program: nothing can be measured then.
 */
#ifndef BENCH_BARE_CHILD_H
#define BENCH_BARE_CHILD_H

#include "runner/protocol.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    int control; /* our end */
    int submit;
    int complete;
    void *slab;
    uint64_t slot_bytes;
    uint64_t sequence;
};

/**
 * Starts the runner and loads the model.
 *
 * @param[in] argv       of the runner, ends with NULL
 * @param[in] lines      of `load`: all keys but type, instance and slot_bytes
 * @param[in] slot_bytes a multiple of SLOT_ALIGN
 */
void
child_start(struct child *c, char *const *argv, const char *lines, uint64_t slot_bytes);

/** Sends `stop` and waits for the end. @return exit status 0 */
bool child_stop(struct child *c);

/** A size rounded up to what a slot's parts begin at. */
uint64_t child_aligned(uint64_t size);

/** Fills a slot with one input, `data UINT8`, of so many rows of equal bytes. */
void child_fill(struct slot_head *slot, int64_t rows, int64_t row_bytes);

/** Marks a slot FILLED and rings. */
void child_submit(struct child *c, struct slot_head *slot);

/** Waits until a bell has rung. */
void child_wait(struct child *c);

#endif
