/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhooks as their tenant sees them: GET /v1/webhooks lists how deliveries stand, page
 * by page, whichever instance owns them; POST /v1/webhooks/{id}/redeliver begins one
 * anew. What a receiver answered is told as a class only.
 */
#ifndef INGEST_WEBHOOK_H
#define INGEST_WEBHOOK_H

#include "ingest/route.h"

/** ?state=pending|delivered|exhausted|stopped, ?limit=1…1000, ?from=id */
void webhooks_get(struct ingest *ingest,
                  struct http_exchange *x,
                  const struct route_match *match);

void webhook_post_redeliver(struct ingest *ingest,
                            struct http_exchange *x,
                            const struct route_match *match);

#endif
