/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the answer to a request goes: the reply_to of the record, else Spring's headers
 * kafka_replyTopic and kafka_replyPartition, else the replies topic. Other topics than
 * that one must be on the allow-list, or anyone who can produce a request could make us
 * write anywhere. Pure.
 */
#ifndef BATCHER_REPLY_ROUTE_H
#define BATCHER_REPLY_ROUTE_H

#include "base/span.h"
#include "base/status.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stdint.h>

/** What a request says about its answer. */
struct reply_wish {
    struct reply_to field;        /* of the record */
    struct span header_topic;     /* kafka_replyTopic; size 0 = absent */
    struct span header_partition; /* kafka_replyPartition, 4 bytes big-endian */
};

struct reply_route {
    struct span topic; /* size 0: the replies topic */
    int32_t partition; /* -1: by key */
};

/**
 * @param[in] replies the name of the replies topic, always allowed
 * @param[in] allow   names or prefix*, comma-separated; NULL = none
 * @return STATUS_OK; STATUS_INVALID with the reason
 */
MUST_CHECK enum status reply_route(const struct reply_wish *wish,
                                   struct span replies,
                                   const char *allow,
                                   struct reply_route *out,
                                   struct fault *fault);

/** Whether a name is on the list. */
bool reply_topic_allowed(const char *allow, struct span topic);

#endif
