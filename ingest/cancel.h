/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DELETE /v1/jobs/{id}: the order to cancel goes to the control topic, which every
 * batcher reads, and is answered 202 when Kafka has it, or with ?wait=s once the job
 * has ended: 200 if it was canceled, 409 if it ended otherwise. It is canceled when a
 * batcher says so, else it ends as if nobody had asked. The door to the producer of
 * orders of any kind.
 */
#ifndef INGEST_CANCEL_H
#define INGEST_CANCEL_H

#include "base/buf.h"
#include "base/status.h"
#include "bus/producer.h"
#include "ingest/route.h"
#include "ingest/submission.h"

struct canceler;

/** An order on its way to the control topic; embedded in its owner, who keeps it until
 * it is reported. */
struct control_order {
    void (*reported)(struct control_order *order, const struct delivery *d);
    struct buf bytes; /* of the record */
};

/** @return STATUS_OK: reported() follows; otherwise why it cannot be sent now */
MUST_CHECK enum status control_send(struct canceler *c, struct control_order *order);

MUST_CHECK enum status
canceler_open(struct canceler **out, struct ingest *ingest, struct fault *fault);

/** Answers who still waits, then frees. @blocks up to 5 s */
void canceler_close(struct canceler **canceler);

/** The client of a held request went away: asks that it be not run. Counts how it went.
 */
void cancel_abandoned(struct ingest *ingest, const struct submission *s);

void job_delete(struct ingest *ingest,
                struct http_exchange *x,
                const struct route_match *match);

#endif
