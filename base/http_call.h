/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP calls going out: the one home of libcurl. A caller runs a thread of its own (TLS
 * handshakes and name look-ups must not stop the loop); completions come back on the
 * owner's loop. Redirects are never followed, proxies from the environment never used.
 *
 * Guard against server-side request forgery: unless allow_private is set, the address
 * that is really connected to (and the one of a reused connection) must be a public
 * one; names and URL spelling play no part in that decision.
 */
#ifndef BASE_HTTP_CALL_H
#define BASE_HTTP_CALL_H

#include "base/buf.h"
#include "base/http_server.h"
#include "base/loop.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct http_caller;

struct http_call {
    const char *method; /* "POST" */
    const char *url;    /* http or https */
    const char *ca; /* PEM file with the authorities for https; NULL: the system's */
    const struct http_header *headers;
    size_t header_count;
    struct span body;
    int64_t connect_timeout_ns;
    int64_t timeout_ns;  /* whole call */
    size_t answer_limit; /* bytes of answer body kept; the call fails beyond it */
    bool allow_private;  /* loopback, private and link-local addresses are fine */
    const char *hosts; /* the only ones it may name, by commas; ".a.b" = all below a.b;
                          NULL or "" = any; borrowed during the start */
    const char *ports; /* numbers, likewise */
};

struct http_answer {
    enum status status; /* STATUS_OK: an answer came, whatever its code; STATUS_INVALID:
                           bad URL; STATUS_UNSUPPORTED: address, host or port refused;
                           STATUS_TIMEOUT;
                           STATUS_TOO_LARGE; STATUS_UNAVAILABLE: refused, reset, TLS */
    int code;           /* STATUS_TOO_LARGE: if it had come; else 0 */
    int64_t retry_after_s; /* of the Retry-After header; -1 = none */
    struct span body;      /* valid during the callback or until the buffer goes */
    void *head;            /* for http_answer_header(); NULL after http_call_wait() */
};

typedef void (*http_answer_fn)(void *arg, const struct http_answer *answer);

/** Starts the thread; answers are delivered on the loop. */
MUST_CHECK enum status
http_caller_create(struct http_caller **out, struct loop *loop, size_t parallel_max);

/** Ends calls under way (they get STATUS_CLOSED) and joins the thread. */
void http_caller_destroy(struct http_caller **caller);

/**
 * Begins a call; everything in it is copied.
 *
 * @return STATUS_OK: fn will be called exactly once; STATUS_FULL over parallel_max;
 *         STATUS_NO_MEMORY
 * @thread the loop's
 */
MUST_CHECK enum status http_call_start(struct http_caller *caller,
                                       const struct http_call *call,
                                       http_answer_fn fn,
                                       void *arg);

/**
 * The value of an answer's header; of several, the last. Valid during the callback.
 *
 * @return NULL if there is none
 */
const char *http_answer_header(const struct http_answer *answer, const char *name);

/**
 * The same, waiting in the calling thread: for command-line tools.
 *
 * @param[out] body the answer's body; `answer->body` points into it
 * @blocks up to call->timeout_ns
 */
void http_call_wait(const struct http_call *call,
                    struct buf *body,
                    struct http_answer *answer);

/**
 * Whether a URL is one that a call accepts: http or https, a host, no user, fragment,
 * blank or control character. Says nothing about where its host leads.
 *
 * @return STATUS_OK; STATUS_INVALID; STATUS_NO_MEMORY
 * @thread any
 */
MUST_CHECK enum status http_url_check(const char *url);

/** Whether a list of ports is one: numbers from 1 to 65535 by commas, or nothing. */
bool http_ports_are_valid(const char *ports);

/** Whether an address is one a webhook may reach (RFC 6890 and the cloud metadata set).
 */
bool http_address_is_public(const struct sockaddr *address);

#endif
