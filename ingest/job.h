/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs: begun by POST /v1/jobs, read by GET /v1/jobs/{id} and /result, with ?wait=s
 * held until the job is done. A job that this process has in flight is queued even
 * before anything is recorded of it.
 */
#ifndef INGEST_JOB_H
#define INGEST_JOB_H

#include "base/status.h"
#include "base/uuid.h"
#include "ingest/route.h"
#include "schemas/message.h"

struct poll;

/** Exchanges that wait for a job. */
struct poll_list {
    struct poll *first;
};

void job_post(struct ingest *ingest,
              struct http_exchange *x,
              const struct route_match *match);
void job_get(struct ingest *ingest,
             struct http_exchange *x,
             const struct route_match *match);
void job_get_result(struct ingest *ingest,
                    struct http_exchange *x,
                    const struct route_match *match);

/** What is known of the tenant's job; as results_find(). */
MUST_CHECK enum status job_find(struct ingest *ingest,
                                const struct uuid *id,
                                const struct tenant *tenant,
                                struct reply *reply);

/** Answers that a job cannot be told of, and why. */
void job_refuse(struct http_exchange *x, enum status status);

/** Answers every waiting poll with what is known now. */
void job_end_polls(struct ingest *ingest);

#endif
