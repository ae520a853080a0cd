/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four fixed paths, plain text; /readyz says in words what it is waiting for, and with
 * ?verbose how far the replies topic has been read.
 */
#include "ingest/admin.h"

#include "base/metric.h"
#include "ingest/ingest.h"
#include "ingest/service.h"

enum { METRICS_BYTES_MAX = 16 * 1024 * 1024 };

static void
text_respond(struct http_exchange *x, int http_code, struct buf *body)
{
    static const struct http_header headers[] = {
        {"Content-Type", "text/plain; version=0.0.4; charset=utf-8"},
        {"Cache-Control", "no-store"},
    };
    http_respond(x, http_code, headers, sizeof(headers) / sizeof(headers[0]), body);
    buf_fini(body);
}

static void
readiness_respond(struct http_exchange *x,
                  const struct ingest *ingest,
                  struct buf *body)
{
    const char *waiting_for = "";
    bool ready = ingest_ready(ingest, &waiting_for);
    buf_append_format(body, "%s%s\n",
                      ready ? "ready" : "waiting for: ", ready ? "" : waiting_for);
    if (http_query(x, "verbose").data != NULL) {
        results_describe(ingest->results, body);
    }
    text_respond(x, ready ? 200 : 503, body);
}

void
admin_handle(void *arg, struct http_exchange *x)
{
    const struct ingest *ingest = arg;
    struct span path = http_path(x);
    struct buf body;
    buf_init(&body, METRICS_BYTES_MAX);
    if (http_method(x) != HTTP_GET && http_method(x) != HTTP_HEAD) {
        buf_append_text(&body, "only GET and HEAD\n");
        text_respond(x, 405, &body);
    } else if (span_is_text(path, "/metrics")) {
        metric_render(&body);
        text_respond(x, 200, &body);
    } else if (span_is_text(path, "/livez")) {
        buf_append_text(&body, "alive\n");
        text_respond(x, 200, &body);
    } else if (span_is_text(path, "/readyz") || span_is_text(path, "/startupz")) {
        readiness_respond(x, ingest, &body);
    } else {
        buf_append_text(&body, "no such page: /metrics /livez /readyz /startupz\n");
        text_respond(x, 404, &body);
    }
}
