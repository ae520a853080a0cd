/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's own id of a line travels behind the batch's in batch_id, which the
 * batcher copies to the answer.
 */
#include "ingest/bulk_line.h"

#include "base/clock.h"
#include "ingest/service.h"
#include "ingest/timeout.h"
#include "schemas/codec.h"

#include <stdio.h>
#include <string.h>

enum { OWN_ID_MAX = NAME_MAX_BYTES - UUID_TEXT - 1, US_PER_MS = 1000 };

static enum status
check_own_id(const struct bulk_line *line, struct fault *fault)
{
    struct span id = line->body.id;
    if (id.size > OWN_ID_MAX) {
        return fault_set(fault, STATUS_INVALID, "id: over %d bytes", OWN_ID_MAX);
    }
    return STATUS_OK;
}

static enum status
find_model(struct ingest *ingest,
           const struct bulk_terms *terms,
           struct bulk_line *line,
           struct fault *fault)
{
    bool named = line->body.model.size > 0;
    struct span name = named ? line->body.model : terms->model;
    struct span version = named ? line->body.model_version : terms->version;
    if (name.size == 0) {
        return fault_set(fault, STATUS_INVALID,
                         "model: missing, in the line and in ?model=");
    }
    line->model_name = name;
    line->model = catalogue_find(models_topic_catalogue(ingest->models), name);
    if (line->model == NULL) {
        return fault_set(fault, STATUS_NOT_FOUND, "model %.*s is not known",
                         (int)name.size, (const char *)name.data);
    }
    line->info = catalogue_version(line->model, version, clock_wall_us(), NULL);
    line->body.model_version = version;
    if (line->info == NULL) {
        return fault_set(fault, STATUS_NOT_FOUND,
                         "model %.*s has no version or label %.*s", (int)name.size,
                         (const char *)name.data, (int)version.size,
                         (const char *)version.data);
    }
    return STATUS_OK;
}

/* What holds for lines and rows alike. */
static enum status
check(struct bulk_line *line, struct fault *fault)
{
    int64_t rows = 0;
    enum status status = check_own_id(line, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (line->body.webhook.url.size > 0) {
        return fault_set(fault, STATUS_UNSUPPORTED,
                         "webhook: not for lines of a batch");
    }
    return oip_check_model(&line->body, line->info, &rows, fault);
}

enum status
bulk_line_read(struct ingest *ingest,
               const struct bulk_terms *terms,
               const struct bulk_item *item,
               struct bulk_line *line,
               struct fault *fault)
{
    line->model_name = terms->model;
    if (item->kind == BULK_OVERLONG) {
        return fault_set(fault, STATUS_TOO_LARGE,
                         "the line has over %lld bytes (http.body.max)",
                         (long long)ingest->config.body_bytes_max);
    }
    enum status status = oip_read_request(item->text, OIP_JSON_ONLY, true,
                                          &ingest->arena, &line->body, fault);
    if (status != STATUS_OK) {
        line->body = (struct oip_request){0};
        return status;
    }
    status = find_model(ingest, terms, line, fault);
    return status == STATUS_OK ? check(line, fault) : status;
}

enum status
bulk_line_read_row(struct ingest *ingest,
                   const struct bulk_terms *terms,
                   struct bulk_source *source,
                   struct bulk_line *line,
                   struct fault *fault)
{
    static const struct model_info unknown; /* the row has to be read all the same */
    struct span version = terms->version;
    enum status known = find_model(ingest, terms, line, fault);
    struct fault of_row;
    enum status status =
        bulk_source_row(source, known == STATUS_OK ? line->info : &unknown,
                        &ingest->arena, &line->body, &of_row);
    line->body.model_version = version;
    if (status != STATUS_OK) {
        return fault_set(fault, status, "%s", of_row.text);
    }
    return known == STATUS_OK ? check(line, fault) : known;
}

/* @return the text in `text` */
static struct span
batch_id(const struct bulk_terms *terms,
         const struct bulk_line *line,
         char text[static NAME_MAX_BYTES])
{
    struct span own = line->body.id;
    own.size = own.size <= OWN_ID_MAX ? own.size : 0;
    uuid_format(&terms->batch, text);
    if (own.size == 0) {
        return span_of(text, UUID_TEXT);
    }
    text[UUID_TEXT] = ':';
    memcpy(text + UUID_TEXT + 1, own.data, own.size);
    return span_of(text, UUID_TEXT + 1 + own.size);
}

void
bulk_line_encode(const struct bulk_terms *terms,
                 const struct bulk_line *line,
                 int64_t wall_us,
                 struct buf *b)
{
    const struct oip_request *body = &line->body;
    char text[NAME_MAX_BYTES];
    int64_t timeout_ms = timeout_shortest_ms(0, body);
    const struct request r = {
        .id = line->id,
        .model = line->model->name,
        .model_version = body->model_version,
        .inputs = body->inputs,
        .input_count = body->input_count,
        .outputs = body->outputs,
        .output_count = body->output_count,
        .parameters = body->parameters,
        .parameter_count = body->parameter_count,
        .tenant = terms->tenant,
        .batch_id = batch_id(terms, line, text),
        .priority = body->priority,
        .submitted_us = wall_us,
        .deadline_ms = timeout_ms > 0 ? wall_us / US_PER_MS + timeout_ms : 0,
    };
    request_encode(&r, b);
}

void
bulk_line_encode_failed(const struct bulk_terms *terms,
                        const struct bulk_line *line,
                        const struct fault *fault,
                        int64_t wall_us,
                        struct buf *b)
{
    struct span name = line->model_name;
    bool named = name.size > 0 && name.size <= NAME_MAX_BYTES;
    char text[NAME_MAX_BYTES];
    const struct reply r = {
        .id = line->id,
        .model = named ? name : span_of_text("unknown"),
        .status = REPLY_FAILED,
        .error = {.code = span_of_text(status_name(fault->status)),
                  .message = span_of_text(fault->text),
                  .stage = span_of_text("line")},
        .timing = {.submitted_us = wall_us, .completed_us = wall_us},
        .tenant = terms->tenant,
        .batch_id = batch_id(terms, line, text),
    };
    reply_encode(&r, b);
}
