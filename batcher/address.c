/* SPDX-License-Identifier: Apache-2.0 */
#include "batcher/address.h"

#include "batcher/reply.h"
#include "batcher/reply_route.h"

#include <string.h>

#define HEADER_SPRING_TOPIC     "kafka_replyTopic"
#define HEADER_SPRING_PARTITION "kafka_replyPartition"

/* Headers that belong to the caller and come back with the answer. */
static const char *const answer_headers[] = {"traceparent", "tracestate",
                                             "kafka_correlationId"};
/* In addition, those that the next step of a route needs. */
static const char *const route_headers[] = {HEADER_SPRING_TOPIC,
                                            HEADER_SPRING_PARTITION};

enum { COPIED_HEADERS_MAX = 8 };

static bool
name_is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

void
address_reset(struct item *it)
{
    it->destination = (struct destination){
        .topic = it->replier->replies, .partition = PARTITION_BY_KEY, .is_ours = true};
}

enum status
address_find(struct item *it, struct fault *fault)
{
    const struct replier *r = it->replier;
    address_reset(it);
    struct reply_wish wish = {.field = it->request.reply_to};
    const char *name;
    struct span value;
    for (size_t i = 0; record_header_at(it->record, i, &name, &value) == STATUS_OK;
         i++) {
        if (strcmp(name, HEADER_SPRING_TOPIC) == 0) {
            wish.header_topic = value;
        } else if (strcmp(name, HEADER_SPRING_PARTITION) == 0) {
            wish.header_partition = value;
        }
    }
    struct reply_route route;
    enum status status =
        reply_route(&wish, span_of_text(r->replies_name), r->allow, &route, fault);
    if (status != STATUS_OK) {
        return status;
    }
    it->destination.partition = route.partition;
    if (route.topic.size == 0) {
        return STATUS_OK;
    }
    const char *topic = arena_text(&it->arena, route.topic);
    if (topic == NULL ||
        outbox_topic(r->outbox, topic, &it->destination.topic) != STATUS_OK) {
        address_reset(it);
        return fault_set(fault, STATUS_INVALID, "reply topic has no valid name");
    }
    it->destination.is_ours = false;
    return STATUS_OK;
}

/* Most records have none. */
void
address_headers(struct item *it, bool for_route)
{
    struct outgoing *out = &it->answer.record;
    struct record_header h;
    struct record_header *headers = NULL;
    out->headers = NULL;
    out->header_count = 0;
    for (size_t i = 0; out->header_count < COPIED_HEADERS_MAX &&
                       record_header_at(it->record, i, &h.name, &h.value) == STATUS_OK;
         i++) {
        bool wanted =
            name_is_one_of(h.name, answer_headers,
                           sizeof answer_headers / sizeof *answer_headers) ||
            (for_route && name_is_one_of(h.name, route_headers,
                                         sizeof route_headers / sizeof *route_headers));
        if (!wanted) {
            continue;
        }
        if (headers == NULL) {
            headers = arena_array(&it->arena, COPIED_HEADERS_MAX, sizeof *headers);
        }
        if (headers == NULL) {
            return;
        }
        out->headers = headers;
        headers[out->header_count++] = h;
    }
}
