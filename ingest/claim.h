/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request with an Idempotency-Key until it is submitted or answered. The claim of a
 * key is a record on the replies topic with the digest of the request: whichever claim
 * of a key stands first in Kafka holds. So it survives its owner, and two instances
 * that both believe to be the owner agree.
 */
#ifndef INGEST_CLAIM_H
#define INGEST_CLAIM_H

#include "base/http_server.h"
#include "base/status.h"
#include "base/uuid.h"
#include "ingest/submit.h"
#include "results/results.h"

#include <stdint.h>

struct ingest;
struct claims;

/** What follows from tenant, key and request. */
struct claim_about {
    struct uuid id;                       /* of the claim */
    struct uuid job;                      /* what it leads to, in the same partition */
    uint8_t digest[RESULTS_DIGEST_BYTES]; /* of the request */
};

MUST_CHECK enum status
claims_open(struct claims **out, struct ingest *ingest, struct fault *fault);

/** Answers who still waits, then frees. @blocks up to 5 s */
void claims_close(struct claims **claims);

/**
 * Claims the key, then submits the request or answers it as the one that came first.
 * Leads to exactly one http_respond(), now or later.
 *
 * @param[in] call about->id is ours; what it points to lives as long as x, but for the
 *                 preference, which is copied
 */
void claim_begin(struct ingest *ingest,
                 struct http_exchange *x,
                 const struct submit_call *call,
                 const struct claim_about *about);

/** Looks again after those whose job is not stored yet. @return when next */
int64_t claims_turn(struct claims *claims, int64_t now_ns);

/** The drain timeout passed: answers everybody who still waits with 503. */
void claims_end_all(struct claims *claims);

#endif
