/* SPDX-License-Identifier: Apache-2.0 */
/* The three sources in their order, then the allow-list. */
#include "batcher/reply_route.h"

#include <string.h>

static bool
pattern_matches(struct span pattern, struct span topic)
{
    if (pattern.size > 0 && pattern.data[pattern.size - 1] == '*') {
        size_t prefix = pattern.size - 1;
        return topic.size >= prefix && memcmp(topic.data, pattern.data, prefix) == 0;
    }
    return span_equal(pattern, topic);
}

bool
reply_topic_allowed(const char *allow, struct span topic)
{
    while (allow != NULL && *allow != '\0') {
        allow += strspn(allow, ", ");
        size_t length = strcspn(allow, ", ");
        if (length > 0 && pattern_matches(span_of(allow, length), topic)) {
            return true;
        }
        allow += length;
    }
    return false;
}

static bool
read_partition(struct span bytes, int32_t *out)
{
    if (bytes.size != 4) {
        return false;
    }
    uint32_t value = (uint32_t)bytes.data[0] << 24 | (uint32_t)bytes.data[1] << 16 |
                     (uint32_t)bytes.data[2] << 8 | bytes.data[3];
    *out = (int32_t)(value & 0x7fffffff);
    return value <= 0x7fffffff;
}

enum status
reply_route(const struct reply_wish *wish,
            struct span replies,
            const char *allow,
            struct reply_route *out,
            struct fault *fault)
{
    *out = (struct reply_route){.partition = -1};
    struct span topic = wish->field.topic;
    int32_t partition = wish->field.partition < 0 ? -1 : wish->field.partition;
    if (topic.size == 0 && wish->header_topic.size == 0) {
        return STATUS_OK;
    }
    if (topic.size == 0) {
        topic = wish->header_topic;
        partition = -1;
        if (wish->header_partition.size > 0 &&
            !read_partition(wish->header_partition, &partition)) {
            return fault_set(fault, STATUS_INVALID,
                             "header kafka_replyPartition is not a 4-byte number");
        }
    }
    if (!span_equal(topic, replies) && !reply_topic_allowed(allow, topic)) {
        return fault_set(fault, STATUS_INVALID,
                         "reply topic %.*s is not allowed by reply.topics.allow",
                         (int)(topic.size < 120 ? topic.size : 120),
                         (const char *)topic.data);
    }
    *out = (struct reply_route){.topic = span_equal(topic, replies) ? span_of(NULL, 0)
                                                                    : topic,
                                .partition = partition};
    return STATUS_OK;
}
