/* SPDX-License-Identifier: Apache-2.0 */
/* A listening TCP socket from "host:port". Belongs to http_server. */
#ifndef BASE_HTTP_SERVER_LISTEN_H
#define BASE_HTTP_SERVER_LISTEN_H

#include "base/status.h"

#include <stddef.h>

/**
 * Binds and listens.
 *
 * @param[in] where "127.0.0.1:8080", "[::1]:8080", ":8080" (every address), a name
 * @param[out] fd set only on STATUS_OK; non-blocking
 * @param[out] bound the address really bound, in the same form
 * @return STATUS_OK; STATUS_INVALID for a bad address; STATUS_IO if it cannot be bound
 */
MUST_CHECK enum status http_server_listen(
    const char *where, int *fd, char *bound, size_t bound_size, struct fault *fault);

#endif
