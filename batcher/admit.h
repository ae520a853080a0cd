/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the bytes of a record to an item that may wait for its batch: decodes it and
 * works out its deadline; then, once there is a model to hold it against, checks it and
 * works out rows, bytes and shape signature.
 */
#ifndef BATCHER_ADMIT_H
#define BATCHER_ADMIT_H

#include "base/status.h"
#include "batcher/batching.h"
#include "batcher/item.h"
#include "batcher/model_spec.h"

#include <stdint.h>

/** The moment on both clocks. */
struct moment {
    int64_t mono_ns;
    int64_t wall_us;
};

/** What requests of a model are held against. */
struct admit_terms {
    const struct model_spec *spec;
    const struct batching *batching;
    uint64_t slot_bytes;   /* of a slot, which a request must fit */
    int64_t reply_time_ns; /* an answer takes so long to arrive: outbox_reply_time() */
};

enum admit_verdict {
    ADMIT_OK,
    ADMIT_EXPIRED,
    ADMIT_CANCELED,
    ADMIT_REFUSED,       /* answer it FAILED */
    ADMIT_UNREADABLE,    /* dead letter; the id could be read */
    ADMIT_UNIDENTIFIABLE /* dead letter; not even the id */
};

/**
 * Decodes the record into the item and works out what does not depend on the model's
 * tensors. Its deadline is for the end of the run: the time that the answer takes is
 * taken off.
 *
 * @param[in]  terms of the spec only model and version count
 * @param[out] fault why, if it is unreadable
 * @return ADMIT_OK, ADMIT_UNREADABLE, ADMIT_UNIDENTIFIABLE
 */
enum admit_verdict admit_read(struct item *it,
                              const struct admit_terms *terms,
                              const struct moment *now,
                              struct fault *fault);

/**
 * Holds an item that was read against the model that is to answer it.
 *
 * @param[out] fault why, if it is refused
 * @return ADMIT_OK, ADMIT_EXPIRED, ADMIT_REFUSED
 */
enum admit_verdict admit_fit(struct item *it,
                             const struct admit_terms *terms,
                             int64_t now_ns,
                             struct fault *fault);

#endif
