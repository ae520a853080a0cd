/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of http_server: the server, its connections and their exchanges. HTTP/1.1
 * has at most one exchange under way per connection, so it is part of the connection
 * and a request allocates nothing but its body. All of it belongs to the loop's thread.
 *
 * http_server.c owns the daemon and the connections; http_server_exchange.c moves an
 * exchange through its states, http_server_body.c takes its body and
 * http_server_stream.c sends an answer of unknown length.
 */
#ifndef BASE_HTTP_SERVER_CONNECTION_H
#define BASE_HTTP_SERVER_CONNECTION_H

#include "base/buf.h"
#include "base/http_server.h"
#include "base/http_server_body.h"
#include "base/http_server_deadline.h"
#include "base/http_server_head.h"
#include "base/loop.h"

#include <microhttpd.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_exchange_state {
    EXCHANGE_NONE,     /* no request has begun */
    EXCHANGE_HEAD,     /* the request line is here */
    EXCHANGE_BODY,     /* the head is here */
    EXCHANGE_HANDLING, /* inside the handler */
    EXCHANGE_HELD,     /* suspended until it is answered */
    EXCHANGE_ANSWERED, /* the answer waits for libmicrohttpd to ask for it */
    EXCHANGE_SENDING   /* the answer is libmicrohttpd's */
};

extern const struct http_refusal http_refusal_too_large; /* 413 */
extern const struct http_refusal http_refusal_no_memory; /* 503 */
extern const struct http_refusal http_refusal_closing;   /* 503 */

struct http_exchange {
    struct http_connection *connection;
    enum http_exchange_state state;
    enum http_method method;
    const char *path;                   /* libmicrohttpd's */
    const struct http_refusal *refusal; /* to be sent instead of calling the handler */
    uint64_t content_length;            /* declared; 0 if none or chunked */
    struct buf body;
    const struct http_body_events *body_events; /* NULL: the body is collected */
    void *body_arg;
    http_gone_fn gone; /* NULL: nobody to be told */
    void *gone_arg;
    struct {
        const char *name;
        char value[HTTP_ADDED_BYTES];
    } added[HTTP_ADDED_MAX]; /* headers of the answer to come */
    unsigned added_count;
    int code;
    bool is_1_1; /* understands chunks */
    bool paused; /* suspended in the middle of its body */
    struct MHD_Response
        *response;              /* until libmicrohttpd has it: in EXCHANGE_ANSWERED,
                                   or earlier when given before the end of the body */
    struct http_stream *stream; /* NULL: the answer is of known length */
};

struct http_connection {
    struct http_server *server;
    struct MHD_Connection *mhd;
    int fd;           /* libmicrohttpd's */
    bool over_limit;  /* accepted only to be told 503 */
    bool peer_closed; /* the client closed its side, or all of it */
    unsigned stalls;  /* looks in a row at which no byte of the answer was taken */
    uint64_t acked;   /* bytes that the client had taken at the last look */
    struct http_deadline deadline;
    struct http_exchange exchange;
};

struct http_server {
    struct loop *loop;
    struct MHD_Daemon *mhd;
    struct http_tls *tls; /* NULL: in the clear */
    int mhd_epoll;
    http_handler_fn handler;
    void *handler_arg;
    struct http_server_config config;
    char address[64];
    struct http_deadlines deadlines;
    size_t connections;
    size_t active;   /* exchanges from the end of the head to the end of the answer */
    size_t held;     /* suspended connections */
    int64_t turn_ns; /* loop_now() of our last turn */
    bool running;    /* inside MHD_run() */
    bool resumed;    /* a held exchange was answered since the last MHD_run() */
    bool draining;
    bool closing; /* inside http_server_destroy() */
};

/* Callbacks of libmicrohttpd, as its header describes them. */
void *http_exchange_begin(void *arg, const char *target, struct MHD_Connection *mhd);
enum MHD_Result http_exchange_advance(void *arg,
                                      struct MHD_Connection *mhd,
                                      const char *path,
                                      const char *method,
                                      const char *version,
                                      const char *data,
                                      size_t *size,
                                      void **exchange);
void http_exchange_end(void *arg,
                       struct MHD_Connection *mhd,
                       void **exchange,
                       enum MHD_RequestTerminationCode why);

/** Arms what fits: a client that has closed its side gets no more than a moment. */
void http_connection_arm(struct http_connection *c, enum http_deadline_kind kind);

/** Has the holder told on the next turn, if the client is gone and he wants to know. */
void http_exchange_check_gone(struct http_exchange *x);

/** Lets libmicrohttpd go on with a suspended connection; soon, whoever calls. */
void http_exchange_resume(struct http_exchange *x);

/** Takes the answer, NULL to close without one, and lets a held exchange go on. */
void
http_exchange_answer(struct http_exchange *x, int code, struct MHD_Response *response);

/** A header that would split the answer is dropped. */
void http_response_headers(struct MHD_Response *response,
                           const struct http_header *headers,
                           size_t header_count);

/** Watches from now on whether the client takes its answer. */
void http_connection_watch_write(struct http_connection *c);

/** Takes from a body what libmicrohttpd has read of it. @param[in,out] size bytes left
 */
void http_body_take(struct http_exchange *x, const char *data, size_t *size);

/** Tells the taker of the body, if there is one, that it will not be complete. */
void http_body_break(struct http_exchange *x);

/** Whether somebody still writes the answer. */
bool http_stream_is_open(const struct http_exchange *x);

/** Tells the writer of an open stream that the client is gone, and breaks the answer.
 */
void http_stream_break(struct http_exchange *x);

/** Frees the stream of an exchange that ends; accepts one without. */
void http_stream_free(struct http_exchange *x);

#endif
