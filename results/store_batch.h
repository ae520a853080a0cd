/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store keeps of bulk batches beside the results of their lines: a row of
 * counts per batch, and the numbers of its lines in the order in which they ended. Both
 * are written in the transaction that holds the results and the offsets they came
 * from, so a line is counted once whatever crashes.
 */
#ifndef RESULTS_STORE_BATCH_H
#define RESULTS_STORE_BATCH_H

#include "base/status.h"
#include "base/uuid.h"
#include "results/store.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stdint.h>

/** Written as it lies in memory: the file is never moved to another machine. */
struct batch_row {
    int64_t created_us;                  /* wall */
    int64_t newest_us;                   /* last arrival */
    uint64_t lines;                      /* stored so far; all of them once closed */
    uint64_t closed;                     /* the upload is complete */
    uint64_t ended;                      /* lines that have an answer */
    uint64_t counts[REPLY_STATUS_COUNT]; /* of them, by status */
    uint64_t tenant_size;
    uint8_t tenant[NAME_MAX_BYTES];
};

/** @return STATUS_OK; STATUS_NOT_FOUND */
MUST_CHECK enum status
store_batch_get(struct store *store, const struct uuid *id, struct batch_row *row);

/** @return STATUS_OK; STATUS_IO */
MUST_CHECK enum status store_batch_put(struct store *store,
                                       const struct uuid *id,
                                       const struct batch_row *row);

/** Notes which line ended as the n-th of its batch, n from 0. @return OK; STATUS_IO */
MUST_CHECK enum status
store_batch_note(struct store *store, const struct uuid *id, uint64_t n, uint32_t line);

/** @return STATUS_OK; STATUS_NOT_FOUND */
MUST_CHECK enum status store_batch_noted(struct store *store,
                                         const struct uuid *id,
                                         uint64_t n,
                                         uint32_t *line);

/**
 * The batch behind an id in the order of ids, to walk through all of them.
 *
 * @param[in,out] id STATUS_OK: of the row that was found
 * @return STATUS_OK; STATUS_NOT_FOUND: there is none behind it
 */
MUST_CHECK enum status
store_batch_next(struct store *store, struct uuid *id, struct batch_row *row);

/**
 * Drops up to `max` of a batch's notes, and its row once none is left.
 *
 * @return whether all of it is gone, or nothing can be written
 */
bool store_batch_drop(struct store *store, const struct uuid *id, int max);

#endif
