/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's main line: says hello, then does what the parent's messages ask until
 * `stop` or until the parent is gone. Models run in threads of their own, so this one
 * is always there to hear.
 */
#ifndef RUNNER_RUNNER_H
#define RUNNER_RUNNER_H

enum { RUNNER_INSTANCES_MAX = 64 };

/**
 * Serves the parent at the other end of the control socket.
 *
 * @return 0 after `stop`, everything run and released; 1 when the parent is gone: what
 *         runs is left as it is, for nobody will read it
 * @blocks until then
 */
int runner_serve(int control_fd);

#endif
