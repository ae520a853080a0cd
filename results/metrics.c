/* SPDX-License-Identifier: Apache-2.0 */
/* The metric table of the results room. */
#include "results/metrics.h"

#define REPLIES     "leat_results_replies_total"
#define WAITS_ENDED "leat_results_waits_ended_total"
#define WEBHOOKS    "leat_webhooks_total"
#define REPLY_ROW(s)                                                                   \
    {                                                                                  \
        .name = REPLIES, .labels = "status=\"" s "\""                                  \
    }
#define WAIT_ROW(s)                                                                    \
    {                                                                                  \
        .name = WAITS_ENDED, .labels = "end=\"" s "\""                                 \
    }
#define HOOK_ROW(s)                                                                    \
    {                                                                                  \
        .name = WEBHOOKS, .labels = "state=\"" s "\""                                  \
    }

struct metric results_metrics[] = {
    [ROW_REPLIES + REPLY_QUEUED] = {.name = REPLIES,
                                    .labels = "status=\"queued\"",
                                    .help = "Records read from the replies topic."},
    [ROW_REPLIES + REPLY_SUCCEEDED] = REPLY_ROW("succeeded"),
    [ROW_REPLIES + REPLY_FAILED] = REPLY_ROW("failed"),
    [ROW_REPLIES + REPLY_CANCELED] = REPLY_ROW("canceled"),
    [ROW_REPLIES + REPLY_EXPIRED] = REPLY_ROW("expired"),
    [ROW_DUPLICATES] = {.name = "leat_results_duplicates_total",
                        .help = "Terminal replies to ids that had one; dropped."},
    [ROW_UNDECODABLE] = {.name = "leat_results_undecodable_total",
                         .help = "Records on the replies topic that are no reply."},
    [ROW_LATE] = {.name = "leat_results_late_total",
                  .help = "Replies older than results.ttl when read; not kept."},
    [ROW_WAITS] = {.name = "leat_results_waits",
                   .kind = METRIC_GAUGE,
                   .help = "Waits for a reply now."},
    [ROW_ENDED_ANSWERED] = {.name = WAITS_ENDED,
                            .labels = "end=\"answered\"",
                            .help = "Waits by how they ended."},
    [ROW_ENDED_TIMEOUT] = WAIT_ROW("timeout"),
    [ROW_ENDED_MISDIRECTED] = WAIT_ROW("misdirected"),
    [ROW_ENDED_CLOSED] = WAIT_ROW("closed"),
    [ROW_ENDED_FORGOTTEN] = WAIT_ROW("forgotten"),
    [ROW_PARTITIONS] = {.name = "leat_results_partitions",
                        .kind = METRIC_GAUGE,
                        .help = "Reply partitions this instance owns."},
    [ROW_STORE_BYTES] = {.name = "leat_store_bytes",
                         .kind = METRIC_GAUGE,
                         .help = "Pages of the result store in use."},
    [ROW_STORE_EXPIRED] = {.name = "leat_store_expired_total",
                           .help = "Results dropped when results.ttl was over."},
    [ROW_STORE_EVICTED] = {.name = "leat_store_evicted_total",
                           .help = "Results dropped early, for space."},
    [ROW_STORE_FAILURES] = {.name = "leat_store_failures_total",
                            .help = "Transactions of the store that failed."},
    [ROW_STORE_COMMIT] = {.name = "leat_store_commit_seconds",
                          .kind = METRIC_SECONDS,
                          .help = "Time to commit a transaction of the store."},
    [ROW_WEBHOOKS_PENDING] = {.name = "leat_webhooks_pending",
                              .kind = METRIC_GAUGE,
                              .help = "Webhooks with attempts left."},
    [ROW_WEBHOOK_ATTEMPTS] = {.name = "leat_webhook_attempts_total",
                              .help = "Calls made to webhook receivers."},
    [ROW_WEBHOOKS_DELIVERED] = {.name = WEBHOOKS,
                                .labels = "state=\"delivered\"",
                                .help = "Webhooks by how they ended."},
    [ROW_WEBHOOKS_EXHAUSTED] = HOOK_ROW("exhausted"),
    [ROW_WEBHOOKS_STOPPED] = HOOK_ROW("stopped"),
    [ROW_WEBHOOKS_UNRECORDED] = {.name = "leat_webhook_unrecorded_total",
                                 .help = "Outcomes that leat.webhooks did not take; "
                                         "written again after the next start."},
};

const size_t results_metric_count = ROW_COUNT;
