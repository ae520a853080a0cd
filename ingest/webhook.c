/* SPDX-License-Identifier: Apache-2.0 */
/* A page ends at its limit or where looking further would take too long; `next` says
 * where to go on. */
#include "ingest/webhook.h"

#include "ingest/answer.h"
#include "ingest/forward.h"
#include "ingest/internal.h"
#include "ingest/job.h"
#include "ingest/problem.h"
#include "ingest/service.h"
#include "ingest/tenant.h"
#include "ingest/webhook_gather.h"
#include "results/results.h"

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 1000 };

static bool
read_state(struct http_exchange *x, enum webhook_state *state)
{
    struct span text = http_query(x, "state");
    *state = WEBHOOK_STATE_COUNT;
    if (text.size == 0) {
        return true;
    }
    for (unsigned i = 0; i < WEBHOOK_STATE_COUNT; i++) {
        if (span_is_text(text, webhook_state_name((enum webhook_state)i))) {
            *state = (enum webhook_state)i;
            return true;
        }
    }
    return false;
}

static bool
read_limit(struct http_exchange *x, size_t *limit)
{
    enum { DIGITS_MAX = 4 };
    struct span text = http_query(x, "limit");
    *limit = text.size == 0 ? LIMIT_DEFAULT : 0;
    for (size_t i = 0; i < text.size && i < DIGITS_MAX; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        *limit = *limit * 10 + (size_t)(text.data[i] - '0');
    }
    return text.size <= DIGITS_MAX && *limit >= 1 && *limit <= LIMIT_MAX;
}

/* NULL, or what is wrong with the query. */
static const char *
read_page(struct http_exchange *x, struct webhook_page *page)
{
    struct span from = http_query(x, "from");
    if (!read_state(x, &page->state)) {
        return "state: not pending, delivered, exhausted or stopped";
    }
    if (!read_limit(x, &page->limit)) {
        return "limit: not a number from 1 to 1000";
    }
    if (from.size > 0 && uuid_parse(from, &page->from) != STATUS_OK) {
        return "from: not an id";
    }
    return NULL;
}

void
webhooks_get(struct ingest *ingest,
             struct http_exchange *x,
             const struct route_match *match)
{
    struct webhook_page page = {.tenant = tenant_name(match->tenant)};
    const char *wrong = read_page(x, &page);
    if (wrong != NULL) {
        problem_respond(x,
                        &(struct problem){.status = STATUS_INVALID, .detail = wrong});
        return;
    }
    if (internal_is_peer(ingest, x)) {
        webhook_page_respond(ingest, x, &page);
    } else {
        webhook_gather(ingest, x, match->tenant, &page);
    }
}

static void
refuse(struct http_exchange *x, enum status status, const struct uuid *id)
{
    static const char *const details[STATUS_COUNT] = {
        [STATUS_NOT_FOUND] = "the job has no webhook that wanted its ending",
        [STATUS_UNSUPPORTED] = "no webhook.secret.file to sign with, or no URL",
        [STATUS_UNAVAILABLE] = "the deliveries of this job are still being read",
        [STATUS_FULL] = "too many webhooks are pending (webhook.pending.max)",
    };
    problem_respond(
        x, &(struct problem){.status = status, .detail = details[status], .id = id});
}

void
webhook_post_redeliver(struct ingest *ingest,
                       struct http_exchange *x,
                       const struct route_match *match)
{
    struct uuid id;
    struct reply reply;
    if (uuid_parse(match->id, &id) != STATUS_OK) {
        job_refuse(x, STATUS_NOT_FOUND);
        return;
    }
    if (forward_exchange(ingest, x, &id, match->tenant)) {
        return;
    }
    enum status status = job_find(ingest, &id, match->tenant, &reply);
    if (status != STATUS_OK) {
        job_refuse(x, status);
        return;
    }
    if (!reply_is_terminal(&reply)) {
        problem_respond(x, &(struct problem){.status = STATUS_CONFLICT,
                                             .detail = "the job has not ended",
                                             .id = &id});
        return;
    }
    status = results_redeliver(ingest->results, &reply);
    if (status == STATUS_OK) {
        answer_accepted(x, &id, "");
    } else {
        refuse(x, status, &id);
    }
}
