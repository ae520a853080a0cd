/* SPDX-License-Identifier: Apache-2.0 */
/* Self-signed certificates in a folder of their own, and a TLS client that reads by
 * turning the server's loop. */
#ifndef TESTS_TLS_SIDE_H
#define TESTS_TLS_SIDE_H

#include "http_side.h"

#include <gnutls/gnutls.h>

struct tls_files {
    char folder[64];
    char certificate[96];
    char key[96];
};

/** Makes the folder and one pair. */
void tls_files_create(struct tls_files *files, const char *name);

/** Writes a new pair of another name over the files. */
void tls_files_replace(struct tls_files *files, const char *name);
void tls_files_remove(struct tls_files *files);

struct tls_client {
    struct client *raw; /* its socket; what is read is put into its text */
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;
};

/** Connects and shakes hands. @param[in] priorities NULL = the usual ones */
struct tls_client *tls_open(struct side *side, const char *priorities);

/** The result of the handshake of a client that may fail: 0 or a GnuTLS error. */
int tls_try(struct side *side, const char *priorities, struct tls_client **client);

void tls_send(struct tls_client *client, const char *text);

/** Turns until the text has come. @return whether it did */
bool tls_await(struct tls_client *client, const char *text);

/** Common name in the server's certificate. */
void tls_peer_name(const struct tls_client *client, char *name, size_t size);

/** Closes the socket, with a farewell if polite. */
void tls_close(struct tls_client **client, bool polite);

#endif
