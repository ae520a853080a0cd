/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v2/models/{model}[/versions/{version}]/infer: held, unless Prefer says else. */
#ifndef INGEST_INFER_H
#define INGEST_INFER_H

#include "ingest/route.h"

void infer_post(struct ingest *ingest,
                struct http_exchange *x,
                const struct route_match *match);

#endif
