/* SPDX-License-Identifier: Apache-2.0 */
/* How the tool talks to a running ingest: one blocking call, answers and errors in
 * words. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "base/buf.h"
#include "base/http_call.h"
#include "base/option.h"

struct client_config {
    const char *address; /* address: host:port of an ingest, behind https:// for TLS */
    const char *ca;      /* ca; NULL = the system's authorities */
    int64_t timeout_ns;  /* timeout */
    const char *key;     /* key; NULL = none */
};

extern const struct option client_options[];
extern const size_t client_option_count;

/**
 * Calls `http://address` + path (https where the address says so) and prints the
 * answer's body: to stdout on 2xx, else its detail to stderr.
 *
 * @param[in] headers of the call, at most 7; the key is added
 * @param[in] body empty for GET
 * @return an exit status of cli/verb.h
 * @blocks up to the timeout
 */
int client_call(const struct client_config *config,
                const char *method,
                const char *path,
                const struct http_header *headers,
                size_t header_count,
                struct span body);

/**
 * The whole of a file, or of standard input for "-".
 *
 * @return STATUS_OK; STATUS_NOT_FOUND; STATUS_TOO_LARGE over 64 MiB; STATUS_IO
 * @owner out is the caller's to fini
 */
MUST_CHECK enum status client_read_file(const char *path, struct buf *out);

#endif
