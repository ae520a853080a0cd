/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread for questions that librdkafka answers by blocking calls only. It sleeps
 * while nobody asks; what was asked comes back on the loop, in order, once each. The
 * two queues between loop and thread are all that they share.
 */
#ifndef BUS_ASKER_H
#define BUS_ASKER_H

#include "base/loop.h"
#include "base/status.h"

#include <stddef.h>

struct asker;

/** Answers a question. @thread the asker's @blocks as long as it must */
typedef void (*asker_work_fn)(void *context, void *question);

/** Takes a question back. @thread the loop's */
typedef void (*asker_done_fn)(void *context, void *question);

struct asker_config {
    size_t limit; /* questions open at once */
    asker_work_fn work;
    asker_done_fn done;
    void *context;
};

MUST_CHECK enum status
asker_create(struct asker **out, struct loop *loop, const struct asker_config *config);

/** Joins the thread; questions still open are forgotten. @blocks for the one at work */
void asker_destroy(struct asker **asker);

/** @return STATUS_OK: lent until `done` is called with it; STATUS_FULL */
MUST_CHECK enum status asker_ask(struct asker *asker, void *question);

#endif
