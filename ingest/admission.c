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
refuse_line(struct admission *a,
            const struct admission_ask *ask,
            int64_t late_ns,
            struct admission_refusal *why)
{
    const struct admission_line *line = &ask->line;
    int64_t earliest_ns = ask->now_ns + late_ns + line->batch_ns + LATE_KNOWN_NS;
    int64_t due_ns =
        share_slot(&a->line_slots_ns[line->model], earliest_ns, line->drain_per_s);
    *why = (struct admission_refusal){
        .reason = ADMISSION_LINE,
        .detail = "what waits for the model takes longer than the deadline",
        .retry_after_s = share_retry_s(due_ns, ask->now_ns),
    };
    return STATUS_FULL;
}

static enum status
check(struct share *share,
      const struct tenant_limits *limits,
      const struct admission_ask *ask,
      enum admission_reason reason,
      struct admission_refusal *why)
{
    static const struct {
        const char *too_large;
        const char *full;
    } details[ADMISSION_REASON_COUNT] = {
        [ADMISSION_ALL] = {"the request alone is over the bytes that may be in flight",
                           "too much is in flight"},
        [ADMISSION_TENANT] =
            {"the request alone is over the bytes that this tenant may "
             "have in flight",
             "this tenant's limits of requests, bytes or rate are "
             "reached"},
    };
    int64_t due_ns = 0;
    enum status status = share_check(share, limits, ask->bytes, ask->now_ns, &due_ns);
    if (status == STATUS_TOO_LARGE) {
        *why = (struct admission_refusal){.reason = reason,
                                          .detail = details[reason].too_large};
    } else if (status != STATUS_OK) {
        *why = (struct admission_refusal){
            .reason = reason,
            .detail = details[reason].full,
            .retry_after_s = share_retry_s(due_ns, ask->now_ns),
        };
    }
    return status;
}

enum status
admission_take(struct admission *a,
               const struct admission_ask *ask,
               struct admission_refusal *why)
{
    const struct tenant_limits *limits = tenant_limits(ask->tenant);
    struct share *share = tenant_share(ask->tenant);
    int64_t late_ns = 0;
    if (!is_in_time(ask, &late_ns)) {
        return refuse_line(a, ask, late_ns, why);
    }
    enum status status = check(&a->all, &a->limits, ask, ADMISSION_ALL, why);
    if (status == STATUS_OK) {
        status = check(share, limits, ask, ADMISSION_TENANT, why);
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
