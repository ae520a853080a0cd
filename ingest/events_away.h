/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of a job that another ingest owns. The stream is ours; its owner is asked for
 * the document again and again, each time waiting until the job ends, begins to run or
 * the next position is due, so that the reader hears of it as soon as the owner does.
 */
#ifndef INGEST_EVENTS_AWAY_H
#define INGEST_EVENTS_AWAY_H

#include "base/http_server.h"
#include "base/uuid.h"
#include "ingest/tenant.h"

#include <stdbool.h>

struct ingest;
struct away; /* one stream */

struct away_list {
    struct away *first;
};

/** @return true: the job is another's and x is taken; false: it is ours */
bool events_follow_away(struct ingest *ingest,
                        struct http_exchange *x,
                        const struct uuid *id,
                        const struct tenant *tenant);

/** As events_end_all(). */
void events_away_end_all(struct ingest *ingest);

#endif
