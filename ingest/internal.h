/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener for other ingests: the routes of the public one, for callers that show
 * the token. Only there it is believed on whose behalf a request comes and that it was
 * passed on; the public listener knows none of those headers.
 */
#ifndef INGEST_INTERNAL_H
#define INGEST_INTERNAL_H

#include "base/http_server.h"
#include "base/status.h"
#include "ingest/ingest.h"
#include "ingest/tenant.h"

#include <stdbool.h>

/** Whether the options go together. @return STATUS_OK; STATUS_INVALID in words */
MUST_CHECK enum status
internal_check(const struct ingest_config *config, struct fault *fault);

/**
 * Opens the listener and the way to the others; nothing if internal.listen is off or in
 * dev mode, where there is one ingest.
 */
MUST_CHECK enum status internal_open(struct ingest *ingest, struct fault *fault);

/** Where others reach this instance, host:port; NULL: nowhere. */
const char *internal_advertised(const struct ingest *ingest);

/** Whether a request came through the internal listener. */
bool internal_is_peer(const struct ingest *ingest, const struct http_exchange *x);

/** Whether a request may go on; else it is answered: 403. Public ones always may. */
bool internal_admits(struct ingest *ingest, struct http_exchange *x);

/** On whose behalf another instance asks; else it is answered: 503. */
bool internal_tenant(struct ingest *ingest,
                     struct http_exchange *x,
                     const struct tenant **tenant);

#endif
