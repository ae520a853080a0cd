/* SPDX-License-Identifier: Apache-2.0 */
/* Turns the Prefer header into how the submission is to be answered (RFC 7240). */
#include "ingest/infer.h"

#include "base/clock.h"
#include "ingest/idempotency.h"
#include "ingest/prefer.h"
#include "ingest/service.h"
#include "ingest/submit.h"

#include <inttypes.h>
#include <stdio.h>

void
infer_post(struct ingest *ingest,
           struct http_exchange *x,
           const struct route_match *match)
{
    char preference[PREFERENCE_SIZE] = "";
    struct submit_call call = {
        .tenant = match->tenant,
        .model = match->model,
        .version = match->version,
        .mode = SUBMISSION_HELD,
        .wait_ns = ingest->config.infer_timeout_ns,
        .preference = preference,
    };
    struct span header = http_header(x, "Prefer");
    if (header.size > 0) {
        struct prefer prefer = prefer_parse(header);
        int64_t most_s = ingest->config.infer_timeout_ns / NS_PER_S;
        if (prefer.wait_s > 0) {
            int64_t wait_s = prefer.wait_s < most_s ? prefer.wait_s : most_s;
            call.mode = SUBMISSION_WAIT;
            call.wait_ns = wait_s * NS_PER_S;
            snprintf(preference, sizeof(preference), "wait=%" PRId64, wait_s);
        } else if (prefer.respond_async || prefer.wait_s == 0) {
            call.mode = SUBMISSION_ASYNC;
            snprintf(preference, sizeof(preference), "%s",
                     prefer.respond_async ? "respond-async" : "wait=0");
        }
    }
    idempotency_submit(ingest, x, &call);
}
