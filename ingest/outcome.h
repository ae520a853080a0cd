/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ends a submission for its caller: Kafka's reports, the reply, the end of a wait,
 * a client that left, shutting down. Whatever comes first answers the exchange; what
 * comes later only lets go.
 */
#ifndef INGEST_OUTCOME_H
#define INGEST_OUTCOME_H

#include "base/http_server.h"
#include "bus/producer.h"
#include "ingest/submission.h"
#include "results/results.h"

#include <stdint.h>

/** Report of a request record; context is the ingest, arg the submission. */
void outcome_request_reported(void *context, void *arg, const struct delivery *d);

/** Report of a QUEUED record. */
void outcome_queued_reported(void *context, void *arg, const struct delivery *d);

/** The reply came, or the wait ended without one; waiter is the submission. */
void outcome_answered(void *waiter, enum status status, const struct reply *reply);

/** The client of a held submission went away; arg is the submission. */
void outcome_gone(void *arg, struct http_exchange *x);

/**
 * Answers 503 to those whose record Kafka has not acknowledged in time.
 *
 * @return when the next one will be due, TIME_NEVER if none waits
 */
int64_t outcome_expire(struct ingest *ingest, int64_t now_ns);

/** The drain timeout passed: answers everybody who still waits with 503. */
void outcome_close_all(struct ingest *ingest);

/** Answers the exchange of a submission with a problem and lets go of it. */
void outcome_refuse(struct submission *s,
                    enum status status,
                    const char *detail,
                    bool maybe_stored);

#endif
