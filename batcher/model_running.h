/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells which requests of a model its runners have had for half a second or longer.
 * What takes less is never told: its answer comes first, and telling costs a record. Of
 * an instance that is the batch whose turn it is, not one that waits behind it. The
 * model keeps what was told last.
 */
#ifndef BATCHER_MODEL_RUNNING_H
#define BATCHER_MODEL_RUNNING_H

#include "batcher/announce.h"
#include "batcher/model.h"

#include <stdbool.h>
#include <stdint.h>

/** Announces what runs for long if that has changed, at most twice a second, and every
 * 5 s while it stays. @return when it wants to be called next */
int64_t model_tell_running(struct model *m, struct announcer *a, int64_t now_ns);

/** Nothing is told of it that would have to be taken back. */
bool model_tells_none(const struct model *m);

#endif
