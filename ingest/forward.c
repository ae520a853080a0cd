/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exchange stays ours until it is answered; its head and body are read again for
 * every try. Only the headers listed here travel, either way: what is between two hops
 * (Connection, Transfer-Encoding) and who the caller is (Authorization) does not.
 */
#include "ingest/forward.h"

#include "base/buf.h"
#include "base/clock.h"
#include "ingest/errand.h"
#include "ingest/internal.h"
#include "ingest/metrics.h"
#include "ingest/problem.h"
#include "ingest/service.h"

#include <inttypes.h>
#include <stdlib.h>

enum { QUERY_MAX = 4096, ANSWER_HEADERS_MAX = 16 };

#define PATIENCE_NS NS_PER_S

/* Beyond what the owner may take itself. */
#define GRACE_NS (5 * NS_PER_S)

struct forward {
    struct errand errand;
    struct forward *next;
    struct forward *previous;
    struct http_exchange *x;
    const struct tenant *tenant; /* who asks */
    int64_t ends_ns;             /* of a wait begun here; 0 = as the query says */
};

struct query_copy {
    struct buf *query;
    bool drop_wait;
};

static void
encoded_append(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                     (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
        if (plain) {
            buf_append_byte(out, c);
        } else {
            buf_append_format(out, "%%%02X", c);
        }
    }
}

static void
parameter_copy(void *arg, struct span name, struct span value)
{
    const struct query_copy *copy = arg;
    if (copy->drop_wait && span_is_text(name, "wait")) {
        return;
    }
    buf_append_text(copy->query, copy->query->size == 0 ? "" : "&");
    encoded_append(copy->query, name);
    if (value.data != NULL) {
        buf_append_byte(copy->query, '=');
        encoded_append(copy->query, value);
    }
}

/* A second is the least that a wait can be asked for. */
static const char *
query_write(struct forward *f)
{
    struct buf query;
    buf_init(&query, QUERY_MAX);
    struct query_copy copy = {.query = &query, .drop_wait = f->ends_ns != 0};
    http_query_each(f->x, parameter_copy, &copy);
    if (f->ends_ns != 0) {
        int64_t left_ns = f->ends_ns - clock_mono_ns();
        int64_t seconds = left_ns > 0 ? (left_ns + NS_PER_S - 1) / NS_PER_S : 0;
        buf_append_format(&query, "%swait=%" PRId64, query.size == 0 ? "" : "&",
                          seconds);
    }
    const char *text = query.status == STATUS_OK
                           ? arena_text(&f->errand.ingest->arena, buf_span(&query))
                           : "";
    buf_fini(&query);
    return text == NULL ? "" : text;
}

static const char *
method_name(enum http_method method)
{
    static const char *const names[] = {
        [HTTP_GET] = "GET", [HTTP_HEAD] = "GET",      [HTTP_POST] = "POST",
        [HTTP_PUT] = "PUT", [HTTP_DELETE] = "DELETE", [HTTP_OTHER] = "GET",
    };
    return names[method];
}

static void
header_copy(struct forward *f, struct peer_request *request, const char *name)
{
    struct span value = http_header(f->x, name);
    const char *text =
        value.data == NULL ? NULL : arena_text(&f->errand.ingest->arena, value);
    if (text != NULL) {
        request->headers[request->header_count++] = (struct http_header){name, text};
    }
}

static int64_t
timeout_of(const struct forward *f, const struct peer_request *request)
{
    bool waits = request->query[0] != '\0' || request->body.size > 0;
    return (waits ? f->errand.ingest->config.infer_timeout_ns : 0) + GRACE_NS;
}

static const char *
tenant_text(struct ingest *ingest, const struct tenant *tenant)
{
    const char *text = arena_text(&ingest->arena, tenant_name(tenant));
    return text == NULL ? "" : text; /* which no tenant is called */
}

static void
forward_ask(struct errand *e, struct peer_request *request)
{
    static const char *const headers[] = {
        "Accept",          "Content-Type",  "Inference-Header-Content-Length",
        "Idempotency-Key", "Last-Event-ID", "Prefer",
        "Request-Timeout", "traceparent",   "tracestate",
    };
    struct forward *f = (struct forward *)e;
    request->method = method_name(http_method(f->x));
    request->path = http_path(f->x);
    request->query = query_write(f);
    request->body = http_body(f->x);
    request->timeout_ns = timeout_of(f, request);
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        header_copy(f, request, headers[i]);
    }
    request->headers[request->header_count++] =
        (struct http_header){PEER_TENANT_HEADER, tenant_text(e->ingest, f->tenant)};
    if (submission_find(&e->ingest->submissions, &e->id, f->tenant) != NULL) {
        request->headers[request->header_count++] =
            (struct http_header){PEER_EXPECT_HEADER, "1"};
    }
}

static void
pass_back(struct http_exchange *x, const struct http_answer *answer)
{
    static const char *const names[] = {
        "Content-Type",
        "Cache-Control",
        "Location",
        "Retry-After",
        "Leat-Id",
        "Preference-Applied",
        "Allow",
        "Inference-Header-Content-Length",
        "Idempotency-Replayed",
    };
    struct http_header headers[ANSWER_HEADERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = http_answer_header(answer, names[i]);
        if (value != NULL) {
            headers[count++] = (struct http_header){names[i], value};
        }
    }
    struct buf body;
    buf_init(&body, answer->body.size);
    buf_append(&body, answer->body.data, answer->body.size);
    if (body.status == STATUS_OK) {
        http_respond(x, answer->code, headers, count, &body);
    } else {
        problem_respond(x, &(struct problem){.status = body.status,
                                             .detail = "no memory for the answer"});
    }
    buf_fini(&body);
}

static struct http_exchange *
forward_end(struct forward *f)
{
    struct ingest *ingest = f->errand.ingest;
    if (f->previous == NULL) {
        ingest->forwards.first = f->next;
    } else {
        f->previous->next = f->next;
    }
    if (f->next != NULL) {
        f->next->previous = f->previous;
    }
    return f->x;
}

static void
refuse(struct http_exchange *x, enum status status, const struct uuid *id)
{
    const char *detail = status == STATUS_CLOSED
                             ? "shutting down"
                             : "the instance that owns this job cannot be reached";
    status = status == STATUS_CLOSED ? status : STATUS_UNAVAILABLE;
    problem_respond(x, &(struct problem){.status = status, .detail = detail, .id = id});
}

static void
forward_ended(struct errand *e, enum status status, const struct http_answer *answer)
{
    struct forward *f = (struct forward *)e;
    struct ingest *ingest = e->ingest;
    struct uuid id = e->id;
    struct http_exchange *x = forward_end(f);
    http_watch_gone(x, NULL, NULL);
    if (status == STATUS_OK) {
        pass_back(x, answer);
    } else if (status == STATUS_CONFLICT) {
        ingest_route(ingest, x);
    } else {
        refuse(x, status, &id);
    }
    free(f);
}

static void
forward_gone(void *arg, struct http_exchange *x)
{
    struct forward *f = arg;
    forward_end(f);
    errand_drop(&f->errand);
    metric_add(&ingest_metrics[METRIC_GONE], 1);
    http_respond(x, 499, NULL, 0, NULL); /* dropped by the server; nobody reads it */
}

static void
forward_begin(struct ingest *ingest,
              struct http_exchange *x,
              const struct uuid *id,
              const struct tenant *tenant,
              int64_t ends_ns)
{
    struct forward *f = calloc(1, sizeof(*f));
    if (f == NULL || ingest->errands_closed) {
        free(f);
        refuse(x, ingest->errands_closed ? STATUS_CLOSED : STATUS_UNAVAILABLE, id);
        return;
    }
    int64_t left_ns = ends_ns == 0 ? 0 : ends_ns - clock_mono_ns();
    f->errand.id = *id;
    f->errand.ask = forward_ask;
    f->errand.end = forward_ended;
    f->errand.patience_ns = left_ns > PATIENCE_NS ? left_ns : PATIENCE_NS;
    f->x = x;
    f->tenant = tenant;
    f->ends_ns = ends_ns;
    f->next = ingest->forwards.first;
    if (f->next != NULL) {
        f->next->previous = f;
    }
    ingest->forwards.first = f;
    errand_begin(ingest, &f->errand, 0);
    http_watch_gone(x, forward_gone, f);
}

bool
forward_wait(struct ingest *ingest,
             struct http_exchange *x,
             const struct uuid *id,
             const struct tenant *tenant,
             int64_t ends_ns)
{
    char address[RESULTS_ADDRESS_SIZE];
    if (ingest->peers == NULL ||
        results_owner(ingest->results, id, address) == STATUS_OK) {
        return false;
    }
    if (internal_is_peer(ingest, x)) {
        problem_respond(x, &(struct problem){.status = STATUS_MISDIRECTED,
                                             .detail = "another instance owns it"});
    } else {
        forward_begin(ingest, x, id, tenant, ends_ns);
    }
    return true;
}

bool
forward_exchange(struct ingest *ingest,
                 struct http_exchange *x,
                 const struct uuid *id,
                 const struct tenant *tenant)
{
    return forward_wait(ingest, x, id, tenant, 0);
}

void
forward_end_waits(struct ingest *ingest)
{
    while (ingest->forwards.first != NULL) {
        struct forward *f = ingest->forwards.first;
        struct uuid id = f->errand.id;
        struct http_exchange *x = forward_end(f);
        errand_drop(&f->errand);
        http_watch_gone(x, NULL, NULL);
        refuse(x, STATUS_CLOSED, &id);
    }
}
