/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DELETE /v1/jobs/{id}: the order to cancel goes to the control topic, which every
 * batcher reads, and is answered 202 when Kafka has it. Whether it came in time is seen
 * in the job: it is canceled when a batcher says so, else it ends as if nobody had
 * asked. The door to the producer of those orders.
 */
#ifndef INGEST_CANCEL_H
#define INGEST_CANCEL_H

#include "base/status.h"
#include "ingest/route.h"

struct canceler;

MUST_CHECK enum status
canceler_open(struct canceler **out, struct ingest *ingest, struct fault *fault);

/** Answers who still waits, then frees. @blocks up to 5 s */
void canceler_close(struct canceler **canceler);

void job_delete(struct ingest *ingest,
                struct http_exchange *x,
                const struct route_match *match);

#endif
