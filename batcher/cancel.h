/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which requests somebody cancelled lately: a cancel travels on another topic than its
 * request and may overtake it, so it is remembered until the request must have come.
 * Kept per id and tenant, because only the tenant of a request may cancel it; bounded,
 * the oldest is forgotten first. Pure.
 */
#ifndef BATCHER_CANCEL_H
#define BATCHER_CANCEL_H

#include "base/map.h"
#include "base/span.h"
#include "base/status.h"
#include "base/uuid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cancel;

struct cancels {
    struct map by_key;    /* of id and tenant */
    struct cancel *first; /* oldest */
    struct cancel **end;
    size_t count_max;
    int64_t keep_ns;
};

/** @param[in] keep_ns how long a cancel is remembered */
void cancels_init(struct cancels *c, size_t count_max, int64_t keep_ns, uint64_t seed);
void cancels_fini(struct cancels *c);

/**
 * Remembers a cancel; one that is known already keeps its time.
 *
 * @return STATUS_OK; STATUS_NO_MEMORY
 */
MUST_CHECK enum status cancels_add(struct cancels *c,
                                   const struct uuid *id,
                                   struct span tenant,
                                   int64_t now_ns);

/** Whether this tenant cancelled this request. */
bool cancels_has(const struct cancels *c,
                 const struct uuid *id,
                 struct span tenant,
                 int64_t now_ns);

#endif
