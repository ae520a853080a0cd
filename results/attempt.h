/* SPDX-License-Identifier: Apache-2.0 */
/* One signed call to a webhook receiver, and what its answer means. */
#ifndef RESULTS_ATTEMPT_H
#define RESULTS_ATTEMPT_H

#include "base/http_call.h"
#include "base/span.h"
#include "base/status.h"
#include "base/uuid.h"
#include "results/endpoint.h"
#include "results/signature.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stdint.h>

enum { ATTEMPT_URL_MAX = 8 * 1024 };

struct attempt {
    const struct secrets *secrets;
    const struct uuid *id; /* of the job */
    struct span url;       /* at most ATTEMPT_URL_MAX, without NUL */
    struct span body;
    int64_t timeout_ns;
    bool allow_private;
    const char *hosts; /* as in struct http_call */
    const char *ports;
};

/** @return as http_call_start(): STATUS_OK means fn will be called once */
MUST_CHECK enum status attempt_start(struct http_caller *caller,
                                     const struct attempt *attempt,
                                     http_answer_fn fn,
                                     void *arg);

/** Where the delivery stands after an answer. @param[in] last no attempt is left */
enum webhook_state attempt_judge(const struct http_answer *answer, bool last);

/** What it says of the endpoint. @return false: nothing, it was not even called */
bool attempt_verdict(const struct http_answer *answer, enum endpoint_verdict *verdict);

/**
 * The class of a failure, the most that a tenant is told of it: neither addresses nor
 * codes nor bodies, or webhooks would be a way to look around.
 */
const char *attempt_reason(const struct http_answer *answer);

#endif
