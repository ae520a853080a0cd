/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pushes results to the addresses their senders named: signed, retried on a schedule,
 * four at a time to one server. How each delivery stands is in the store, in the same
 * transaction as the result, so a restart goes on where it was. Every delivery ends as
 * delivered, stopped (the receiver said 410) or exhausted.
 */
#ifndef RESULTS_WEBHOOKS_H
#define RESULTS_WEBHOOKS_H

#include "base/loop.h"
#include "base/status.h"
#include "results/store.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct webhooks;

enum { WEBHOOK_ATTEMPTS_MAX = 10 };

/* Waits before attempt 1, 2, ... @source Standard Webhooks 1.0.0, "Deliverability" */
extern const int64_t webhook_delays_ns[WEBHOOK_ATTEMPTS_MAX];

struct webhooks_config {
    const char *secret_file; /* NULL: none can be sent */
    bool allow_private;
    int64_t timeout_ns;       /* of a call */
    int64_t attempts_max;     /* 1 … WEBHOOK_ATTEMPTS_MAX */
    int64_t pending_max;      /* with attempts left */
    const int64_t *delays_ns; /* before each attempt; attempts_max entries */
};

/** Reads the secrets and takes up what the store holds. */
MUST_CHECK enum status webhooks_create(struct webhooks **out,
                                       struct loop *loop,
                                       struct store *store,
                                       const struct webhooks_config *config,
                                       struct fault *fault);

/** Calls under way are given up; they are made again after the next start. */
void webhooks_destroy(struct webhooks **webhooks);

bool webhooks_enabled(const struct webhooks *webhooks);

/** Begins the delivery of a terminal reply if its sender wanted one. */
void webhooks_begin(struct webhooks *webhooks,
                    const struct reply *reply,
                    int64_t now_ns,
                    int64_t wall_us);

/** Starts what is due. @return monotonic time of the next call */
int64_t webhooks_turn(struct webhooks *webhooks, int64_t now_ns);

#endif
