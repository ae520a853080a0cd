/* SPDX-License-Identifier: Apache-2.0 */
/* The demo's third way: a small receiver of its own, and the signed webhook that comes.
 */
#include "base/http_server.h"
#include "cli/demo.h"

#include <stdio.h>
#include <string.h>

struct receiver {
    size_t received;
    bool signed_; /* all three headers of Standard Webhooks were there */
    char id[80];
    char body[1024];
};

static void
copy_text(char *out, size_t size, struct span text)
{
    snprintf(out, size, "%.*s", (int)text.size, (const char *)text.data);
}

static void
webhook_came(void *arg, struct http_exchange *x)
{
    struct receiver *r = arg;
    r->received++;
    struct span id = http_header(x, "webhook-id");
    r->signed_ = id.size > 0 && http_header(x, "webhook-timestamp").size > 0 &&
                 http_header(x, "webhook-signature").size > 0;
    copy_text(r->id, sizeof(r->id), id);
    copy_text(r->body, sizeof(r->body), http_body(x));
    http_respond(x, 204, NULL, 0, NULL);
}

struct submitted {
    size_t answers;
    int code;
};

static void
submit_answered(void *arg, const struct http_answer *answer)
{
    struct submitted *s = arg;
    s->answers++;
    s->code = answer->status == STATUS_OK ? answer->code : 0;
    if (s->code != 202) {
        fprintf(stderr, "leat demo: %d %.*s\n", s->code, (int)answer->body.size,
                (const char *)answer->body.data);
    }
}

/* The event and the outputs; what lies between is the job document. */
static void
show_body(const char *body)
{
    enum { HEAD = 29, TAIL = 64 };
    const char *outputs = strstr(body, "\"outputs\"");
    if (outputs == NULL) {
        printf("  %s\n", body);
        return;
    }
    printf("  %.*s, ... %.*s ...\n", HEAD, body, TAIL, outputs);
}

static bool
webhook_run(struct demo *d, struct http_server *server, struct receiver *r)
{
    struct buf body;
    buf_init(&body, 4096);
    buf_append_format(&body,
                      "{\"model\":\"digits\",\"webhook\":{\"url\":\"http://%s/hook\"},",
                      http_server_address(server));
    digits_body(&d->digits, 1, &body);
    buf_append_text(&body, "}");
    struct submitted s = {.answers = 0};
    enum status status =
        demo_call(d, "POST", "/v1/jobs", NULL, buf_span(&body), submit_answered, &s);
    buf_fini(&body);
    if (status != STATUS_OK || !demo_wait(d, &s.answers, 1) || s.code != 202 ||
        !demo_wait(d, &r->received, 1)) {
        return false;
    }
    printf("  webhook-id %s, %s\n", r->id, r->signed_ ? "signed" : "NOT SIGNED");
    show_body(r->body);
    return r->signed_;
}

bool
demo_webhook(struct demo *d)
{
    printf("\n3. Webhook: POST /v1/jobs with a webhook, the answer is pushed and "
           "signed\n\n");
    struct receiver r = {.received = 0};
    struct http_server_config config;
    http_server_defaults(&config);
    config.listen = "127.0.0.1:0";
    struct http_server *server = NULL;
    struct fault fault = {.text = ""};
    if (http_server_create(&server, d->loop, &config, webhook_came, &r, &fault) !=
        STATUS_OK) {
        fprintf(stderr, "leat demo: the receiver cannot listen: %s\n", fault.text);
        return false;
    }
    bool good = webhook_run(d, server, &r);
    http_server_destroy(&server);
    return good;
}
