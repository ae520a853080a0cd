/* SPDX-License-Identifier: Apache-2.0 */
/* @source Standard Webhooks 1.0.0, "Webhook payload": type, timestamp, data. */
#include "results/delivery.h"

#include "schemas/oip.h"

#include <string.h>
#include <time.h>

bool
delivery_is_wanted(const struct reply *reply)
{
    const struct webhook_target *target = &reply->webhook;
    if (target->url.size == 0 || !reply_is_terminal(reply)) {
        return false;
    }
    for (size_t i = 0; i < target->event_count; i++) {
        if (span_is_text(target->events[i], reply_status_name(reply->status))) {
            return true;
        }
    }
    return target->event_count == 0;
}

static void
write_time(int64_t wall_us, struct buf *b)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm utc;
    char text[32] = "";
    if (gmtime_r(&seconds, &utc) != NULL) {
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    }
    buf_append_format(b, "%s.%06dZ", text, (int)(wall_us % 1000000));
}

static void
write_document(const struct reply *reply, bool with_outputs, struct buf *b)
{
    oip_write_job(reply, reply_status_name(reply->status), with_outputs, b);
    if (with_outputs || reply->output_count == 0 || b->status != STATUS_OK) {
        return;
    }
    char id[UUID_TEXT];
    uuid_format(&reply->id, id);
    b->size--; /* the closing brace, to add a member */
    buf_append_format(b, ",\"outputs_path\":\"/v1/jobs/%.*s/result\"}", UUID_TEXT, id);
}

static void
write_event(const struct reply *reply,
            int64_t wall_us,
            bool with_outputs,
            struct buf *b)
{
    int64_t ended_us = reply->timing.completed_us;
    buf_append_format(b, "{\"type\":\"inference.%s\",\"timestamp\":\"",
                      reply_status_name(reply->status));
    write_time(ended_us > 0 ? ended_us : wall_us, b);
    buf_append_text(b, "\",\"data\":");
    write_document(reply, with_outputs, b);
    buf_append_byte(b, '}');
}

static size_t
output_bytes(const struct reply *reply)
{
    size_t bytes = 0;
    for (size_t i = 0; i < reply->output_count; i++) {
        bytes += reply->outputs[i].data.size;
    }
    return bytes;
}

void
delivery_write_body(const struct reply *reply, int64_t wall_us, struct buf *b)
{
    size_t start = b->size;
    bool with_outputs = output_bytes(reply) < DELIVERY_INLINE_MAX;
    if (with_outputs) {
        write_event(reply, wall_us, true, b);
        with_outputs = b->status == STATUS_OK && b->size - start < DELIVERY_INLINE_MAX;
    }
    if (!with_outputs) {
        b->size = start;
        b->status = STATUS_OK;
        write_event(reply, wall_us, false, b);
    }
}
