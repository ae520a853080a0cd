/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request bodies of any length, handed over in pieces as they come: asked for in
 * http_server_config.head_fn, when the head of a request is there and its body is not.
 * A pause stops reading from the socket, so that a sender faster than the taker is
 * slowed down by TCP and no piece waits in memory.
 */
#ifndef BASE_HTTP_SERVER_BODY_H
#define BASE_HTTP_SERVER_BODY_H

#include "base/http_server.h"

#include <stdbool.h>

/* Called on the loop. */
struct http_body_events {
    /** A piece, borrowed during the call. May answer early with http_respond(): the
     * rest is then read and thrown away, and no other function here is called.
     * @return false: no more until http_body_resume(); this piece was taken all the
     * same */
    bool (*piece)(void *arg, struct http_exchange *x, struct span bytes);
    /** The body is complete: must lead to exactly one http_respond() or
     * http_respond_stream(), as the server's handler must. */
    void (*complete)(void *arg, struct http_exchange *x);
    /** The body will not be complete (client gone, deadline, framing, end of the
     * server): x ends with the return of this call. */
    void (*broken)(void *arg, struct http_exchange *x);
};

/**
 * Takes the body in pieces, without body_limit; body_timeout_ns is then the longest
 * time without a piece, pauses excepted.
 *
 * @thread the loop's, inside head_fn only
 */
void http_stream_body(struct http_exchange *x,
                      const struct http_body_events *events,
                      void *arg);

/** Goes on after piece() returned false. */
void http_body_resume(struct http_exchange *x);

#endif
