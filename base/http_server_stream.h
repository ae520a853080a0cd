/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers whose length is not known when they begin: event streams, results of any
 * number. What is written waits in memory of a fixed bound for a reader that is slower;
 * the writer is told when there is room again. Sent chunked, to an HTTP/1.0 client up
 * to the close of the connection.
 */
#ifndef BASE_HTTP_SERVER_STREAM_H
#define BASE_HTTP_SERVER_STREAM_H

#include "base/http_server.h"

struct http_stream; /* an answer on its way */

/* Called on the loop. */
struct http_stream_events {
    /** There is room again after STATUS_FULL. May write; may end the stream. NULL: not
     * told. */
    void (*writable)(void *arg, struct http_stream *s);
    /** The client went away, closed its sending side or took nothing for
     * write_timeout_ns; or the server is destroyed. The stream ends with the return of
     * this call, exactly once. Not called after http_stream_end(). */
    void (*gone)(void *arg, struct http_stream *s);
};

/* Bytes that wait for a slow reader at most, but for one larger piece. */
enum { HTTP_STREAM_BYTES_MAX = 256 * 1024 };

/**
 * Begins an answer instead of http_respond().
 *
 * @param[in] headers copied
 * @return NULL if nothing is to be written: the client is gone already, there is no
 *         memory, or it asked with HEAD; the exchange is ended then
 * @owner x is the server's again; the stream is the caller's until http_stream_end() or
 *        the return of gone()
 * @thread the loop's
 */
struct http_stream *http_respond_stream(struct http_exchange *x,
                                        int code,
                                        const struct http_header *headers,
                                        size_t header_count,
                                        const struct http_stream_events *events,
                                        void *arg);

/**
 * Appends to the answer.
 *
 * @param[in] bytes copied
 * @return STATUS_OK; STATUS_FULL: nothing was taken, writable() tells when to go on (a
 *         piece that alone is larger than the bound is taken once nothing waits)
 * @thread the loop's
 */
MUST_CHECK enum status http_stream_write(struct http_stream *s, struct span bytes);

/** What was written is sent, then the answer is complete. s is the server's again. */
void http_stream_end(struct http_stream *s);

#endif
