/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The topics of DESIGN section 4 with the settings they want: what `topics create`
 * makes, `dev` makes on the in-process broker and `doctor` compares with. Pure.
 */
#ifndef CLI_TOPIC_PLAN_H
#define CLI_TOPIC_PLAN_H

#include "base/arena.h"
#include "base/option.h"
#include "base/status.h"
#include "bus/admin.h"
#include "bus/config.h"

#include <stddef.h>
#include <stdint.h>

struct topic_sizes {
    int64_t request_partitions; /* topics.requests.partitions */
    int64_t
        reply_partitions; /* topics.replies.partitions; the webhooks topic the same */
    int64_t replication;  /* topics.replication; -1 = the broker's default */
    int64_t request_retention_ns; /* topics.requests.retention */
    int64_t reply_retention_ns;   /* topics.replies.retention */
    int64_t message_bytes_max;    /* topics.message.max */
};

struct topic_plan {
    struct topic_spec *specs;
    size_t count;
};

extern const struct option topic_options[];
extern const size_t topic_option_count;

/**
 * Plans the topics for some models.
 *
 * @param[out] out in the arena, with their names and settings
 * @return STATUS_OK; STATUS_INVALID for a model name that no topic can carry (the fault
 *         names it); STATUS_NO_MEMORY
 */
MUST_CHECK enum status topic_plan(const struct bus_config *bus,
                                  const struct topic_sizes *sizes,
                                  const char *const *models,
                                  size_t model_count,
                                  struct arena *arena,
                                  struct topic_plan *out,
                                  struct fault *fault);

#endif
