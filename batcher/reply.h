/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends an item: encodes its answer straight from the slab, sends it to the replies
 * topic, to where the request asked for it, or as a request to the next step of its
 * route; what cannot be told to a caller goes to the dead letters with its bytes
 * untouched. item->done is called once, when all that was sent for it is acknowledged;
 * only then may its offset be committed.
 */
#ifndef BATCHER_REPLY_H
#define BATCHER_REPLY_H

#include "base/status.h"
#include "batcher/batcher.h"
#include "batcher/dead_letter.h"
#include "batcher/item.h"
#include "batcher/outbox.h"
#include "bus/config.h"
#include "schemas/tensor.h"

#include <stddef.h>
#include <stdint.h>

/** What all answers of a batcher have in common. */
struct replier {
    struct outbox *outbox;
    const struct bus_config *bus;
    const char *allow; /* reply.topics.allow */
    struct producer_topic *replies;
    struct producer_topic *dead_letters;
    enum dead_letter_dialect dialect; /* dead.letters.headers */
    char replies_name[TOPIC_NAME_MAX + 1];
};

/** The run that an answer came from; all 0 if the item did not run. */
struct run {
    uint32_t rows; /* of the batch */
    int64_t started_us;
    int64_t completed_us;
};

/** Why an item failed. */
struct failure {
    enum status status;  /* its name is the code */
    const char *message; /* borrowed during the call */
    const char *stage;   /* "decode", "admit", "run", "reply" */
};

MUST_CHECK enum status replier_init(struct replier *r,
                                    struct outbox *outbox,
                                    const struct bus_config *bus,
                                    const struct batcher_config *config,
                                    struct fault *fault);

/**
 * Finds out where the answer goes; without a wish of the request: the replies topic.
 *
 * @return STATUS_OK; STATUS_INVALID with the reason, the destination being the replies
 *         topic then
 */
MUST_CHECK enum status reply_find_destination(struct item *it, struct fault *fault);

/** Ends with these outputs, of which the request may want some only. */
void reply_succeed(struct item *it,
                   const struct tensor *outputs,
                   size_t count,
                   const struct run *run);

/** Ends FAILED. @param[in] run NULL if it did not run */
void reply_fail(struct item *it, const struct failure *failure, const struct run *run);

/** Ends EXPIRED: the deadline passed, or would before the end of the run. */
void reply_expire(struct item *it);

/** Ends EXPIRED: given up so that others make their deadlines. */
void reply_shed(struct item *it);

/** Ends CANCELED: somebody asked for it not to be run. */
void reply_cancel(struct item *it);

/**
 * Ends with a dead letter, and a FAILED answer if the id is known.
 *
 * @param[in] has_id the id of it->request is set
 */
void reply_bury(struct item *it, const struct failure *failure, bool has_id);

#endif
