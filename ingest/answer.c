/* SPDX-License-Identifier: Apache-2.0 */
/* Documents come from schemas/oip.h; here they get their code and headers. */
#include "ingest/answer.h"

#include "ingest/job_path.h"
#include "ingest/metrics.h"
#include "ingest/problem.h"
#include "ingest/remote_wait.h"
#include "schemas/codec.h"

#include <inttypes.h>
#include <stdio.h>

enum { DETAIL_SIZE = 1024, HEADERS_MAX = 6, QUEUED_BYTES = 128 };

static struct http_header
header(const char *name, const char *value)
{
    return (struct http_header){.name = name, .value = value};
}

static void
reply_problem(struct http_exchange *x, const struct reply *reply)
{
    static const enum status statuses[REPLY_STATUS_COUNT] = {
        [REPLY_CANCELED] = STATUS_CANCELED,
        [REPLY_EXPIRED] = STATUS_EXPIRED,
    };
    enum status status = statuses[reply->status];
    if (reply->status == REPLY_FAILED) {
        status = status_from_name(reply->error.code);
        status = status == STATUS_OK ? STATUS_INTERNAL : status;
    }
    const struct reply_error *error = &reply->error;
    char detail[DETAIL_SIZE];
    if (error->message.size > 0) {
        snprintf(detail, sizeof(detail), "%.*s%s%.*s", (int)error->stage.size,
                 (const char *)error->stage.data, error->stage.size > 0 ? ": " : "",
                 (int)error->message.size, (const char *)error->message.data);
    } else {
        snprintf(detail, sizeof(detail), "the request ended as %s",
                 reply_status_name(reply->status));
    }
    problem_respond(
        x, &(struct problem){.status = status, .detail = detail, .id = &reply->id});
}

static void
outputs_respond(struct http_exchange *x,
                const struct reply *reply,
                int64_t json_length,
                const char *preference,
                struct buf *body)
{
    char id[UUID_TEXT + 1] = {0};
    uuid_format(&reply->id, id);
    char length[24];
    struct http_header headers[HEADERS_MAX];
    size_t count = 0;
    headers[count++] = header("Leat-Id", id);
    headers[count++] = header("Cache-Control", "no-store");
    if (json_length == OIP_JSON_ONLY) {
        headers[count++] = header("Content-Type", "application/json");
    } else {
        snprintf(length, sizeof(length), "%" PRId64, json_length);
        headers[count++] = header("Content-Type", "application/octet-stream");
        headers[count++] = header("Inference-Header-Content-Length", length);
    }
    if (preference[0] != '\0') {
        headers[count++] = header("Preference-Applied", preference);
    }
    metric_add(&ingest_metrics[METRIC_SUCCEEDED], 1);
    http_respond(x, 200, headers, count, body);
}

void
answer_reply(struct http_exchange *x,
             const struct reply *reply,
             const struct oip_answer *wanted,
             const char *preference)
{
    if (reply->status != REPLY_SUCCEEDED) {
        reply_problem(x, reply);
        return;
    }
    struct buf body;
    buf_init(&body, ANSWER_BYTES_MAX);
    int64_t json_length = OIP_JSON_ONLY;
    oip_write_answer(reply, wanted, &body, &json_length);
    if (body.status == STATUS_OK) {
        outputs_respond(x, reply, json_length, preference, &body);
    } else {
        problem_respond(x, &(struct problem){.status = body.status,
                                             .detail = "the answer cannot be written",
                                             .id = &reply->id});
    }
    buf_fini(&body);
}

void
answer_record(struct http_exchange *x, const struct reply *reply)
{
    struct buf body;
    buf_init(&body, ANSWER_BYTES_MAX);
    reply_encode(reply, &body);
    const struct http_header type = header("Content-Type", REPLY_MEDIA_TYPE);
    if (body.status == STATUS_OK) {
        http_respond(x, 200, &type, 1, &body);
    } else {
        problem_respond(x, &(struct problem){.status = body.status,
                                             .detail = "no memory for the reply",
                                             .id = &reply->id});
    }
    buf_fini(&body);
}

void
answer_write_unrecorded(const struct uuid *id, const char *status, struct buf *body)
{
    char text[UUID_TEXT];
    uuid_format(id, text);
    buf_append_format(body, "{\"id\":\"%.*s\",\"status\":\"%s\"}", UUID_TEXT, text,
                      status);
}

void
answer_accepted(struct http_exchange *x, const struct uuid *id, const char *preference)
{
    struct buf body;
    buf_init(&body, QUEUED_BYTES);
    answer_write_unrecorded(id, reply_status_name(REPLY_QUEUED), &body);
    char location[JOB_PATH_SIZE];
    job_path_format(id, location);
    struct http_header headers[HEADERS_MAX];
    size_t count = 0;
    headers[count++] = header("Content-Type", "application/json");
    headers[count++] = header("Cache-Control", "no-store");
    headers[count++] = header("Location", location);
    headers[count++] = header("Leat-Id", location + sizeof(JOB_PATH_PREFIX) - 1);
    headers[count++] = header("Retry-After", "1");
    if (preference[0] != '\0') {
        headers[count++] = header("Preference-Applied", preference);
    }
    metric_add(&ingest_metrics[METRIC_ACCEPTED], 1);
    http_respond(x, 202, headers, count, &body);
    buf_fini(&body);
}

/* A job that is still under way says when to ask again. */
void
answer_job(struct http_exchange *x, bool terminal, struct buf *document)
{
    if (document->status != STATUS_OK) {
        problem_respond(x, &(struct problem){.status = document->status,
                                             .detail = "the job cannot be written"});
        return;
    }
    struct http_header headers[HEADERS_MAX];
    size_t count = 0;
    headers[count++] = header("Content-Type", "application/json");
    headers[count++] = header("Cache-Control", "no-store");
    if (!terminal) {
        headers[count++] = header("Retry-After", "1");
    }
    http_respond(x, 200, headers, count, document);
}

void
answer_unrecorded(struct http_exchange *x, const struct uuid *id, const char *status)
{
    struct buf body;
    buf_init(&body, QUEUED_BYTES);
    answer_write_unrecorded(id, status, &body);
    answer_job(x, false, &body);
    buf_fini(&body);
}

void
answer_json(struct http_exchange *x, int http_code, struct buf *body)
{
    if (body->status != STATUS_OK) {
        problem_respond(x, &(struct problem){.status = body->status,
                                             .detail = "the document is too large"});
        return;
    }
    const struct http_header headers[] = {{"Content-Type", "application/json"},
                                          {"Cache-Control", "no-store"}};
    http_respond(x, http_code, headers, sizeof(headers) / sizeof(headers[0]), body);
}

void
answer_static(struct http_exchange *x,
              const char *content_type,
              const void *bytes,
              size_t size)
{
    struct buf body;
    buf_init(&body, size);
    buf_append(&body, bytes, size);
    const struct http_header headers[] = {
        {"Content-Type", content_type},
        {"Cache-Control", "max-age=300"},
        {"X-Content-Type-Options", "nosniff"},
    };
    http_respond(x, 200, headers, sizeof(headers) / sizeof(headers[0]), &body);
    buf_fini(&body);
}
