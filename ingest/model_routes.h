/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The read-only calls of the Open Inference Protocol V2: health, server and model
 * metadata, configuration, repository index, as Triton's and KServe's clients expect
 * them.
 */
#ifndef INGEST_MODEL_ROUTES_H
#define INGEST_MODEL_ROUTES_H

#include "ingest/route.h"

void server_get(struct ingest *ingest,
                struct http_exchange *x,
                const struct route_match *match);
void server_get_live(struct ingest *ingest,
                     struct http_exchange *x,
                     const struct route_match *match);
void server_get_ready(struct ingest *ingest,
                      struct http_exchange *x,
                      const struct route_match *match);
void models_get(struct ingest *ingest,
                struct http_exchange *x,
                const struct route_match *match);
void model_get(struct ingest *ingest,
               struct http_exchange *x,
               const struct route_match *match);
void model_get_ready(struct ingest *ingest,
                     struct http_exchange *x,
                     const struct route_match *match);
void model_get_config(struct ingest *ingest,
                      struct http_exchange *x,
                      const struct route_match *match);
void repository_post_index(struct ingest *ingest,
                           struct http_exchange *x,
                           const struct route_match *match);

#endif
