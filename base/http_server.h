/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 server on a loop: the seam in front of libmicrohttpd, whose only home is
 * http_server.c (external polling only: its own epoll thread stalls at 128·n
 * connections). A request reaches the handler once its body is complete; the handler
 * answers at once or holds the exchange and answers later, exactly once.
 *
 * The server itself refuses, with a problem+json body, what never becomes a request:
 * ambiguous framing (400, close), a body over its limit (413, before 100-continue),
 * a compressed body (415), too many connections (503). What libmicrohttpd cannot parse
 * it refuses itself, with a page of its own: 400, a head over the limit (431), another
 * version (505). Too slow connections are closed on absolute deadlines.
 */
#ifndef BASE_HTTP_SERVER_H
#define BASE_HTTP_SERVER_H

#include "base/buf.h"
#include "base/loop.h"
#include "base/span.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct http_server;
struct http_exchange; /* one request and its answer */

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_OTHER };

struct http_header {
    const char *name;
    const char *value; /* no CR or LF; the server drops a header that has one */
};

/** Called on the loop with a complete request. Must lead to exactly one http_respond().
 */
typedef void (*http_handler_fn)(void *arg, struct http_exchange *x);

/**
 * The client of a held exchange went away, or closed its sending side. Called at most
 * once, on a turn of the loop; http_respond() must still be called (then or later), its
 * answer is dropped if nobody takes it.
 */
typedef void (*http_gone_fn)(void *arg, struct http_exchange *x);

struct http_server_config {
    const char *listen;       /* "127.0.0.1:8080"; port 0 = the kernel's choice */
    size_t body_limit;        /* bytes */
    size_t head_limit;        /* bytes, also the memory kept per connection */
    unsigned connections_max; /* over it: 503 and close */
    int64_t head_timeout_ns;  /* accept or request line to the end of the head */
    int64_t body_timeout_ns;  /* from the end of the head to the end of the body */
    int64_t idle_timeout_ns;  /* from an answer to the next request line */
};

/** The limits that notes and README promise; the caller changes what it needs. */
void http_server_defaults(struct http_server_config *config);

/**
 * Binds and serves on the loop from its next turn.
 *
 * @param[out] fault why not, in words
 * @return STATUS_OK; STATUS_INVALID for a bad address; STATUS_IO if it cannot be bound
 */
MUST_CHECK enum status http_server_create(struct http_server **out,
                                          struct loop *loop,
                                          const struct http_server_config *config,
                                          http_handler_fn handler,
                                          void *arg,
                                          struct fault *fault);

/** Address really bound, "127.0.0.1:41233". */
const char *http_server_address(const struct http_server *server);

/** Stops accepting, answers carry Connection: close, idle connections are closed. */
void http_server_drain(struct http_server *server);

/** Exchanges from the end of their head to the last byte of their answer. */
size_t http_server_active(const struct http_server *server);

/** Open connections. */
size_t http_server_connections(const struct http_server *server);

/** Closes the rest. Every held exchange must have been answered before; what was
 * answered is sent as far as the sockets take it at once. */
void http_server_destroy(struct http_server **server);

/* What a request says. All spans live until http_respond(). */
enum http_method http_method(const struct http_exchange *x);
struct span http_path(const struct http_exchange *x); /* decoded, no query */
struct span
http_query(struct http_exchange *x, const char *name); /* {NULL, 0} if absent */
struct span
http_header(struct http_exchange *x, const char *name); /* {NULL, 0} if absent */
struct span http_body(const struct http_exchange *x);   /* as sent */

/** Called with a parameter of the query, decoded; value {NULL, 0}: it has no `=`. */
typedef void (*http_parameter_fn)(void *arg, struct span name, struct span value);
void http_query_each(struct http_exchange *x, http_parameter_fn fn, void *arg);

/** The server through which a request came. */
const struct http_server *http_server_of(const struct http_exchange *x);

enum { HTTP_PEER_BYTES = 16 };

/** The address of the other end: IPv6, or IPv4 mapped into it; zero if unknown. */
void http_peer(const struct http_exchange *x, uint8_t address[static HTTP_PEER_BYTES]);

enum { HTTP_ADDED_MAX = 2, HTTP_ADDED_BYTES = 64 };

/**
 * A header of the answer to come, whoever gives it. At most HTTP_ADDED_MAX, the value
 * shorter than HTTP_ADDED_BYTES.
 *
 * @param[in] name static
 * @param[in] value copied
 */
void http_add_header(struct http_exchange *x, const char *name, const char *value);

/** Asks to be told when the client goes away while the exchange is held; NULL: no more.
 */
void http_watch_gone(struct http_exchange *x, http_gone_fn fn, void *arg);

/**
 * Answers. Content-Length, Date and Connection are the server's; a HEAD gets no body.
 *
 * @param[in] body content is taken and the buffer left empty; NULL = empty body
 * @param[in] headers copied
 * @owner x is the server's again: the caller must not touch it any more
 * @thread the loop's
 */
void http_respond(struct http_exchange *x,
                  int code,
                  const struct http_header *headers,
                  size_t header_count,
                  struct buf *body);

#endif
