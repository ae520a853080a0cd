/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call as libcurl sees it: its handle, what it copied from the caller, what came
 * back. Used by the caller's thread and by http_call_wait() alike. Belongs to
 * http_call.
 */
#ifndef BASE_HTTP_CALL_TRANSFER_H
#define BASE_HTTP_CALL_TRANSFER_H

#include "base/buf.h"
#include "base/http_call.h"

#include <curl/curl.h>

#include <stdbool.h>
#include <stddef.h>

struct http_transfer {
    CURL *curl;
    struct curl_slist *headers;
    struct buf *answer;  /* where the body goes */
    size_t answer_limit; /* bytes */
    size_t head_size;    /* bytes of answer head so far */
    bool allow_private;
    bool refused;   /* an address was not allowed */
    bool too_large; /* head or body passed its limit */
};

/** Sets libcurl up, once per process. @thread any */
void http_transfer_setup(void);

/**
 * Prepares a call; method, URL, headers and body are copied by libcurl.
 *
 * @return STATUS_OK; STATUS_INVALID for a bad URL; STATUS_UNSUPPORTED for a host
 *         or port that is not allowed; STATUS_NO_MEMORY; nothing is to be
 *         freed unless STATUS_OK
 * @thread any
 */
MUST_CHECK enum status http_transfer_init(struct http_transfer *t,
                                          const struct http_call *call,
                                          struct buf *answer);
void http_transfer_fini(struct http_transfer *t);

/** Whether the call names a host and a port that it may name. @thread any */
bool http_reach_holds(const struct http_call *call);

/** What a finished call is reported as. */
void http_transfer_read(const struct http_transfer *t,
                        CURLcode result,
                        struct http_answer *answer);

#endif
