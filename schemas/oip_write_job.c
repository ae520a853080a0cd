/* SPDX-License-Identifier: Apache-2.0 */
/* The job document of GET /v1/jobs/{id}. */
#include "schemas/oip_write.h"

#include <time.h>

#define US_PER_S  1000000LL
#define US_PER_MS 1000LL

static void
write_member(struct buf *b, const char *name, struct span text)
{
    oip_write_key(b, name);
    oip_write_text(text, b);
    buf_append_byte(b, ',');
}

static void
write_null(struct buf *b, const char *name)
{
    oip_write_key(b, name);
    buf_append_text(b, "null,");
}

/** ISO 8601 in UTC with microseconds; null for 0 and for what no calendar holds. */
static void
write_time(struct buf *b, const char *name, int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / US_PER_S);
    struct tm when;
    char day[24];
    if (wall_us <= 0 || gmtime_r(&seconds, &when) == NULL ||
        strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &when) == 0) {
        write_null(b, name);
        return;
    }
    oip_write_key(b, name);
    buf_append_format(b, "\"%s.%06lldZ\",", day, (long long)(wall_us % US_PER_S));
}

/** Milliseconds from one moment to another; null unless both happened, in order. */
static void
write_span_ms(struct buf *b, const char *name, int64_t from_us, int64_t to_us)
{
    if (from_us <= 0 || to_us < from_us) {
        write_null(b, name);
        return;
    }
    int64_t us = to_us - from_us;
    oip_write_key(b, name);
    oip_write_number(b, us / US_PER_MS);
    buf_append_format(b, ".%03lld,", (long long)(us % US_PER_MS));
}

static void
write_error(struct buf *b, const struct reply_error *error)
{
    oip_write_key(b, "error");
    if (error->code.size == 0) {
        buf_append_text(b, "null");
        return;
    }
    buf_append_byte(b, '{');
    write_member(b, "code", error->code);
    write_member(b, "message", error->message);
    oip_write_key(b, "stage");
    oip_write_text(error->stage, b);
    buf_append_byte(b, '}');
}

static void
write_outputs(struct buf *b, const struct reply *reply)
{
    buf_append_byte(b, ',');
    oip_write_key(b, "outputs");
    buf_append_byte(b, '[');
    for (size_t i = 0; i < reply->output_count; i++) {
        if (i > 0) {
            buf_append_byte(b, ',');
        }
        oip_write_tensor(&reply->outputs[i], false, b);
    }
    buf_append_byte(b, ']');
}

void
oip_write_job(const struct reply *reply,
              const char *status,
              bool with_outputs,
              struct buf *b)
{
    const struct reply_timing *timing = &reply->timing;
    char id[UUID_TEXT];
    uuid_format(&reply->id, id);
    buf_append_byte(b, '{');
    write_member(b, "id", span_of(id, UUID_TEXT));
    write_member(b, "status", span_of_text(status));
    write_member(b, "model", reply->model);
    if (reply->model_version.size > 0) {
        write_member(b, "model_version", reply->model_version);
    } else {
        write_null(b, "model_version");
    }
    write_time(b, "submitted_at", timing->submitted_us);
    write_time(b, "started_at", timing->started_us);
    write_time(b, "completed_at", timing->completed_us);
    write_span_ms(b, "queue_ms", timing->submitted_us, timing->started_us);
    write_span_ms(b, "run_ms", timing->started_us, timing->completed_us);
    oip_write_key(b, "batch_size");
    oip_write_number(b, reply->batch_size);
    buf_append_byte(b, ',');
    oip_write_key(b, "attempt");
    oip_write_number(b, reply->attempt);
    buf_append_byte(b, ',');
    write_error(b, &reply->error);
    if (with_outputs) {
        write_outputs(b, reply);
    }
    buf_append_byte(b, '}');
}
