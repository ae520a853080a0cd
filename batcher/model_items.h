/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model's requests: from the record that the intake brought to the dispatcher of a
 * version, the lobby or an answer at once, from one version to the next, and back to
 * the intake when all is acknowledged.
 */
#ifndef BATCHER_MODEL_ITEMS_H
#define BATCHER_MODEL_ITEMS_H

#include "batcher/model_state.h"

/** For the dispatchers; their arg is the version, an item's owner the model. */
extern const struct dispatcher_events model_items_events;

/** As intake_events.record and .revoked; arg is the model. */
void model_take(void *arg, struct record *r, uint32_t epoch);
void model_revoked(void *arg, int32_t partition, int64_t above);

/** Gives what waits in the lobby to the versions that can take it now. */
void model_empty_lobby(struct model *m);

/** Answers what waited in the lobby for too long. @return when it is to be called next
 */
int64_t model_expire_lobby(struct model *m, int64_t now_ns);

/** Gives everything in the lobby back unanswered. */
void model_drop_lobby(struct model *m, int32_t partition);

/** What waits for `from` and does not name it goes to `to`, if that takes the same
 * tensors; else `from` finishes it. */
void model_hand_over(struct model *m, struct version *from, struct version *to);

/** The same for what names it by the label. */
void model_hand_over_label(struct model *m,
                           struct version *from,
                           struct version *to,
                           const struct version_label *label);

/** What waits for `from` goes to the lobby, for a version that is loaded after it. */
void model_vacate(struct model *m, struct version *from);

/** Answers the item CANCELED if it has not begun to run. */
void model_cancel_item(struct model *m, struct item *it);

#endif
