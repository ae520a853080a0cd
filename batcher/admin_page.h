/* SPDX-License-Identifier: Apache-2.0 */
/* The admin listener's pages: /livez /readyz /startupz /metrics. */
#ifndef BATCHER_ADMIN_PAGE_H
#define BATCHER_ADMIN_PAGE_H

#include "base/http_server.h"

/** A handler of base/http_server.h. @param[in] arg the struct batcher */
void admin_page(void *arg, struct http_exchange *x);

#endif
