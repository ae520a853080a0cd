/* SPDX-License-Identifier: Apache-2.0 */
/* The admin listener: metrics and probes, apart from the callers' port. */
#ifndef INGEST_ADMIN_H
#define INGEST_ADMIN_H

#include "base/http_server.h"

/** Handler of the admin listener; arg is the ingest. */
void admin_handle(void *arg, struct http_exchange *x);

#endif
