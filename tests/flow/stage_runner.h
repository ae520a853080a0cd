/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the runner that a batcher in this process has started, to be killed. */
#ifndef TESTS_FLOW_STAGE_RUNNER_H
#define TESTS_FLOW_STAGE_RUNNER_H

#include <sys/types.h>

/** The first child of this process that is a leat-runner, 0 if there is none. */
pid_t stage_runner_pid(void);

#endif
