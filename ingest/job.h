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

#include <stdbool.h>
#include <stdint.h>

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

/** Answers 200 with the document of a job. */
void
job_answer(struct ingest *ingest, struct http_exchange *x, const struct reply *reply);

/** Answers who wanted to cancel what has ended: 200 if it was canceled, else 409. */
void job_answer_ended(struct ingest *ingest,
                      struct http_exchange *x,
                      const struct reply *reply);

/**
 * Reads ?wait=, at most what a held request may last; 0 without one.
 *
 * @return false: it is no number, and x is answered
 */
bool
job_read_wait(const struct ingest *ingest, struct http_exchange *x, int64_t *wait_ns);

/** Answers as job_answer_ended() when the job ends within the time, else 202. */
void job_await_canceled(struct ingest *ingest,
                        struct http_exchange *x,
                        const struct uuid *id,
                        const struct tenant *tenant,
                        int64_t wait_ns);

/** Answers what other instances ask for their streams where a job has begun to run, or
 * does not any more. */
void job_tell_running(struct ingest *ingest);

/** Answers every waiting poll with what is known now. */
void job_end_polls(struct ingest *ingest);

#endif
