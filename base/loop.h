/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main loop of every Leat process: do what is due, wait until the next due time or
 * an event, dispatch. One loop belongs to one thread; everything a service does on the
 * line of a request happens on it, so rooms need no locks. Only loop_stop() and
 * loop_wake() may be called from elsewhere.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include "base/status.h"

#include <stdint.h>

struct loop;

/** Called with the EPOLL* events of the descriptor. @thread the loop's */
typedef void (*loop_event_fn)(void *arg, uint32_t events);

/**
 * Called once a turn, before the wait: does what is due.
 *
 * @return when it wants to be called next at the latest (monotonic ns), or TIME_NEVER;
 *         a time not after now_ns makes the loop poll without waiting
 */
typedef int64_t (*loop_turn_fn)(void *arg, int64_t now_ns);

MUST_CHECK enum status loop_create(struct loop **out);
void loop_destroy(struct loop **loop);

/**
 * Watches a descriptor (level-triggered unless events contain EPOLLET).
 *
 * @param[in] events EPOLLIN and so on; watching a descriptor again replaces its entry
 * @owner the descriptor stays the caller's; unwatch it before closing it
 */
MUST_CHECK enum status
loop_watch(struct loop *loop, int fd, uint32_t events, loop_event_fn fn, void *arg);
/** Safe inside a callback, also for a descriptor whose event is pending this turn. */
void loop_unwatch(struct loop *loop, int fd);

/**
 * Adds a function to be called each turn, in the order of adding.
 *
 * @return STATUS_OK; STATUS_NO_MEMORY
 */
MUST_CHECK enum status loop_each_turn(struct loop *loop, loop_turn_fn fn, void *arg);
void loop_no_turn(struct loop *loop, loop_turn_fn fn, void *arg);

/** Turns until loop_stop(). @blocks until then */
void loop_run(struct loop *loop);

/** One turn, waiting at most max_wait_ns. For nested waits and tests. */
void loop_turn(struct loop *loop, int64_t max_wait_ns);

/**
 * From a turn function, for this turn only: events may gather until pace_ns after the
 * last ones were taken. Under load a wake-up for each costs more than what it does; the
 * longest wish counts, and what is due is never late for it.
 */
void loop_pace(struct loop *loop, int64_t pace_ns);

/** Time read at the start of this turn, monotonic ns. */
int64_t loop_now(const struct loop *loop);

/** Ends loop_run() after the current turn. @thread any; async-signal-safe */
void loop_stop(struct loop *loop);

/** Makes a waiting loop turn. @thread any; async-signal-safe */
void loop_wake(struct loop *loop);

#endif
