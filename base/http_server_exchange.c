/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request and its answer: from the request line to the last byte sent. The handler
 * runs when the body is complete; if it has not answered by its return, the connection
 * is suspended and http_respond() resumes it, after which libmicrohttpd calls once more
 * and takes the answer. Publishing before suspending is safe here only because all of
 * it happens on one thread.
 */
#include "base/http_server_connection.h"

#include <assert.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A body that is refused for its size is still read when it is at most this many times
 * the limit: closing on unread bytes resets the connection, and the client would lose
 * the 413 (RFC 9112 section 9.6). */
enum { DISCARD_FACTOR = 8 };

static const struct http_refusal too_large = {
    413, "Content Too Large", "the body is larger than this server accepts"};
static const struct http_refusal encoded = {
    415, "Unsupported Media Type", "compressed request bodies are not accepted"};
static const struct http_refusal no_memory = {503, "Service Unavailable",
                                              "no memory for the body"};
static const struct http_refusal over_limit = {503, "Service Unavailable",
                                               "too many connections"};

static enum http_method
method_of(const char *name)
{
    static const struct {
        const char *name;
        enum http_method method;
    } methods[] = {
        {"GET", HTTP_GET}, {"POST", HTTP_POST},     {"HEAD", HTTP_HEAD},
        {"PUT", HTTP_PUT}, {"DELETE", HTTP_DELETE},
    };
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(name, methods[i].name) == 0) {
            return methods[i].method;
        }
    }
    return HTTP_OTHER;
}

static struct MHD_Response *
response_create(const struct http_header *headers,
                size_t header_count,
                struct buf *body)
{
    size_t size = 0;
    void *data = body == NULL ? NULL : buf_take(body, &size);
    static char empty[] = "";
    struct MHD_Response *response = MHD_create_response_from_buffer(
        size, data == NULL ? empty : data,
        data == NULL ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(data);
        return NULL;
    }
    for (size_t i = 0; i < header_count; i++) {
        /* It refuses a CR or LF; such a header is dropped, as promised. */
        MHD_add_response_header(response, headers[i].name, headers[i].value);
    }
    return response;
}

static struct MHD_Response *
refusal_create(const struct http_refusal *refusal)
{
    static const struct http_header headers[] = {
        {"Content-Type", "application/problem+json"},
        {"Retry-After", "1"},
    };
    struct buf body;
    buf_init(&body, 1024);
    buf_append_format(&body,
                      "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,"
                      "\"detail\":\"%s\",\"error\":\"%s\"}",
                      refusal->title, refusal->code, refusal->detail, refusal->detail);
    struct MHD_Response *response =
        response_create(headers, refusal->code == 503 ? 2 : 1, &body);
    buf_fini(&body);
    return response;
}

/* Hands the answer to libmicrohttpd; without one the connection is closed. */
static enum MHD_Result
answer_send(struct http_exchange *x)
{
    if (x->response == NULL) {
        return MHD_NO;
    }
    unsigned code = (unsigned)x->code;
    enum MHD_Result result = MHD_queue_response(x->connection->mhd, code, x->response);
    MHD_destroy_response(x->response);
    x->response = NULL;
    x->state = EXCHANGE_SENDING;
    return result;
}

static void
answer_close_after(struct http_exchange *x)
{
    if (x->response != NULL) {
        MHD_add_response_header(x->response, "Connection", "close");
    }
}

static enum MHD_Result
refuse(struct http_exchange *x, const struct http_refusal *refusal, bool close_after)
{
    x->response = refusal_create(refusal);
    x->code = refusal->code;
    if (close_after) {
        answer_close_after(x);
    }
    return answer_send(x);
}

void *
http_exchange_begin(void *arg, const char *target, struct MHD_Connection *mhd)
{
    (void)arg;
    struct http_connection *c =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
            ->socket_context;
    if (c == NULL) {
        return NULL;
    }
    struct http_exchange *x = &c->exchange;
    *x = (struct http_exchange){.connection = c, .state = EXCHANGE_HEAD};
    if (strstr(target, "%00") != NULL) {
        x->refusal = &http_refusal_target;
    }
    http_connection_arm(c, HTTP_DEADLINE_HEAD);
    return x;
}

/* Whether the body, which will be refused, need not be waited for. */
static bool
refuses_now(const struct http_head *head, size_t limit)
{
    return head->expects_continue || head->content_length / DISCARD_FACTOR > limit;
}

static enum MHD_Result
head_complete(struct http_exchange *x, const char *method, const char *version)
{
    struct http_connection *c = x->connection;
    size_t limit = c->server->config.body_limit;
    struct http_head head;
    c->server->active++;
    x->state = EXCHANGE_BODY;
    x->method = method_of(method);
    http_head_read(&head, c->mhd, version);
    if (c->over_limit || head.refusal != NULL || x->refusal != NULL) {
        const struct http_refusal *why = c->over_limit ? &over_limit : head.refusal;
        return refuse(x, why != NULL ? why : x->refusal, true);
    }
    if (head.encoded || head.content_length > limit) {
        x->refusal = head.encoded ? &encoded : &too_large;
        if (refuses_now(&head, limit)) {
            return refuse(x, x->refusal, true);
        }
    }
    x->content_length = head.content_length;
    buf_init(&x->body, head.chunked ? limit : (size_t)head.content_length);
    if (head.chunked || head.content_length > 0) {
        http_connection_arm(c, HTTP_DEADLINE_BODY);
    } else {
        http_deadline_clear(&c->server->deadlines, &c->deadline);
    }
    return MHD_YES;
}

static void
body_take(struct http_exchange *x, const char *data, size_t size)
{
    if (x->refusal != NULL) {
        return;
    }
    if (x->body.data == NULL && x->content_length > 0) {
        /* One allocation of the declared size, which is below the limit. */
        buf_reserve(&x->body, (size_t)x->content_length);
        x->body.size = 0;
    }
    buf_append(&x->body, data, size);
    if (x->body.status != STATUS_OK) {
        x->refusal = x->body.status == STATUS_TOO_LARGE ? &too_large : &no_memory;
        buf_fini(&x->body);
    }
}

static enum MHD_Result
body_complete(struct http_exchange *x)
{
    struct http_connection *c = x->connection;
    http_deadline_clear(&c->server->deadlines, &c->deadline);
    if (x->refusal != NULL) {
        return refuse(x, x->refusal, c->server->draining);
    }
    x->state = EXCHANGE_HANDLING;
    c->server->handler(c->server->handler_arg, x);
    if (x->state == EXCHANGE_ANSWERED) {
        return answer_send(x);
    }
    MHD_suspend_connection(c->mhd);
    x->state = EXCHANGE_HELD;
    c->server->held++;
    http_exchange_check_gone(x);
    return MHD_YES;
}

enum MHD_Result /* NOLINTNEXTLINE(readability-function-size): microhttpd's signature */
http_exchange_advance(void *arg,
                      struct MHD_Connection *mhd,
                      const char *path,
                      const char *method,
                      const char *version,
                      const char *data,
                      size_t *size,
                      void **exchange)
{
    struct http_exchange *x = *exchange;
    (void)arg;
    (void)mhd;
    if (x == NULL) {
        return MHD_NO; /* there was no memory for the connection */
    }
    switch (x->state) {
    case EXCHANGE_HEAD:
        x->path = path;
        return head_complete(x, method, version);
    case EXCHANGE_BODY:
        if (*size == 0) {
            return body_complete(x);
        }
        body_take(x, data, *size);
        *size = 0;
        return MHD_YES;
    case EXCHANGE_ANSWERED:
        return answer_send(x);
    case EXCHANGE_NONE:
    case EXCHANGE_HANDLING:
    case EXCHANGE_HELD:
    case EXCHANGE_SENDING:
        break;
    }
    assert(false && "libmicrohttpd asks only in the states above");
    return MHD_NO;
}

void
http_exchange_end(void *arg,
                  struct MHD_Connection *mhd,
                  void **exchange,
                  enum MHD_RequestTerminationCode why)
{
    struct http_exchange *x = *exchange;
    (void)arg;
    (void)mhd;
    (void)why;
    if (x == NULL) {
        return;
    }
    if (x->state > EXCHANGE_HEAD) {
        x->connection->server->active--;
    }
    if (x->response != NULL) {
        MHD_destroy_response(x->response);
        x->response = NULL;
    }
    buf_fini(&x->body);
    x->state = EXCHANGE_NONE;
    http_connection_arm(x->connection, HTTP_DEADLINE_IDLE);
}

void
http_exchange_check_gone(struct http_exchange *x)
{
    struct http_connection *c = x->connection;
    if (x->state == EXCHANGE_HELD && c->peer_closed && x->gone != NULL) {
        http_deadline_arm(&c->server->deadlines, &c->deadline, HTTP_DEADLINE_GONE,
                          loop_now(c->server->loop));
    }
}

enum http_method
http_method(const struct http_exchange *x)
{
    return x->method;
}

struct span
http_path(const struct http_exchange *x)
{
    return span_of_text(x->path);
}

static struct span
value_of(const struct http_exchange *x, enum MHD_ValueKind kind, const char *name)
{
    const char *value = NULL;
    size_t size = 0;
    if (MHD_lookup_connection_value_n(x->connection->mhd, kind, name, strlen(name),
                                      &value, &size) != MHD_YES) {
        return span_of(NULL, 0);
    }
    return value == NULL ? span_of("", 0) : span_of(value, size);
}

struct span
http_query(struct http_exchange *x, const char *name)
{
    return value_of(x, MHD_GET_ARGUMENT_KIND, name);
}

struct span
http_header(struct http_exchange *x, const char *name)
{
    return value_of(x, MHD_HEADER_KIND, name);
}

struct span
http_body(const struct http_exchange *x)
{
    return buf_span(&x->body);
}

struct parameter_visit {
    http_parameter_fn fn;
    void *arg;
};

static enum MHD_Result
parameter_visit(void *arg,
                enum MHD_ValueKind kind,
                const char *name,
                size_t name_size,
                const char *value,
                size_t value_size)
{
    const struct parameter_visit *visit = arg;
    (void)kind;
    visit->fn(visit->arg, span_of(name, name_size), span_of(value, value_size));
    return MHD_YES;
}

void
http_query_each(struct http_exchange *x, http_parameter_fn fn, void *arg)
{
    struct parameter_visit visit = {.fn = fn, .arg = arg};
    MHD_get_connection_values_n(x->connection->mhd, MHD_GET_ARGUMENT_KIND,
                                parameter_visit, &visit);
}

const struct http_server *
http_server_of(const struct http_exchange *x)
{
    return x->connection->server;
}

void
http_peer(const struct http_exchange *x, uint8_t address[static HTTP_PEER_BYTES])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->connection->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *peer = info == NULL ? NULL : info->client_addr;
    memset(address, 0, HTTP_PEER_BYTES);
    if (peer != NULL && peer->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)peer;
        memcpy(address, &v6->sin6_addr, HTTP_PEER_BYTES);
    } else if (peer != NULL && peer->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)peer;
        address[10] = 0xff;
        address[11] = 0xff;
        memcpy(address + 12, &v4->sin_addr, 4);
    }
}

/* Has libmicrohttpd called before the loop waits again. Inside MHD_run() our own turn
 * sees to that; while events are dispatched the next turn does. */
static void
wake_if_late(struct http_server *server)
{
    bool first = !server->resumed;
    server->resumed = true;
    if (first && !server->running && loop_now(server->loop) == server->turn_ns) {
        loop_wake(server->loop);
    }
}

void
http_add_header(struct http_exchange *x, const char *name, const char *value)
{
    size_t size = strlen(value);
    assert(x->added_count < HTTP_ADDED_MAX && size < HTTP_ADDED_BYTES);
    x->added[x->added_count].name = name;
    memcpy(x->added[x->added_count].value, value, size + 1);
    x->added_count++;
}

void
http_watch_gone(struct http_exchange *x, http_gone_fn fn, void *arg)
{
    x->gone = fn;
    x->gone_arg = arg;
    if (x->state == EXCHANGE_HELD && x->connection->peer_closed) {
        http_exchange_check_gone(x);
        loop_wake(x->connection->server->loop);
    }
}

void
http_respond(struct http_exchange *x,
             int code,
             const struct http_header *headers,
             size_t header_count,
             struct buf *body)
{
    struct http_connection *c = x->connection;
    struct http_server *server = c->server;
    assert(x->state == EXCHANGE_HANDLING || x->state == EXCHANGE_HELD);
    x->response = response_create(headers, header_count, body);
    for (unsigned i = 0; x->response != NULL && i < x->added_count; i++) {
        MHD_add_response_header(x->response, x->added[i].name, x->added[i].value);
    }
    x->code = code;
    x->gone = NULL;
    if (server->draining) {
        answer_close_after(x);
    }
    buf_fini(&x->body);
    if (x->state == EXCHANGE_HELD) {
        http_deadline_clear(&server->deadlines, &c->deadline);
        server->held--;
        MHD_resume_connection(c->mhd);
        wake_if_late(server);
    }
    x->state = EXCHANGE_ANSWERED;
}
