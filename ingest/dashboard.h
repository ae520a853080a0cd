/* SPDX-License-Identifier: Apache-2.0 */
/* The page at /, the numbers it shows, and the API document. */
#ifndef INGEST_DASHBOARD_H
#define INGEST_DASHBOARD_H

#include "ingest/route.h"

void dashboard_get(struct ingest *ingest,
                   struct http_exchange *x,
                   const struct route_match *match);
void dashboard_get_icon(struct ingest *ingest,
                        struct http_exchange *x,
                        const struct route_match *match);
void dashboard_get_status(struct ingest *ingest,
                          struct http_exchange *x,
                          const struct route_match *match);
void dashboard_get_openapi(struct ingest *ingest,
                           struct http_exchange *x,
                           const struct route_match *match);

#endif
