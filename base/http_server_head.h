/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the head of a request says about its framing, and whether that is unambiguous.
 * libmicrohttpd accepts heads that a proxy in front would read differently (two
 * Content-Length, one beside Transfer-Encoding, bare line ends); those are refused
 * here, because the two would disagree about where the next request begins (RFC 9112
 * section 11.2). Belongs to http_server.
 */
#ifndef BASE_HTTP_SERVER_HEAD_H
#define BASE_HTTP_SERVER_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct MHD_Connection;

/* An answer of the server itself; rendered as problem+json. */
struct http_refusal {
    int code;
    const char *title;
    const char *detail;
};

extern const struct http_refusal http_refusal_target; /* 400: NUL in the path */

struct http_head {
    const struct http_refusal *refusal; /* NULL if the framing is sound */
    uint64_t content_length;            /* 0 if there is none */
    bool chunked;
    bool expects_continue;
    bool encoded; /* Content-Encoding other than identity */
    /* while scanning: */
    unsigned hosts;
    unsigned lengths;
    const char *next_line; /* where the next field must begin */
};

/** Reads the head in one pass. @param[in] is_1_1 whether it is of HTTP/1.1 */
void
http_head_read(struct http_head *head, struct MHD_Connection *connection, bool is_1_1);

#endif
