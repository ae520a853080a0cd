/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holds a runner to runner.memory.max: a model that leaks is started again before the
 * machine has no memory left for its neighbours. Looks a few times a second, at what is
 * the runner's own (not the slabs, which are the batcher's) and that of its children.
 */
#ifndef BATCHER_RUNNER_MEMORY_H
#define BATCHER_RUNNER_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum memory_verdict {
    MEMORY_FINE,
    MEMORY_OVER,   /* over the bound: to be started again between two batches */
    MEMORY_BROKEN, /* over it by half: at once, whatever runs */
};

struct runner_memory {
    int64_t bytes_max;  /* 0: no bound */
    int64_t look_at_ns; /* TIME_NEVER = not; set by the calls */
    enum memory_verdict verdict;
};

/** Another runner was started. */
void runner_memory_reset(struct runner_memory *m, int64_t now_ns);

/** The verdict, looked at anew if it is time; one that was passed stays until the
 * runner is another. */
enum memory_verdict
runner_memory_look(struct runner_memory *m, pid_t runner, int64_t now_ns);

#endif
