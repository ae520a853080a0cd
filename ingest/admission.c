/* SPDX-License-Identifier: Apache-2.0 */
/* The line is looked at first: who cannot be answered in time need not be counted. */
#include "ingest/admission.h"

#include "base/clock.h"

#include <stdbool.h>

/* What waits is known by offsets that are committed and read a moment later, and drains
 * a batch at a time: a promise is later by this and a batch. */
#define LATE_KNOWN_NS NS_PER_S

/* Of the time to the deadline that may be planned with: rates are estimates. */
#define SAFE_SHARE 0.9

void
admission_init(struct admission *a, size_t requests_max, size_t bytes_max)
{
    *a = (struct admission){.limits = {.inflight_max = (int64_t)requests_max,
                                       .inflight_bytes_max = (int64_t)bytes_max}};
}

/* It waits for what is before it, and for the rest of the batch that runs; then it runs
 * itself. Less than a batch before it tells nothing: that may all run together. */
static bool
is_in_time(const struct admission_ask *ask, int64_t *late_ns)
{
    const struct admission_line *line = &ask->line;
    if (ask->patience_ns == 0 || line->drain_per_s <= 0) {
        return true;
    }
    double waits_ns = (double)line->waiting / line->drain_per_s * (double)NS_PER_S;
    double batch_ns = (double)line->batch_ns;
    double room_ns = SAFE_SHARE * (double)ask->patience_ns - 2 * batch_ns;
    room_ns = room_ns < batch_ns ? batch_ns : room_ns;
    *late_ns = (int64_t)(waits_ns - room_ns);
    return waits_ns <= room_ns;
}

static enum status
refuse(struct admission_refusal *why,
       enum status status,
       const char *detail,
       int64_t retry_after_s)
{
    *why = (struct admission_refusal){.detail = detail, .retry_after_s = retry_after_s};
    return status;
}

static enum status
check(struct share *share,
      const struct tenant_limits *limits,
      const struct admission_ask *ask,
      const char *const details[static 2],
      struct admission_refusal *why)
{
    int64_t due_ns = 0;
    enum status status = share_check(share, limits, ask->bytes, ask->now_ns, &due_ns);
    if (status == STATUS_OK) {
        return status;
    }
    if (status == STATUS_TOO_LARGE) {
        return refuse(why, status, details[0], 0);
    }
    return refuse(why, status, details[1], share_retry_s(due_ns, ask->now_ns));
}

enum status
admission_take(struct admission *a,
               const struct admission_ask *ask,
               struct admission_refusal *why)
{
    static const char *const in_all[] = {
        "the request alone is over the bytes that may be in flight",
        "too much is in flight"};
    static const char *const of_tenant[] = {
        "the request alone is over the bytes that this tenant may have in flight",
        "this tenant's limits of requests, bytes or rate are reached"};
    const struct tenant_limits *limits = tenant_limits(ask->tenant);
    struct share *share = tenant_share(ask->tenant);
    int64_t late_ns = 0;
    if (!is_in_time(ask, &late_ns)) {
        int64_t earliest_ns =
            ask->now_ns + late_ns + ask->line.batch_ns + LATE_KNOWN_NS;
        int64_t due_ns = share_slot(&a->line_slots_ns[ask->line.model], earliest_ns,
                                    ask->line.drain_per_s);
        return refuse(why, STATUS_FULL,
                      "what waits for the model takes longer than the deadline",
                      share_retry_s(due_ns, ask->now_ns));
    }
    enum status status = check(&a->all, &a->limits, ask, in_all, why);
    if (status == STATUS_OK) {
        status = check(share, limits, ask, of_tenant, why);
    }
    if (status == STATUS_OK) {
        share_take(&a->all, &a->limits, ask->bytes);
        share_take(share, limits, ask->bytes);
    }
    return status;
}

void
admission_give(struct admission *a,
               const struct tenant *tenant,
               size_t bytes,
               int64_t now_ns)
{
    share_give(&a->all, bytes, now_ns);
    share_give(tenant_share(tenant), bytes, now_ns);
}
