/* SPDX-License-Identifier: Apache-2.0 */
/* What the ingest room counts: one counter per ending of a request. */
#ifndef INGEST_METRICS_H
#define INGEST_METRICS_H

#include "base/metric.h"

enum ingest_metric {
    METRIC_SUCCEEDED,
    METRIC_ACCEPTED,
    METRIC_FAILED,
    METRIC_TIMED_OUT,
    METRIC_REFUSED_INVALID,
    METRIC_REFUSED_FULL,
    METRIC_REFUSED_UNAVAILABLE,
    METRIC_GONE,
    METRIC_STORED,
    METRIC_NOT_STORED,
    METRIC_REQUEST_SECONDS,
    METRIC_STORE_SECONDS,
    METRIC_INFLIGHT_REQUESTS,
    METRIC_INFLIGHT_BYTES,
    METRIC_CONNECTIONS,
    METRIC_MODELS_READY,
    INGEST_METRIC_COUNT
};

extern struct metric ingest_metrics[INGEST_METRIC_COUNT];

#endif
