/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a body while it comes in: collected within the server's limit, handed
 * over in pieces, or thrown away because the answer is already known.
 */
#include "base/http_server_body.h"

#include "base/http_server_connection.h"
#include "base/http_server_head.h"

#include <assert.h>

const struct http_refusal http_refusal_too_large = {
    413, "Content Too Large", "the body is larger than this server accepts"};
const struct http_refusal http_refusal_no_memory = {503, "Service Unavailable",
                                                    "no memory for the body"};
const struct http_refusal http_refusal_closing = {503, "Service Unavailable",
                                                  "shutting down"};

void
http_stream_body(struct http_exchange *x,
                 const struct http_body_events *events,
                 void *arg)
{
    assert(x->state == EXCHANGE_BODY && x->body_events == NULL);
    x->body_events = events;
    x->body_arg = arg;
}

static void
pause_body(struct http_exchange *x)
{
    struct http_connection *c = x->connection;
    MHD_suspend_connection(c->mhd);
    x->paused = true;
    http_deadline_arm(&c->server->deadlines, &c->deadline, HTTP_DEADLINE_NEVER,
                      loop_now(c->server->loop));
}

void
http_body_resume(struct http_exchange *x)
{
    if (x->paused) {
        x->paused = false;
        http_connection_arm(x->connection, HTTP_DEADLINE_BODY);
        http_exchange_resume(x);
    }
}

static void
hand_over(struct http_exchange *x, struct span bytes)
{
    http_connection_arm(x->connection, HTTP_DEADLINE_BODY);
    bool more = x->body_events->piece(x->body_arg, x, bytes);
    bool answered = x->body_events == NULL;
    if (!more && !answered && !x->connection->server->closing) {
        pause_body(x);
    }
}

static void
collect(struct http_exchange *x, struct span bytes)
{
    if (x->body.data == NULL && x->content_length > 0) {
        /* One allocation of the declared size, which is below the limit. */
        buf_reserve(&x->body, (size_t)x->content_length);
        x->body.size = 0;
    }
    buf_append(&x->body, bytes.data, bytes.size);
    if (x->body.status != STATUS_OK) {
        x->refusal = x->body.status == STATUS_TOO_LARGE ? &http_refusal_too_large
                                                        : &http_refusal_no_memory;
        buf_fini(&x->body);
    }
}

void
http_body_take(struct http_exchange *x, const char *data, size_t *size)
{
    if (x->paused) {
        return; /* libmicrohttpd offers every chunk that it has read already */
    }
    struct span bytes = span_of(data, *size);
    *size = 0;
    if (x->refusal != NULL || x->response != NULL) {
        return;
    }
    if (x->body_events != NULL) {
        hand_over(x, bytes);
    } else {
        collect(x, bytes);
    }
}

void
http_body_break(struct http_exchange *x)
{
    const struct http_body_events *events = x->body_events;
    x->body_events = NULL;
    if (events != NULL) {
        x->refusal = &http_refusal_closing; /* should the rest come all the same */
        events->broken(x->body_arg, x);
    }
}

void
http_body_release(struct http_exchange *x)
{
    buf_fini(&x->body);
}
