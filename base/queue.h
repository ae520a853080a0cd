/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded queue of pointers between two threads, the only place where threads meet.
 * A descriptor becomes readable when there is something to take, so a loop can watch
 * it.
 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct queue;

/** @param[in] limit items at most, at least 1 */
MUST_CHECK enum status queue_create(struct queue **out, size_t limit);

/** What is still inside is forgotten, not freed. */
void queue_destroy(struct queue **queue);

/** @return STATUS_OK; STATUS_FULL (the item stays the caller's). @thread any @blocks
 * never */
MUST_CHECK enum status queue_give(struct queue *queue, void *item);

/** Oldest item or NULL. @thread any @blocks never */
void *queue_take(struct queue *queue);

/** Oldest item; NULL after timeout. @blocks up to timeout_ns */
void *queue_wait(struct queue *queue, int64_t timeout_ns);

/** eventfd that is readable while the queue holds something; never read it yourself. */
int queue_fd(const struct queue *queue);

#endif
