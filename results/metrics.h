/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of results_metrics[] by name. */
#ifndef RESULTS_METRICS_H
#define RESULTS_METRICS_H

#include "base/metric.h"
#include "results/results.h"

enum results_row {
    ROW_REPLIES, /* + enum reply_status */
    ROW_DUPLICATES = ROW_REPLIES + REPLY_STATUS_COUNT,
    ROW_UNDECODABLE,
    ROW_LATE,
    ROW_WAITS,
    ROW_ENDED_ANSWERED,
    ROW_ENDED_TIMEOUT,
    ROW_ENDED_MISDIRECTED,
    ROW_ENDED_CLOSED,
    ROW_ENDED_FORGOTTEN,
    ROW_PARTITIONS,
    ROW_STORE_BYTES,
    ROW_STORE_EXPIRED,
    ROW_STORE_EVICTED,
    ROW_STORE_FAILURES,
    ROW_STORE_COMMIT,
    ROW_WEBHOOKS_PENDING,
    ROW_WEBHOOK_ATTEMPTS,
    ROW_WEBHOOKS_DELIVERED,
    ROW_WEBHOOKS_EXHAUSTED,
    ROW_WEBHOOKS_STOPPED,
    ROW_WEBHOOKS_UNRECORDED,
    ROW_COUNT
};

static inline struct metric *
results_metric(enum results_row row)
{
    return &results_metrics[row];
}

#endif
