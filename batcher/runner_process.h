/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A runner: the child process that holds a model, and the control socket to it. Its
 * death is seen on a pidfd, reported exactly once, after everything it had said before.
 */
#ifndef BATCHER_RUNNER_PROCESS_H
#define BATCHER_RUNNER_PROCESS_H

#include "base/loop.h"
#include "base/span.h"
#include "base/status.h"
#include "batcher/runner_command.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct runner_process;

struct runner_events {
    /** A control message of the child; the text is valid during the call. */
    void (*message)(void *arg, struct span text);
    /** The process ended; the owner destroys it now or later. `how` in words. */
    void (*died)(void *arg, const char *how);
};

/**
 * Starts a runner.
 *
 * @param[in] command borrowed during the call
 * @return STATUS_OK; STATUS_NOT_FOUND, STATUS_IO with the reason
 */
MUST_CHECK enum status runner_process_start(struct runner_process **out,
                                            struct loop *loop,
                                            const struct runner_command *command,
                                            const struct runner_events *events,
                                            void *arg,
                                            struct fault *fault);

/** Kills it if it still runs; died() is not called. @blocks until it is gone */
void runner_process_destroy(struct runner_process **process);

/** Sends one control message with descriptors. @return STATUS_OK; STATUS_IO */
MUST_CHECK enum status runner_process_send(struct runner_process *p,
                                           struct span text,
                                           const int *fds,
                                           size_t fd_count);

/** Ends it now, with all that it started; died() follows. */
void runner_process_kill(struct runner_process *p);

/** Bytes that it and its children have resident in memory, libraries and touched slots
 * too; 0: not known. */
int64_t runner_process_memory(const struct runner_process *p);

pid_t runner_process_pid(const struct runner_process *p);

#endif
