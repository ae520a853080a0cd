/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the answer to an item goes, and which of its request's headers go with it.
 */
#ifndef BATCHER_ADDRESS_H
#define BATCHER_ADDRESS_H

#include "base/status.h"
#include "batcher/item.h"

#include <stdbool.h>

/**
 * Finds out where the answer goes; without a wish of the request: the replies topic.
 *
 * @return STATUS_OK; STATUS_INVALID with the reason, the destination being the replies
 *         topic then
 */
MUST_CHECK enum status address_find(struct item *it, struct fault *fault);

/** The answer goes to the replies topic. */
void address_reset(struct item *it);

/**
 * Copies the caller's headers that travel with the answer.
 *
 * @param[in] for_route also those that the next step of a route needs
 */
void address_headers(struct item *it, bool for_route);

#endif
