/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v2/repository/models/{model}/load and /unload: an order on the control topic,
 * which every batcher reads. It is answered when every batcher that has the model says
 * in the models topic what came of it: 200, or 409 with the reason of the one that
 * failed. With ?wait=s for so long at most, ?wait=0: as soon as Kafka has the order.
 */
#ifndef INGEST_MODEL_ORDER_H
#define INGEST_MODEL_ORDER_H

#include "ingest/catalogue.h"
#include "ingest/route.h"

#include <stdint.h>

struct model_order;

/* Orders whose callers wait. */
struct model_order_list {
    struct model_order *first;
};

void model_post_load(struct ingest *ingest,
                     struct http_exchange *x,
                     const struct route_match *match);
void model_post_unload(struct ingest *ingest,
                       struct http_exchange *x,
                       const struct route_match *match);

/** A model has a new state. */
void model_orders_heard(struct ingest *ingest, const struct catalogue_model *model);

/** Answers who has waited long enough. @return when it wants to be called next */
int64_t model_orders_turn(struct ingest *ingest, int64_t now_ns);

#endif
