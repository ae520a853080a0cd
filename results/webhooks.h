/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pushes results to the addresses their senders named: signed, retried on a schedule,
 * each server within its means (endpoint.h). How each delivery stands is in the store
 * and, record by record, in the journal, which is the topic leat.webhooks: whoever owns
 * the id next goes on from there. Every delivery ends as delivered, stopped (the
 * receiver said 410) or exhausted.
 */
#ifndef RESULTS_WEBHOOKS_H
#define RESULTS_WEBHOOKS_H

#include "base/loop.h"
#include "base/status.h"
#include "results/delivery_book.h"
#include "results/results.h"
#include "results/store.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct webhooks;

enum { WEBHOOK_ATTEMPTS_MAX = 10 };

/* Waits before attempt 1, 2, ... @source Standard Webhooks 1.0.0, "Deliverability" */
extern const int64_t webhook_delays_ns[WEBHOOK_ATTEMPTS_MAX];

/* First pause of an endpoint that fails again and again. */
extern const int64_t webhook_pause_ns;

struct webhooks_config {
    const char *secret_file; /* NULL: none can be sent */
    bool allow_private;
    const char *hosts;        /* as in struct http_call; borrowed for its life */
    const char *ports;        /* likewise; any with allow_private */
    int64_t timeout_ns;       /* of a call */
    int64_t attempts_max;     /* 1 … WEBHOOK_ATTEMPTS_MAX */
    int64_t pending_max;      /* with attempts left */
    const int64_t *delays_ns; /* before each attempt; attempts_max entries */
    int64_t pause_ns;         /* webhook_pause_ns */
    int64_t lifetime_ns;      /* of a delivery to a dead endpoint; see
                                 webhooks_lifetime() */
    int64_t ttl_us;           /* how long an ended one stays visible */
    struct delivery_journal journal;
};

/** Time that a schedule takes at most, with jitter; a minute at least. */
int64_t webhooks_lifetime(const int64_t *delays_ns, int64_t attempts_max);

/** Reads the secrets. Nothing is sent before webhooks_ownership_changed(). */
MUST_CHECK enum status webhooks_create(struct webhooks **out,
                                       struct loop *loop,
                                       struct store *store,
                                       const struct webhooks_config *config,
                                       struct fault *fault);

/** Calls under way are given up; they are made again after the next start. */
void webhooks_destroy(struct webhooks **webhooks);

bool webhooks_enabled(const struct webhooks *webhooks);

/** Reads the secrets again; the old ones stay unless STATUS_OK. @blocks for the disk */
MUST_CHECK enum status webhooks_reload(struct webhooks *webhooks, struct fault *fault);

/** Begins the delivery of a terminal reply if its sender wanted one. */
void webhooks_begin(struct webhooks *webhooks,
                    const struct reply *reply,
                    int64_t now_ns,
                    int64_t wall_us);

/** As results_redeliver(). */
MUST_CHECK enum status webhooks_redeliver(struct webhooks *webhooks,
                                          const struct reply *reply,
                                          int64_t now_ns);

/** A record of the journal, written by whomever. @param[in] bytes framed */
void webhooks_learn(struct webhooks *webhooks,
                    const struct webhook_record *record,
                    struct span bytes);

/** The journal's is_ours() may have changed: drops what is another's, takes up what the
 * store holds of ours. */
void webhooks_ownership_changed(struct webhooks *webhooks);

/** To look things up in. */
struct delivery_book *webhooks_book(struct webhooks *webhooks);

/** Starts what is due. @return monotonic time of the next call */
int64_t webhooks_turn(struct webhooks *webhooks, int64_t now_ns);

#endif
