/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhooks and the topic that tells of them, joined: what webhooks.c writes down goes
 * to delivery_log.c, what that reads is learned by webhooks.c, and an id is ours to
 * deliver once its partition is and has been read. Without a secret to sign with there
 * is no log: what asks for a webhook ends at once.
 */
#ifndef RESULTS_PUSH_H
#define RESULTS_PUSH_H

#include "base/loop.h"
#include "base/status.h"
#include "bus/config.h"
#include "results/owner.h"
#include "results/results.h"
#include "results/store.h"
#include "results/webhooks.h"

#include <stdint.h>

struct push;

struct push_config {
    const struct bus_config *bus; /* borrowed for the life of the push */
    const struct owner *owner;    /* likewise */
    struct store *store;          /* likewise */
    const struct results_config *results;
};

MUST_CHECK enum status push_open(struct push **out,
                                 struct loop *loop,
                                 const struct push_config *config,
                                 struct fault *fault);

/** @blocks up to 12 s */
void push_close(struct push **push);

struct webhooks *push_webhooks(struct push *push);

/** The set of owned partitions is settled again after a change. */
void push_owner_changed(struct push *push);

/** Waits until leat.webhooks has all that was written. @blocks up to 3 s */
void push_flush(struct push *push);

/** The store lost some of what was written down. */
void push_learn_again(struct push *push);

/** @return monotonic time of the next call */
int64_t push_turn(struct push *push, int64_t now_ns);

/** The one of the results room; results.c has it, push.c opens its door. */
struct push *results_push(struct results *results);

#endif
