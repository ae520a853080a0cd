/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page is ingest/dashboard.html, the document docs/openapi.json; both are put into
 * the program at build time (cmake/embed.cmake).
 */
#include "ingest/dashboard.h"

#include "base/clock.h"
#include "ingest/answer.h"
#include "ingest/embedded.h"
#include "ingest/service.h"

#include <inttypes.h>

enum { STATUS_BYTES_MAX = 4 * 1024 * 1024 };

static const char icon[] =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\">"
    "<path d=\"M1 5c3-3 5 3 8 0s5-1 6 0M1 11c3-3 5 3 8 0s5-1 6 0\" fill=\"none\" "
    "stroke=\"#1b7f9e\" stroke-width=\"2\" stroke-linecap=\"round\"/></svg>";

void
dashboard_get(struct ingest *ingest,
              struct http_exchange *x,
              const struct route_match *match)
{
    (void)ingest;
    (void)match;
    answer_static(x, "text/html; charset=utf-8", embedded_dashboard,
                  embedded_dashboard_size);
}

void
dashboard_get_icon(struct ingest *ingest,
                   struct http_exchange *x,
                   const struct route_match *match)
{
    (void)ingest;
    (void)match;
    answer_static(x, "image/svg+xml", icon, sizeof(icon) - 1);
}

void
dashboard_get_openapi(struct ingest *ingest,
                      struct http_exchange *x,
                      const struct route_match *match)
{
    (void)ingest;
    (void)match;
    answer_static(x, "application/json", embedded_openapi, embedded_openapi_size);
}

static void
inputs_write(const struct model_info *info, struct buf *body)
{
    buf_append_text(body, ",\"inputs\":[");
    for (size_t i = 0; i < info->input_count; i++) {
        const struct tensor_spec *input = &info->inputs[i];
        buf_append_text(body, i == 0 ? "{\"name\":" : ",{\"name\":");
        oip_write_text(input->name, body);
        buf_append_format(body, ",\"datatype\":\"%s\",\"shape\":[",
                          datatype_name(input->datatype));
        for (uint32_t j = 0; j < input->rank; j++) {
            buf_append_format(body, "%s%" PRId64, j == 0 ? "" : ",", input->shape[j]);
        }
        buf_append_text(body, "]}");
    }
    buf_append_text(body, "]");
}

/* Why it is as it is, or why a newer version of it does not serve. */
static struct span
trouble_of(const struct catalogue_model *model,
           const struct model_info *serving,
           int64_t now_us)
{
    enum { VERSIONS_MAX = 64 };
    struct span versions[VERSIONS_MAX];
    size_t count = catalogue_versions(model, versions, VERSIONS_MAX);
    for (size_t i = count; i > 0 && serving->reason.size == 0; i--) {
        const struct model_info *info =
            catalogue_version(model, versions[i - 1], now_us, NULL);
        if (info != NULL && info->state == MODEL_FAILED) {
            return info->reason;
        }
    }
    return serving->reason;
}

static void
labels_write(const struct catalogue_model *model, int64_t now_us, struct buf *body)
{
    struct oip_label labels[CATALOGUE_LABELS_MAX];
    size_t count = catalogue_labels(model, now_us, labels, CATALOGUE_LABELS_MAX);
    buf_append_text(body, ",\"labels\":");
    oip_write_labels(labels, count, body);
}

static void
models_write(const struct ingest *ingest, struct buf *body)
{
    const struct catalogue *catalogue = models_topic_catalogue(ingest->models);
    const char *separator = "";
    int64_t now_us = clock_wall_us();
    buf_append_text(body, "\"models\":[");
    for (size_t i = 0; i < catalogue_count(catalogue); i++) {
        const struct catalogue_model *model = catalogue_at(catalogue, i);
        bool ready = false;
        const struct model_info *info =
            catalogue_version(model, (struct span){0}, now_us, &ready);
        if (info == NULL) {
            continue;
        }
        buf_append_format(body, "%s{\"name\":", separator);
        oip_write_text(model->name, body);
        buf_append_text(body, ",\"version\":");
        oip_write_text(info->version, body);
        labels_write(model, now_us, body);
        buf_append_text(body, ",\"platform\":");
        oip_write_text(info->platform, body);
        buf_append_format(body,
                          ",\"ready\":%s,\"state\":\"%s\",\"max_batch_size\":%" PRId32
                          ",\"served_by\":%zu",
                          ready ? "true" : "false", model_state_name(info->state),
                          info->max_batch_size, catalogue_serving(model, now_us));
        buf_append_format(
            body, ",\"memory_bytes\":%" PRId64 ",\"reason\":", info->memory_bytes);
        oip_write_text(trouble_of(model, info, now_us), body);
        inputs_write(info, body);
        buf_append_text(body, "}");
        separator = ",";
    }
    buf_append_text(body, "]");
}

void
dashboard_get_status(struct ingest *ingest,
                     struct http_exchange *x,
                     const struct route_match *match)
{
    (void)match;
    const char *waiting_for = "";
    bool ready = ingest_ready(ingest, &waiting_for);
    struct buf body;
    buf_init(&body, STATUS_BYTES_MAX);
    buf_append_format(&body,
                      "{\"version\":\"" LEAT_VERSION "\",\"ready\":%s,\"waiting_for\":",
                      ready ? "true" : "false");
    oip_write_text(span_of_text(ready ? "" : waiting_for), &body);
    buf_append_format(&body,
                      ",\"inflight\":{\"requests\":%zu,\"bytes\":%zu},"
                      "\"connections\":%zu,",
                      ingest->admission.all.requests, ingest->admission.all.bytes,
                      http_server_connections(ingest->http));
    models_write(ingest, &body);
    buf_append_text(&body, ",");
    pulse_write(ingest->pulse, loop_now(ingest->loop), &body);
    buf_append_text(&body, "}");
    answer_json(x, 200, &body);
    buf_fini(&body);
}
