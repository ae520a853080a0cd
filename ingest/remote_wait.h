/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A wait for the reply of an id that may belong to another ingest, for one who has
 * waited here until the partition went: asks the owner again and again until its
 * deadline, or waits here once the partition is ours again.
 */
#ifndef INGEST_REMOTE_WAIT_H
#define INGEST_REMOTE_WAIT_H

#include "base/uuid.h"
#include "ingest/tenant.h"
#include "results/results.h"

#include <stdint.h>

struct ingest;
struct remote_wait;

/* What a peer says it accepts who wants the reply as a record. */
#define REPLY_MEDIA_TYPE "application/vnd.leat.reply"

/**
 * @param[in] tenant whose id it is
 * @param[in] deadline_ns monotonic
 * @param[in] fn called exactly once, on a later turn, as for results_expect() but never
 *               with STATUS_MISDIRECTED; unless remote_wait_forget() comes first
 * @return NULL without memory or while instances are not told of each other
 */
struct remote_wait *remote_wait_begin(struct ingest *ingest,
                                      const struct uuid *id,
                                      const struct tenant *tenant,
                                      int64_t deadline_ns,
                                      results_answer_fn fn,
                                      void *waiter);

/** The waiter is gone: fn will not be called. */
void remote_wait_forget(struct remote_wait *wait);

#endif
