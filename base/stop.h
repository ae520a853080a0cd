/* SPDX-License-Identifier: Apache-2.0 */
/* SIGTERM and SIGINT as an event of the loop, SIGHUP too where it is asked for; SIGPIPE
 * and SIGXFSZ ignored: what is written tells of them. */
#ifndef BASE_STOP_H
#define BASE_STOP_H

#include "base/loop.h"
#include "base/status.h"

typedef void (*stop_fn)(void *arg, int signal_number);

/**
 * Blocks the two signals in the calling thread (call before starting any thread) and
 * has fn called on the loop when one arrives. Once per process.
 */
MUST_CHECK enum status stop_watch(struct loop *loop, stop_fn fn, void *arg);

/**
 * Has SIGHUP call fn on the loop as well, from now on: read again what can change.
 * Without this it ends the process, as the system has it. Before starting any thread.
 */
MUST_CHECK enum status stop_watch_reload(struct loop *loop, stop_fn fn, void *arg);

void stop_unwatch(struct loop *loop);

#endif
