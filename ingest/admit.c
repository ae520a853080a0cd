/* SPDX-License-Identifier: Apache-2.0 */
/* The line is that of everybody who sends to the model, also past this process. */
#include "ingest/admit.h"

#include "base/digest.h"
#include "ingest/metrics.h"
#include "ingest/rate_limit.h"
#include "ingest/service.h"

/* Who asks the same again sends the same body. */
static struct uuid
key_of(const struct http_exchange *x, const struct tenant *tenant)
{
    struct digest digest = digest_of(http_body(x));
    struct span name = tenant_name(tenant);
    struct uuid key;
    memcpy(key.bytes, digest.bytes, UUID_BYTES);
    for (size_t i = 0; i < name.size; i++) {
        key.bytes[i % UUID_BYTES] ^= name.data[i];
    }
    return key;
}

enum status
ingest_admit(struct ingest *ingest,
             struct http_exchange *x,
             const struct catalogue_model *model,
             struct admission_ask *ask,
             struct admission_refusal *why)
{
    static const enum ingest_metric metrics[ADMISSION_REASON_COUNT] = {
        [ADMISSION_LINE] = METRIC_NOT_ADMITTED_LINE,
        [ADMISSION_ALL] = METRIC_NOT_ADMITTED_ALL,
        [ADMISSION_TENANT] = METRIC_NOT_ADMITTED_TENANT,
    };
    struct backlog_view view;
    ask->line = (struct admission_line){.model = model->number};
    if (backlog_of(ingest->backlog, model->name, &view)) {
        ask->line.waiting = view.waiting;
        ask->line.drain_per_s = view.drain_per_s;
        ask->line.batch_ns = view.batch_ns;
    }
    if (admission_wants_key(&ingest->admission, ask)) {
        ask->key = key_of(x, ask->tenant);
    }
    enum status status = admission_take(&ingest->admission, ask, why);
    rate_limit_tell(x, ask->tenant);
    if (status != STATUS_OK) {
        metric_add(&ingest_metrics[metrics[why->reason]], 1);
    }
    return status;
}
