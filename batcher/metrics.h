/* SPDX-License-Identifier: Apache-2.0 */
/* What the batcher counts: one row per ending, and the sizes and times of batches. */
#ifndef BATCHER_METRICS_H
#define BATCHER_METRICS_H

#include "base/metric.h"

enum batcher_metric {
    METRIC_RECEIVED,
    METRIC_SUCCEEDED,
    METRIC_FAILED,
    METRIC_EXPIRED,
    METRIC_CANCELED,
    METRIC_DEAD_LETTERS,
    METRIC_BATCH_ROWS,
    METRIC_RUN_SECONDS,
    METRIC_WAIT_SECONDS,
    METRIC_SPLITS,
    METRIC_RUNNER_DEATHS,
    METRIC_STALE,
    METRIC_SHED,
    METRIC_CLOSED_FULL,
    METRIC_CLOSED_JUST_IN_TIME,
    METRIC_CLOSED_IDLE,
    METRIC_CLOSED_MAX_DELAY,
    METRIC_CLOSED_AGAIN,
    METRIC_IDLE_GAP,
    METRIC_WAITING,
    METRIC_REPLY_TIME,
    METRIC_COUNT,
};

extern struct metric batcher_metrics[METRIC_COUNT];

#endif
