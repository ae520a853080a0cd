/* SPDX-License-Identifier: Apache-2.0 */
/* Adds to what schemas/oip_write_job.c makes of the record, before its closing brace.
 */
#include "ingest/job_document.h"

#include "base/clock.h"
#include "ingest/job_path.h"
#include "ingest/running.h"
#include "ingest/service.h"
#include "schemas/oip.h"

#include <inttypes.h>

void
job_place_of(struct ingest *ingest,
             const struct reply *reply,
             struct backlog_place *place)
{
    backlog_place_of(ingest->backlog, reply->model, reply->timing.submitted_us, place);
}

static void
write_count(struct buf *out, const char *name, int64_t count)
{
    if (count < 0) {
        buf_append_format(out, ",\"%s\":null", name);
    } else {
        buf_append_format(out, ",\"%s\":%" PRId64, name, count);
    }
}

static void
write_place(struct buf *out, const struct backlog_place *place)
{
    write_count(out, "position", place->position);
    write_count(out, "estimate_ms",
                place->wait_ns < 0 ? -1 : place->wait_ns / NS_PER_MS);
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
job_document_write(struct ingest *ingest,
                   const struct reply *reply,
                   const struct backlog_place *place,
                   size_t outputs_most,
                   struct buf *out)
{
    bool with_outputs = output_bytes(reply) <= outputs_most;
    bool ended = reply_is_terminal(reply);
    bool running = !ended && job_is_running(ingest, &reply->id);
    const char *status =
        running ? STATUS_TEXT_RUNNING : reply_status_name(reply->status);
    oip_write_job(reply, status, with_outputs, out);
    if (out->status != STATUS_OK) {
        return;
    }
    out->size--; /* the closing brace, to add members */
    if (!with_outputs) {
        char path[JOB_PATH_SIZE];
        job_path_format(&reply->id, path);
        buf_append_format(out, ",\"outputs_path\":\"%s/result\"", path);
    }
    if (!ended && !running) {
        write_place(out, place);
    }
    struct webhook_view webhook;
    if (results_webhook(ingest->results, &reply->id, &webhook) == STATUS_OK) {
        buf_append_format(out,
                          ",\"webhook\":{\"state\":\"%s\",\"attempts\":%" PRId64 "}",
                          webhook_state_name(webhook.state), webhook.attempts);
    }
    buf_append_byte(out, '}');
}
