/* SPDX-License-Identifier: Apache-2.0 */
/* Topics and cluster from the operator's side: create, describe. Each call blocks. */
#ifndef BUS_ADMIN_H
#define BUS_ADMIN_H

#include "base/option.h"
#include "base/status.h"
#include "bus/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct admin;

struct topic_spec {
    const char *name;
    int32_t partitions;
    int32_t replication;           /* -1: the broker's default */
    const struct property *config; /* "cleanup.policy" and so on */
    size_t config_count;
};

struct topic_view {
    bool exists;
    int32_t partitions;
    int32_t replication;       /* of partition 0 */
    int32_t in_sync;           /* least over the partitions */
    int64_t retention_ms;      /* -1 = for ever; -2 = unknown */
    int64_t min_insync;        /* -2 = unknown */
    int64_t message_bytes_max; /* -2 = unknown */
    bool compacted;
};

/** @return STATUS_OK even with no broker yet; STATUS_INVALID for bad settings */
MUST_CHECK enum status
admin_create(struct admin **out, const struct bus_config *bus, struct fault *fault);
void admin_destroy(struct admin **admin);

/** Number of brokers answering. @return STATUS_OK; STATUS_UNAVAILABLE @blocks timeout
 */
MUST_CHECK enum status
admin_brokers(struct admin *admin, int64_t timeout_ns, int *count, struct fault *fault);

/**
 * Creates a topic.
 *
 * @return STATUS_OK; STATUS_CONFLICT if it exists (nothing is changed);
 *         STATUS_UNAVAILABLE; STATUS_INVALID with the broker's reason
 * @blocks up to timeout_ns
 */
MUST_CHECK enum status admin_create_topic(struct admin *admin,
                                          const struct topic_spec *spec,
                                          int64_t timeout_ns,
                                          struct fault *fault);

/** Describes a topic; exists = false is STATUS_OK. @blocks up to timeout_ns */
MUST_CHECK enum status admin_describe_topic(struct admin *admin,
                                            const char *name,
                                            int64_t timeout_ns,
                                            struct topic_view *view,
                                            struct fault *fault);

/** Committed offset and end of one partition for a group, for lag; -1 = none. */
MUST_CHECK enum status admin_lag(struct admin *admin,
                                 const char *group,
                                 const char *topic,
                                 int32_t partition,
                                 int64_t timeout_ns,
                                 int64_t *committed,
                                 int64_t *end);

#endif
