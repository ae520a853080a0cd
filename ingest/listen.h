/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two listeners of an ingest: the public one, and the admin's when it is asked for;
 * each in the clear or behind TLS.
 */
#ifndef INGEST_LISTEN_H
#define INGEST_LISTEN_H

#include "base/http_server.h"
#include "base/status.h"

#include <stdbool.h>

struct ingest;
struct ingest_config;

/** Whether a certificate has its key and a key its certificate, in words if not. */
MUST_CHECK enum status
listen_check(const struct ingest_config *config, struct fault *fault);

/**
 * Opens both, as far as configured. Raises the soft limit of descriptors to what the
 * connections need; where that is not allowed there are fewer connections.
 *
 * @param[in] head, handler of the public listener, called with the ingest
 */
MUST_CHECK enum status listen_open(struct ingest *ingest,
                                   http_head_fn head,
                                   http_handler_fn handler,
                                   struct fault *fault);

/** SIGHUP: reads certificates and keys again; those in use stay where that fails. */
void listen_reload(struct ingest *ingest);

/** Whether an address can be reached only from this machine. Pure.
 * @param[in] address "127.0.0.1:8080", "[::1]:0", "localhost:80" */
bool listen_is_loopback(const char *address);

#endif
