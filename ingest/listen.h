/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an address to listen on can be reached only from this machine. Pure. */
#ifndef INGEST_LISTEN_H
#define INGEST_LISTEN_H

#include <stdbool.h>

/** @param[in] address "127.0.0.1:8080", "[::1]:0", "localhost:80" */
bool listen_is_loopback(const char *address);

#endif
