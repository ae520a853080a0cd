/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate and key of a TLS listener, read from PEM files and read again on
 * request: handshakes that begin later use the new ones. Belongs to http_server.
 */
#ifndef BASE_HTTP_SERVER_TLS_H
#define BASE_HTTP_SERVER_TLS_H

#include "base/status.h"

#include <gnutls/abstract.h>
#include <stdint.h>

struct http_tls;

/** What libmicrohttpd is to offer: TLS 1.2 and 1.3, forward secret, authenticated. */
extern const char http_tls_priorities[];

/**
 * Reads both files.
 *
 * @param[in] certificate path of the server's certificate, then those that lead to a
 *            root; the paths are borrowed until http_tls_close()
 * @param[out] fault which file, and what is wrong with it
 * @return STATUS_OK; STATUS_INVALID; STATUS_NO_MEMORY
 */
MUST_CHECK enum status http_tls_open(struct http_tls **out,
                                     const char *certificate,
                                     const char *key,
                                     struct fault *fault);

/**
 * Reads them again; keeps those in use if anything is wrong.
 *
 * @param[in] handshake_ns longest time between the begin of a handshake and its end
 * @return as http_tls_open()
 */
MUST_CHECK enum status http_tls_reload(struct http_tls *tls,
                                       int64_t now_ns,
                                       int64_t handshake_ns,
                                       struct fault *fault);

void http_tls_close(struct http_tls **tls);

/** For GnuTLS' retrieve function: what a handshake that begins now uses. */
void http_tls_current(const struct http_tls *tls,
                      gnutls_pcert_st **chain,
                      unsigned *chain_length,
                      gnutls_privkey_t *key);

#endif
