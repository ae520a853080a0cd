/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream is a buffer between its writer and libmicrohttpd, which asks for bytes
 * whenever the socket has taken the last ones. With none to give the connection is
 * suspended, and resumed by the next write; what is suspended costs no turn of the
 * loop. An empty buffer has no memory, so that a silent stream costs none.
 */
#include "base/http_server_stream.h"

#include "base/http_server_connection.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROOM_AGAIN =
        HTTP_STREAM_BYTES_MAX / 2, /* what waits when a writer is called back */
    BLOCK_1_0 = 16 * 1024,
    BLOCK_CHUNKED = 64 /* not used: chunks are made in the connection's pool */
};

enum stream_state {
    STREAM_OPEN,
    STREAM_ENDED, /* by the writer; what waits is sent */
    STREAM_BROKEN /* the writer was told */
};

struct http_stream {
    struct http_exchange *x;
    enum stream_state state;
    bool refused; /* a write found it full: the writer waits to be called */
    bool waiting; /* suspended: there was nothing to send */
    const struct http_stream_events *events;
    void *arg;
    struct buf out;
    size_t sent; /* of out */
};

static size_t
bytes_waiting(const struct http_stream *s)
{
    return s->out.size - s->sent;
}

static void
offer_room(struct http_stream *s)
{
    if (s->refused && s->state == STREAM_OPEN && bytes_waiting(s) <= ROOM_AGAIN) {
        s->refused = false;
        if (s->events->writable != NULL) {
            s->events->writable(s->arg, s);
        }
    }
}

static void
suspend(struct http_stream *s)
{
    struct http_connection *c = s->x->connection;
    MHD_suspend_connection(c->mhd);
    s->waiting = true;
    http_deadline_arm(&c->server->deadlines, &c->deadline,
                      c->peer_closed ? HTTP_DEADLINE_GONE : HTTP_DEADLINE_NEVER,
                      loop_now(c->server->loop));
}

static void
resume(struct http_stream *s)
{
    if (s->waiting) {
        s->waiting = false;
        http_connection_watch_write(s->x->connection);
        http_exchange_resume(s->x);
    }
}

/* libmicrohttpd's MHD_ContentReaderCallback. */
static ssize_t
give_bytes(void *arg, uint64_t position, char *to, size_t max)
{
    struct http_stream *s = arg;
    (void)position;
    offer_room(s);
    size_t size = bytes_waiting(s) < max ? bytes_waiting(s) : max;
    bool lost = s->state == STREAM_OPEN && s->x->connection->server->closing;
    if (s->state == STREAM_BROKEN || (size == 0 && lost)) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (size == 0 && s->state == STREAM_ENDED) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (size == 0) {
        suspend(s);
        return 0;
    }
    memcpy(to, s->out.data + s->sent, size);
    s->sent += size;
    if (bytes_waiting(s) == 0) {
        buf_fini(&s->out);
        s->sent = 0;
    }
    return (ssize_t)size;
}

static struct http_stream *
stream_create(struct http_exchange *x,
              const struct http_stream_events *events,
              void *arg)
{
    struct http_stream *s = calloc(1, sizeof(*s));
    if (s != NULL) {
        s->x = x;
        s->events = events;
        s->arg = arg;
        buf_init(&s->out, SIZE_MAX / 2); /* http_stream_write() keeps the bound */
    }
    return s;
}

struct http_stream *
http_respond_stream(struct http_exchange *x,
                    int code,
                    const struct http_header *headers,
                    size_t header_count,
                    const struct http_stream_events *events,
                    void *arg)
{
    assert(x->state == EXCHANGE_HANDLING || x->state == EXCHANGE_HELD);
    struct http_stream *s =
        x->connection->peer_closed ? NULL : stream_create(x, events, arg);
    struct MHD_Response *response = NULL;
    if (s != NULL) {
        response = MHD_create_response_from_callback(
            MHD_SIZE_UNKNOWN, x->is_1_1 ? BLOCK_CHUNKED : BLOCK_1_0, give_bytes, s,
            NULL);
    }
    if (response == NULL) {
        free(s);
        http_exchange_answer(x, code, NULL);
        return NULL;
    }
    http_response_headers(response, headers, header_count);
    x->stream = s;
    if (x->method == HTTP_HEAD) {
        s->state = STREAM_ENDED;
        /* libmicrohttpd 0.9.75 would send a last chunk even after a HEAD. */
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT,
                                 MHD_RO_END);
    }
    http_exchange_answer(x, code, response);
    return s->state == STREAM_OPEN ? s : NULL;
}

enum status
http_stream_write(struct http_stream *s, struct span bytes)
{
    assert(s->state == STREAM_OPEN);
    size_t waiting = bytes_waiting(s);
    if (waiting > 0 && waiting + bytes.size > HTTP_STREAM_BYTES_MAX) {
        s->refused = true;
        return STATUS_FULL;
    }
    if (s->sent > waiting) {
        memmove(s->out.data, s->out.data + s->sent, waiting);
        s->out.size = waiting;
        s->sent = 0;
    }
    buf_append(&s->out, bytes.data, bytes.size);
    if (s->out.status != STATUS_OK) {
        /* A stream with a hole is no answer: as if the client had gone. */
        s->x->connection->peer_closed = true;
        http_exchange_check_gone(s->x);
        return STATUS_FULL;
    }
    if (bytes.size > 0) {
        resume(s);
    }
    return STATUS_OK;
}

void
http_stream_end(struct http_stream *s)
{
    assert(s->state == STREAM_OPEN);
    s->state = STREAM_ENDED;
    resume(s);
}

bool
http_stream_is_open(const struct http_exchange *x)
{
    return x->stream != NULL && x->stream->state == STREAM_OPEN;
}

void
http_stream_break(struct http_exchange *x)
{
    struct http_stream *s = x->stream;
    s->state = STREAM_BROKEN;
    s->events->gone(s->arg, s);
    resume(s);
}

void
http_stream_free(struct http_exchange *x)
{
    struct http_stream *s = x->stream;
    if (s == NULL) {
        return;
    }
    s->waiting = false;
    if (s->state == STREAM_OPEN) {
        http_stream_break(x);
    }
    buf_fini(&s->out);
    free(s);
    x->stream = NULL;
}
