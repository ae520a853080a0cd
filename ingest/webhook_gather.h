/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page of the deliveries of all instances: each is asked for its own, and the pages
 * are made into one. If one cannot tell, none is told of: a list that lacks some
 * without a word would be taken for the whole.
 */
#ifndef INGEST_WEBHOOK_GATHER_H
#define INGEST_WEBHOOK_GATHER_H

#include "base/http_server.h"
#include "ingest/tenant.h"
#include "results/results.h"

struct ingest;

/**
 * Takes the exchange over: it is answered with a page, or 503 while an owner is not
 * known, does not answer or has still to learn of its deliveries.
 * With internal.listen empty there is no way to the others: it tells of our own then.
 *
 * @param[in] page its tenant is the one of `tenant`
 */
void webhook_gather(struct ingest *ingest,
                    struct http_exchange *x,
                    const struct tenant *tenant,
                    const struct webhook_page *page);

/** Answers another instance with the page of this one. */
void webhook_page_respond(struct ingest *ingest,
                          struct http_exchange *x,
                          const struct webhook_page *page);

#endif
