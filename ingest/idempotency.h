/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idempotency-Key: the same key and the same request of one tenant lead to the same job
 * for as long as results are kept (results.ttl); the same key and another request is
 * 422. The ids of the claim and of the job follow from tenant and key, so every ingest
 * knows who owns them and passes the request on; the owner makes the claim (claim.h).
 */
#ifndef INGEST_IDEMPOTENCY_H
#define INGEST_IDEMPOTENCY_H

#include "base/http_server.h"
#include "ingest/submit.h"

struct ingest;

/** As submit(); with the header Idempotency-Key the first such request is submitted
 * and the others are answered as it. */
void idempotency_submit(struct ingest *ingest,
                        struct http_exchange *x,
                        const struct submit_call *call);

#endif
