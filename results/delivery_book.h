/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How each delivery stands: a record in the store and, for other instances, in the
 * journal, which is the topic leat.webhooks. Each change is a record of the next
 * revision: first into the store, then into the journal. What the journal brings counts
 * if its revision is higher.
 */
#ifndef RESULTS_DELIVERY_BOOK_H
#define RESULTS_DELIVERY_BOOK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "results/results.h"
#include "results/store.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Where outcomes are written down for other instances. */
struct delivery_journal {
    /** Whether the delivery of an id is ours to make, and all that was written of it
     * has been learned. */
    bool (*is_ours)(void *arg, const struct uuid *id);
    /** @param[in] bytes a framed record; copied */
    void (*write)(void *arg, const struct uuid *id, struct span bytes);
    void *arg;
};

struct delivery_book {
    struct store *store;
    struct delivery_journal journal;
    int64_t ttl_us; /* how long an ended one stays visible */
    struct uuid sweep_from;
    struct arena arena;
    struct buf scratch;
};

void delivery_book_init(struct delivery_book *b,
                        struct store *store,
                        const struct delivery_journal *journal,
                        int64_t ttl_us);
void delivery_book_fini(struct delivery_book *b);

bool delivery_book_is_ours(const struct delivery_book *b, const struct uuid *id);

/**
 * What is known of a delivery.
 *
 * @param[out] record its spans are valid until the next call that writes
 * @return STATUS_OK; STATUS_NOT_FOUND; otherwise what is kept cannot be read
 */
MUST_CHECK enum status delivery_book_recall(struct delivery_book *b,
                                            const struct uuid *id,
                                            struct webhook_record *record);

/** Into the store only: not ours to tell of, or not known to be. */
void delivery_book_keep(struct delivery_book *b, const struct webhook_record *record);

/** As the next revision, told to others. */
void delivery_book_tell(struct delivery_book *b, struct webhook_record *record);

/** Its end, told to others, counted, and logged unless delivered. */
void delivery_book_end(struct delivery_book *b,
                       struct webhook_record *record,
                       enum webhook_state state,
                       const char *reason);

/** A record of the journal. @return whether it is news */
bool delivery_book_learn(struct delivery_book *b,
                         const struct webhook_record *record,
                         struct span bytes);

/** Writes one that ended into the journal again. */
void
delivery_book_repeat(struct delivery_book *b, const struct uuid *id, struct span bytes);

/** Drops some of those that ended before ttl_us. */
void delivery_book_sweep(struct delivery_book *b, int64_t wall_us);

/** As results_webhooks(). */
bool delivery_book_list(struct delivery_book *b,
                        const struct webhook_page *page,
                        results_webhook_fn fn,
                        void *arg,
                        struct uuid *next);

#endif
