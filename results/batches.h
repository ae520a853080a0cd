/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How bulk batches stand. A batch is known by records of its own in the replies topic
 * (id = batch_id): QUEUED while its upload goes on, SUCCEEDED when it is complete, the
 * lines stored so far in `batch_size`. Its lines' answers lie in the same partition
 * (batch_line.h), so its owner counts them as they come and whoever takes the partition
 * over counts the same, in the same order.
 *
 * A batch is forgotten results.ttl after its last answer.
 */
#ifndef RESULTS_BATCHES_H
#define RESULTS_BATCHES_H

#include "base/span.h"
#include "base/status.h"
#include "base/uuid.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stdint.h>

struct batches;
struct owner;
struct store;

struct batches_config {
    struct store *store;
    const struct owner *owner;
    int64_t ttl_us;
    /* Whether all that was in an owned partition has been read. */
    bool (*caught_up)(void *arg, int32_t partition);
    void *arg;
};

struct batch_view {
    int64_t created_us;                  /* wall */
    uint64_t lines;                      /* stored so far; all of them once closed */
    bool closed;                         /* the upload is complete */
    uint64_t ended;                      /* lines that have an answer */
    uint64_t counts[REPLY_STATUS_COUNT]; /* of these, by status */
};

MUST_CHECK enum status
batches_create(struct batches **out, const struct batches_config *config);
void batches_destroy(struct batches **batches);

/** Whether a reply is a batch's own record, not an answer; it is not to be stored. */
bool batches_is_own(const struct reply *reply);

/**
 * Takes note of a batch's own record, or of the terminal reply of a line that was
 * stored just now, in the transaction of the store that is open. Others are passed by.
 */
void
batches_note(struct batches *batches, const struct reply *reply, int64_t arrived_us);

/**
 * How a batch stands.
 *
 * @return STATUS_OK; STATUS_NOT_FOUND: never heard of, over, or another tenant's;
 *         STATUS_UNAVAILABLE: its partition is still being read; STATUS_MISDIRECTED:
 *         another instance owns it
 */
MUST_CHECK enum status batches_find(struct batches *batches,
                                    const struct uuid *id,
                                    struct span tenant,
                                    struct batch_view *view);

/** The id of a line, from 1. @return STATUS_OK; STATUS_UNAVAILABLE: not known yet */
MUST_CHECK enum status batches_line_id(const struct batches *batches,
                                       const struct uuid *id,
                                       uint32_t line,
                                       struct uuid *line_id);

/** Which line ended as the n-th, n from 0. @return STATUS_OK; STATUS_NOT_FOUND */
MUST_CHECK enum status batches_ended(struct batches *batches,
                                     const struct uuid *id,
                                     uint64_t n,
                                     uint32_t *line);

/** The caller's own id of the line that a reply answers; size 0: none. */
struct span batches_own_id(const struct reply *reply);

/** Forgets a piece of what is over. @return monotonic time of the next call */
int64_t batches_turn(struct batches *batches, int64_t now_ns, int64_t wall_us);

#endif
