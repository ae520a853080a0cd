/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/batches: a body of any length whose lines become requests as they arrive. An
 * upload holds one line and one piece of the body, and the records that Kafka has not
 * acknowledged, of which there are so many at most; over that the body is paused. 202
 * comes when every line is stored.
 *
 * How far an upload came is itself in Kafka (results/batches.h): one that broke off can
 * go on behind the last line stored, as `?id=…&from=…`; lines sent twice are one job.
 */
#ifndef INGEST_BULK_UPLOAD_H
#define INGEST_BULK_UPLOAD_H

#include "base/http_server.h"
#include "ingest/bulk.h"
#include "ingest/route.h"

#include <stdbool.h>
#include <stdint.h>

/** Called once the head is there: the body is taken in pieces. */
void batch_post(struct ingest *ingest,
                struct http_exchange *x,
                const struct route_match *match);

/** Moves every upload on. @return when it wants to be called next */
int64_t upload_turn(struct bulk_lists *lists, int64_t now_ns);

/** Lines of this batch that come from now on are not taken. */
void upload_cancel(struct bulk_lists *lists, const struct uuid *batch);

/** Whether this instance takes lines of a batch now. */
bool upload_is_open(const struct bulk_lists *lists, const struct uuid *batch);

/** A drain begins: no more lines; each is answered when its body ends. */
void upload_stop_all(struct bulk_lists *lists);

/* The end, in this order: those whose body is complete are answered; (the producer is
 * destroyed, which reports everything; the server is destroyed, which breaks the
 * bodies;) what is left is freed. */
void upload_close_all(struct bulk_lists *lists);
void upload_free_all(struct bulk_lists *lists);

#endif
