/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every answer that is not a success: one RFC 9457 document, with the headers that go
 * with its status (Retry-After when trying again may help, Location when a job is
 * concerned).
 */
#ifndef INGEST_PROBLEM_H
#define INGEST_PROBLEM_H

#include "base/http_server.h"
#include "base/status.h"
#include "base/uuid.h"

#include <stdbool.h>
#include <stdint.h>

struct problem {
    enum status status;
    int http_code;          /* 0 = the one of the status */
    const char *detail;     /* for a person */
    const struct uuid *id;  /* the job concerned, or NULL: adds id and Location */
    int64_t retry_after_s;  /* 0 = 1 where the status is retryable, else none */
    const char *job_status; /* how the job concerned has ended, or NULL */
    const char *allow;      /* for a 405: the methods; else NULL */
    bool authenticate;      /* for a 401: adds WWW-Authenticate */
};

/** Answers the exchange; x must not be touched any more. Counts the problem. */
void problem_respond(struct http_exchange *x, const struct problem *problem);

/** The same for a fault without more to say. */
void problem_respond_fault(struct http_exchange *x, const struct fault *fault);

#endif
