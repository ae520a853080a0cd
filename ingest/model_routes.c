/* SPDX-License-Identifier: Apache-2.0 */
/* Everything here is read from the catalogue. */
#include "ingest/model_routes.h"

#include "base/clock.h"
#include "ingest/answer.h"
#include "ingest/problem.h"
#include "ingest/service.h"
#include "schemas/json_read.h"

#include <stdio.h>

enum { DOCUMENT_BYTES_MAX = 16 * 1024 * 1024, VERSIONS_MAX = 64 };

static void
document_respond(struct http_exchange *x, int http_code, struct buf *body)
{
    answer_json(x, http_code, body);
    buf_fini(body);
}

void
server_get(struct ingest *ingest,
           struct http_exchange *x,
           const struct route_match *match)
{
    (void)ingest;
    (void)match;
    struct buf body;
    buf_init(&body, DOCUMENT_BYTES_MAX);
    buf_append_text(
        &body, "{\"name\":\"leat\",\"version\":\"" LEAT_VERSION
               "\",\"extensions\":[\"binary_tensor_data\","
               "\"model_configuration\",\"schedule_policy\",\"model_repository\"]}");
    document_respond(x, 200, &body);
}

static void
health_respond(struct http_exchange *x, bool ready, int http_code)
{
    struct buf body;
    buf_init(&body, DOCUMENT_BYTES_MAX);
    buf_append_format(&body, "{\"live\":true,\"ready\":%s}", ready ? "true" : "false");
    document_respond(x, http_code, &body);
}

void
server_get_live(struct ingest *ingest,
                struct http_exchange *x,
                const struct route_match *match)
{
    (void)match;
    const char *waiting_for = NULL;
    health_respond(x, ingest_ready(ingest, &waiting_for), 200);
}

void
server_get_ready(struct ingest *ingest,
                 struct http_exchange *x,
                 const struct route_match *match)
{
    (void)match;
    const char *waiting_for = NULL;
    bool ready = ingest_ready(ingest, &waiting_for);
    health_respond(x, ready, ready ? 200 : 503);
}

void
models_get(struct ingest *ingest,
           struct http_exchange *x,
           const struct route_match *match)
{
    (void)match;
    const struct catalogue *catalogue = models_topic_catalogue(ingest->models);
    struct buf body;
    buf_init(&body, DOCUMENT_BYTES_MAX);
    buf_append_text(&body, "{\"models\":[");
    const char *separator = "";
    for (size_t i = 0; i < catalogue_count(catalogue); i++) {
        const struct catalogue_model *model = catalogue_at(catalogue, i);
        if (model->entry_count > 0) {
            buf_append_text(&body, separator);
            oip_write_text(model->name, &body);
            separator = ",";
        }
    }
    buf_append_text(&body, "]}");
    document_respond(x, 200, &body);
}

struct found {
    const struct catalogue_model *model;
    const struct model_info *info;
    bool ready;
};

/* Finds what the path names, or answers that there is no such thing. */
static bool
model_found(struct ingest *ingest,
            struct http_exchange *x,
            const struct route_match *match,
            struct found *found)
{
    *found = (struct found){0};
    found->model = catalogue_find(models_topic_catalogue(ingest->models), match->model);
    if (found->model != NULL) {
        found->info = catalogue_version(found->model, match->version, clock_wall_us(),
                                        &found->ready);
    }
    if (found->info != NULL) {
        return true;
    }
    struct fault fault;
    if (!models_topic_caught_up(ingest->models)) {
        fault_set(&fault, STATUS_UNAVAILABLE,
                  "the catalogue of models is still being read");
    } else if (found->model == NULL) {
        fault_set(&fault, STATUS_NOT_FOUND, "model %.*s is not known",
                  (int)match->model.size, (const char *)match->model.data);
    } else {
        fault_set(&fault, STATUS_NOT_FOUND, "model %.*s has no version or label %.*s",
                  (int)match->model.size, (const char *)match->model.data,
                  (int)match->version.size, (const char *)match->version.data);
    }
    problem_respond_fault(x, &fault);
    return false;
}

void
model_get(struct ingest *ingest,
          struct http_exchange *x,
          const struct route_match *match)
{
    struct found found;
    if (!model_found(ingest, x, match, &found)) {
        return;
    }
    struct span versions[VERSIONS_MAX];
    struct oip_label labels[CATALOGUE_LABELS_MAX];
    struct oip_names names = {.versions = versions, .labels = labels};
    names.version_count = catalogue_versions(found.model, versions, VERSIONS_MAX);
    names.label_count =
        catalogue_labels(found.model, clock_wall_us(), labels, CATALOGUE_LABELS_MAX);
    struct buf body;
    buf_init(&body, DOCUMENT_BYTES_MAX);
    oip_write_model(found.info, &names, &body);
    document_respond(x, 200, &body);
}

void
model_get_ready(struct ingest *ingest,
                struct http_exchange *x,
                const struct route_match *match)
{
    struct found found;
    if (!model_found(ingest, x, match, &found)) {
        return;
    }
    struct buf body;
    buf_init(&body, DOCUMENT_BYTES_MAX);
    buf_append_text(&body, "{\"name\":");
    oip_write_text(found.info->model, &body);
    buf_append_format(&body, ",\"ready\":%s}", found.ready ? "true" : "false");
    document_respond(x, found.ready ? 200 : 503, &body);
}

void
model_get_config(struct ingest *ingest,
                 struct http_exchange *x,
                 const struct route_match *match)
{
    struct found found;
    if (!model_found(ingest, x, match, &found)) {
        return;
    }
    struct buf body;
    buf_init(&body, DOCUMENT_BYTES_MAX);
    oip_write_config(found.info, &body);
    document_respond(x, 200, &body);
}

/* In the words of Triton's index. */
static const char *
index_state(const struct model_info *info, bool ready)
{
    if (info->state == MODEL_LOADING) {
        return "LOADING";
    }
    return ready && info->state == MODEL_READY ? "READY" : "UNAVAILABLE";
}

/* Those that lead to the version, if there are any. */
static void
index_write_labels(const struct catalogue_model *model,
                   struct span version,
                   struct buf *body)
{
    struct oip_label labels[CATALOGUE_LABELS_MAX];
    size_t count =
        catalogue_labels(model, clock_wall_us(), labels, CATALOGUE_LABELS_MAX);
    size_t written = 0;
    for (size_t i = 0; i < count; i++) {
        if (span_equal(labels[i].version, version)) {
            buf_append_text(body, written == 0 ? ",\"labels\":[" : ",");
            oip_write_text(labels[i].name, body);
            written++;
        }
    }
    buf_append_text(body, written > 0 ? "]" : "");
}

static void
index_write(const struct catalogue_model *model,
            const struct model_info *info,
            bool ready,
            struct buf *body)
{
    buf_append_text(body, body->size > 1 ? ",{\"name\":" : "{\"name\":");
    oip_write_text(model->name, body);
    buf_append_text(body, ",\"version\":");
    oip_write_text(info->version, body);
    buf_append_format(body, ",\"state\":\"%s\",\"reason\":", index_state(info, ready));
    bool silent = !ready && info->reason.size == 0;
    oip_write_text(silent ? span_of_text("no batcher serves it now") : info->reason,
                   body);
    index_write_labels(model, info->version, body);
    buf_append_text(body, "}");
}

/* Whether only what is ready is asked for: {"ready": true}. */
static enum status
index_read(struct ingest *ingest,
           struct http_exchange *x,
           bool *only_ready,
           struct fault *fault)
{
    struct span body = http_body(x);
    *only_ready = false;
    if (body.size == 0) {
        return STATUS_OK;
    }
    struct json_read j;
    struct span key;
    json_read_init(&j, body, &ingest->arena, fault);
    json_read_enter(&j, VALUE_OBJECT);
    while (json_read_member(&j, &key)) {
        if (span_is_text(key, "ready")) {
            *only_ready = json_read_bool(&j);
        } else {
            json_read_skip(&j);
        }
    }
    json_read_finish(&j);
    return j.status;
}

void
repository_post_index(struct ingest *ingest,
                      struct http_exchange *x,
                      const struct route_match *match)
{
    (void)match;
    const struct catalogue *catalogue = models_topic_catalogue(ingest->models);
    struct fault fault = {.text = ""};
    bool only_ready;
    enum status status = index_read(ingest, x, &only_ready, &fault);
    if (status != STATUS_OK) {
        fault.status = status;
        problem_respond_fault(x, &fault);
        return;
    }
    struct buf body;
    buf_init(&body, DOCUMENT_BYTES_MAX);
    buf_append_text(&body, "[");
    for (size_t i = 0; i < catalogue_count(catalogue); i++) {
        const struct catalogue_model *model = catalogue_at(catalogue, i);
        struct span versions[VERSIONS_MAX];
        size_t count = catalogue_versions(model, versions, VERSIONS_MAX);
        for (size_t j = 0; j < count; j++) {
            bool ready = false;
            const struct model_info *info =
                catalogue_version(model, versions[j], clock_wall_us(), &ready);
            if (!only_ready || (ready && info->state == MODEL_READY)) {
                index_write(model, info, ready, &body);
            }
        }
    }
    buf_append_text(&body, "]");
    document_respond(x, 200, &body);
}
