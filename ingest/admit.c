/* SPDX-License-Identifier: Apache-2.0 */
/* The line is that of everybody who sends to the model, also past this process. */
#include "ingest/admit.h"

#include "ingest/metrics.h"
#include "ingest/rate_limit.h"
#include "ingest/service.h"

enum status
admit(struct ingest *ingest,
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
    enum status status = admission_take(&ingest->admission, ask, why);
    rate_limit_tell(x, ask->tenant);
    if (status != STATUS_OK) {
        metric_add(&ingest_metrics[metrics[why->reason]], 1);
    }
    return status;
}
