/* SPDX-License-Identifier: Apache-2.0 */
/* Four fixed paths, plain text; /readyz says in words what it is waiting for. */
#include "batcher/admin_page.h"

#include "batcher/batcher.h"

enum { METRICS_BYTES_MAX = 16 * 1024 * 1024 };

static int
page_write(struct batcher *b, struct http_exchange *x, struct buf *body)
{
    struct span path = http_path(x);
    const char *waiting_for = "";
    if (http_method(x) != HTTP_GET && http_method(x) != HTTP_HEAD) {
        buf_append_text(body, "only GET and HEAD\n");
        return 405;
    }
    if (span_is_text(path, "/metrics")) {
        batcher_write_metrics(b, body);
        return 200;
    }
    if (span_is_text(path, "/livez")) {
        buf_append_text(body, "alive\n");
        return 200;
    }
    if (!span_is_text(path, "/readyz") && !span_is_text(path, "/startupz")) {
        buf_append_text(body, "no such page: /metrics /livez /readyz /startupz\n");
        return 404;
    }
    if (batcher_ready(b, &waiting_for)) {
        buf_append_text(body, "ready\n");
        return 200;
    }
    buf_append_format(body, "waiting for: %s\n", waiting_for);
    return 503;
}

void
admin_page(void *arg, struct http_exchange *x)
{
    static const struct http_header headers[] = {
        {"Content-Type", "text/plain; version=0.0.4; charset=utf-8"},
        {"Cache-Control", "no-store"},
    };
    struct buf body;
    buf_init(&body, METRICS_BYTES_MAX);
    int code = page_write(arg, x, &body);
    http_respond(x, code, headers, sizeof headers / sizeof headers[0], &body);
    buf_fini(&body);
}
