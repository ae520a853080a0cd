/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/jobs/{id}/events: a job as server-sent events. `queued` with the document at
 * once and again when its position changes, at most once a second; `running` once, when
 * a batcher has told that it takes long (running.h), and `queued` again if it is to be
 * run anew; then one event named as the job ended, with the document, and the stream
 * ends. A comment every 15 s shows that the line is alive. Who comes back with
 * Last-Event-ID of the last event gets 204, which tells an EventSource to stop; anybody
 * else gets the state as it is.
 */
#ifndef INGEST_EVENTS_H
#define INGEST_EVENTS_H

#include "base/http_server.h"
#include "ingest/route.h"

struct ingest;
struct follower; /* one stream */

struct follower_list {
    struct follower *first;
};

void job_get_events(struct ingest *ingest,
                    struct http_exchange *x,
                    const struct route_match *match);

/** Tells of jobs that have begun to run, or do not any more. */
void events_tell_running(struct ingest *ingest);

/** Ends every stream without a last event; whoever reads on asks another instance. */
void events_end_all(struct ingest *ingest);

#endif
