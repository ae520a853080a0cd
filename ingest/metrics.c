/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the ingest room's metrics. */
#include "ingest/metrics.h"

struct metric ingest_metrics[INGEST_METRIC_COUNT] = {
    [METRIC_SUCCEEDED] = {.name = "leat_http_answers_total",
                          .labels = "outcome=\"succeeded\"",
                          .help = "Answers to callers by how the request ended."},
    [METRIC_ACCEPTED] = {.name = "leat_http_answers_total",
                         .labels = "outcome=\"accepted\""},
    [METRIC_FAILED] = {.name = "leat_http_answers_total",
                       .labels = "outcome=\"failed\""},
    [METRIC_TIMED_OUT] = {.name = "leat_http_answers_total",
                          .labels = "outcome=\"timeout\""},
    [METRIC_REFUSED_INVALID] = {.name = "leat_http_answers_total",
                                .labels = "outcome=\"invalid\""},
    [METRIC_REFUSED_FULL] = {.name = "leat_http_answers_total",
                             .labels = "outcome=\"full\""},
    [METRIC_REFUSED_UNAVAILABLE] = {.name = "leat_http_answers_total",
                                    .labels = "outcome=\"unavailable\""},
    [METRIC_GONE] = {.name = "leat_http_answers_total",
                     .labels = "outcome=\"client_gone\""},
    [METRIC_ABANDONED] = {.name = "leat_abandoned_requests_total",
                          .labels = "cancel=\"stored\"",
                          .help =
                              "Held requests whose client went away, with "
                              "cancel.on.disconnect, by what became of the cancel."},
    [METRIC_ABANDONED_LOST] = {.name = "leat_abandoned_requests_total",
                               .labels = "cancel=\"lost\""},
    [METRIC_STORED] = {.name = "leat_requests_stored_total",
                       .help = "Request records that Kafka acknowledged."},
    [METRIC_NOT_STORED] = {.name = "leat_requests_not_stored_total",
                           .help = "Request records that Kafka did not acknowledge."},
    [METRIC_REQUEST_SECONDS] = {.name = "leat_held_request_seconds",
                                .help = "From a complete body to its answer, held "
                                        "requests that succeeded.",
                                .kind = METRIC_SECONDS},
    [METRIC_STORE_SECONDS] = {.name = "leat_request_store_seconds",
                              .help =
                                  "From a complete body to Kafka's acknowledgement.",
                              .kind = METRIC_SECONDS},
    [METRIC_INFLIGHT_REQUESTS] = {.name = "leat_inflight_requests",
                                  .help = "Requests counted by admission.",
                                  .kind = METRIC_GAUGE},
    [METRIC_INFLIGHT_BYTES] = {.name = "leat_inflight_bytes",
                               .help = "Bytes of records counted by admission.",
                               .kind = METRIC_GAUGE},
    [METRIC_CONNECTIONS] = {.name = "leat_http_connections",
                            .help = "Open connections of the HTTP listener.",
                            .kind = METRIC_GAUGE},
    [METRIC_MODELS_READY] = {.name = "leat_models_ready",
                             .help = "Models that at least one batcher serves now.",
                             .kind = METRIC_GAUGE},
};
