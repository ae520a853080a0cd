/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/batches/{id}/results: the answers of a batch, one a line, as far as they are
 * there, in the order of the input or of their ends. A slow reader is waited for with
 * 256 KiB in memory. It can be gone on with at any place: ?from=.
 */
#ifndef INGEST_BULK_RESULTS_H
#define INGEST_BULK_RESULTS_H

#include "base/http_server.h"
#include "ingest/bulk.h"
#include "ingest/route.h"

#include <stdint.h>

void batch_get_results(struct ingest *ingest,
                       struct http_exchange *x,
                       const struct route_match *match);

/** Moves every stream on. @return when it wants to be called next */
int64_t results_stream_turn(struct bulk_lists *lists, int64_t now_ns);

/** Ends those that are open as if there was no more to tell. */
void results_stream_end_all(struct bulk_lists *lists);

#endif
