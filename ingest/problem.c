/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the document by oip_write_problem() and the headers beside it. */
#include "ingest/problem.h"

#include "base/buf.h"
#include "ingest/job_path.h"
#include "ingest/metrics.h"
#include "schemas/oip.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

enum { PROBLEM_BYTES_MAX = 16 * 1024, PROBLEM_HEADERS = 6 };

static enum ingest_metric
metric_of(int http_code)
{
    switch (http_code) {
    case 429:
        return METRIC_REFUSED_FULL;
    case 503:
        return METRIC_REFUSED_UNAVAILABLE;
    case 504:
        return METRIC_TIMED_OUT;
    default:
        return http_code < 500 ? METRIC_REFUSED_INVALID : METRIC_FAILED;
    }
}

void
problem_respond(struct http_exchange *x, const struct problem *problem)
{
    int http_code = problem->http_code != 0 ? problem->http_code
                                            : status_http_code(problem->status);
    int64_t retry_after_s = problem->retry_after_s;
    if (retry_after_s == 0 && status_is_retryable(problem->status)) {
        retry_after_s = 1;
    }
    struct http_header headers[PROBLEM_HEADERS];
    size_t count = 0;
    headers[count++] = (struct http_header){"Content-Type", "application/problem+json"};
    headers[count++] = (struct http_header){"Cache-Control", "no-store"};
    char seconds[24];
    if (retry_after_s > 0) {
        snprintf(seconds, sizeof(seconds), "%" PRId64, retry_after_s);
        headers[count++] = (struct http_header){"Retry-After", seconds};
    }
    char location[JOB_PATH_SIZE];
    if (problem->id != NULL) {
        job_path_format(problem->id, location);
        headers[count++] = (struct http_header){"Location", location};
    }
    if (problem->allow != NULL) {
        headers[count++] = (struct http_header){"Allow", problem->allow};
    }
    if (problem->authenticate) {
        headers[count++] =
            (struct http_header){"WWW-Authenticate", "Bearer realm=\"leat\""};
    }
    struct buf body;
    buf_init(&body, PROBLEM_BYTES_MAX);
    bool said = problem->detail != NULL && problem->detail[0] != '\0';
    const char *detail = said ? problem->detail : status_name(problem->status);
    oip_write_problem(problem->status, http_code, detail, problem->id, &body);
    if (problem->job_status != NULL && body.status == STATUS_OK) {
        body.size--; /* the closing brace, to add a member */
        buf_append_format(&body, ",\"job_status\":\"%s\"}", problem->job_status);
    }
    metric_add(&ingest_metrics[metric_of(http_code)], 1);
    http_respond(x, http_code, headers, count, &body);
    buf_fini(&body);
}

void
problem_respond_fault(struct http_exchange *x, const struct fault *fault)
{
    problem_respond(x,
                    &(struct problem){.status = fault->status, .detail = fault->text});
}
