/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document of a job as every way of asking shows it: what its record says, how its
 * webhook stands, and while it is queued its position and when it is likely done; that
 * it runs, if a batcher said so.
 */
#ifndef INGEST_JOB_DOCUMENT_H
#define INGEST_JOB_DOCUMENT_H

#include "base/buf.h"
#include "ingest/backlog.h"
#include "schemas/message.h"

#include <stdbool.h>

struct ingest;

/** Where a queued job stands now; unknown members are -1. */
void job_place_of(struct ingest *ingest,
                  const struct reply *reply,
                  struct backlog_place *place);

/**
 * Appends the document.
 *
 * @param[in] place        of a job that has not ended; else not looked at
 * @param[in] outputs_most bytes of outputs up to which they stand in it; beyond, it has
 *                         "outputs_path" to read them from
 */
void job_document_write(struct ingest *ingest,
                        const struct reply *reply,
                        const struct backlog_place *place,
                        size_t outputs_most,
                        struct buf *out);

#endif
