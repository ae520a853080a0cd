/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to the internal listener of another ingest: libcurl's thread of our own, keep-
 * alive, as many at once as there may be connections, and the token by which instances
 * know each other.
 */
#ifndef INGEST_PEER_CALL_H
#define INGEST_PEER_CALL_H

#include "base/http_call.h"
#include "base/loop.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* On the internal listener only; anywhere else they mean nothing. */
#define PEER_TOKEN_HEADER  "Leat-Forwarded" /* the token */
#define PEER_TENANT_HEADER "Leat-Tenant"    /* on whose behalf */
#define PEER_EXPECT_HEADER                                                             \
    "Leat-Expect" /* the id is under way, though not recorded                          \
                   */

struct peer_caller;

enum { PEER_HEADERS_MAX = 16 };

struct peer_request {
    const char *method;
    struct span path;  /* not yet percent-encoded */
    const char *query; /* encoded, without '?'; "" = none */
    struct http_header headers[PEER_HEADERS_MAX];
    size_t header_count;
    struct span body;
    int64_t timeout_ns;
};

/**
 * @param[in] token_file NULL: the token is one that everybody knows, for loopback only
 * @return STATUS_OK; STATUS_INVALID: no usable token in the file, in words; otherwise
 *         as http_caller_create()
 */
MUST_CHECK enum status peer_caller_open(struct peer_caller **out,
                                        struct loop *loop,
                                        const char *token_file,
                                        size_t parallel_max,
                                        struct fault *fault);

/** Calls under way end with STATUS_CLOSED. */
void peer_caller_close(struct peer_caller **caller);

/** In a time that says nothing of the token. @param[in] value as a header gave it */
bool peer_token_matches(const struct peer_caller *caller, struct span value);

/** As http_call_start(). @param[in] address host:port */
MUST_CHECK enum status peer_call_start(struct peer_caller *caller,
                                       const char *address,
                                       const struct peer_request *request,
                                       http_answer_fn fn,
                                       void *arg);

#endif
