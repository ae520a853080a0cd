/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model's requests: from the record that the intake brought to the dispatcher or to
 * an answer at once, and back to the intake when all is acknowledged.
 */
#ifndef BATCHER_MODEL_ITEMS_H
#define BATCHER_MODEL_ITEMS_H

#include "batcher/model_state.h"

/** For the dispatcher; its arg is the model. */
extern const struct dispatcher_events model_items_events;

/** As intake_events.record and .revoked; arg is the model. */
void model_take(void *arg, struct record *r, uint32_t epoch);
void model_revoked(void *arg, int32_t partition, int64_t above);

#endif
