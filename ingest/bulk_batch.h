/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/batches/{id}: how a batch stands, and its cancel. */
#ifndef INGEST_BULK_BATCH_H
#define INGEST_BULK_BATCH_H

#include "base/http_server.h"
#include "base/status.h"
#include "base/uuid.h"
#include "ingest/route.h"

#include <stdint.h>

void batch_get(struct ingest *ingest,
               struct http_exchange *x,
               const struct route_match *match);
void batch_delete(struct ingest *ingest,
                  struct http_exchange *x,
                  const struct route_match *match);

/** Answers a batch that cannot be read: 404, 421, 503. */
void batch_refuse(struct http_exchange *x, enum status status);

/** 202: every line is stored. */
void
batch_answer_stored(struct http_exchange *x, const struct uuid *id, uint32_t lines);

/** Why an upload did not end well, and how many lines are stored in spite of it. */
void batch_answer_failed(struct http_exchange *x,
                         const struct uuid *id,
                         const struct fault *fault,
                         uint32_t stored);

#endif
