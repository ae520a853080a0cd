/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange about an id that another ingest owns is passed on to it, and its answer
 * passed back. What came from another instance is never passed on: loops are
 * impossible.
 */
#ifndef INGEST_FORWARD_H
#define INGEST_FORWARD_H

#include "base/http_server.h"
#include "base/uuid.h"
#include "ingest/tenant.h"

#include <stdbool.h>
#include <stdint.h>

struct ingest;

/**
 * Passes the exchange on if `id` is another's. If its owner cannot be reached or is not
 * known for a moment, it is tried again for one second, then answered 503. Should the
 * id become ours meanwhile, the exchange takes its route anew. What came from another
 * instance is answered 421 instead.
 *
 * @param[in] tenant who asks
 * @return true: it is taken over and will be answered; false: it is ours, or instances
 *         are not told of each other
 */
bool forward_exchange(struct ingest *ingest,
                      struct http_exchange *x,
                      const struct uuid *id,
                      const struct tenant *tenant);

/**
 * The same for an exchange that has waited here and goes on waiting there, as ?wait=.
 *
 * @param[in] ends_ns end of its wait, monotonic
 */
bool forward_wait(struct ingest *ingest,
                  struct http_exchange *x,
                  const struct uuid *id,
                  const struct tenant *tenant,
                  int64_t ends_ns);

/** Ends the waits that others hold for us, with 503: shutting down. */
void forward_end_waits(struct ingest *ingest);

#endif
