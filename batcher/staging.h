/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the lanes of a device ask of one model: when its next batch is due and how
 * urgent it is; to close it and gather it into a slot; to hand it to the runner. And
 * the way back, for a batch that the runner has not taken yet.
 */
#ifndef BATCHER_STAGING_H
#define BATCHER_STAGING_H

#include "batcher/device.h"
#include "batcher/dispatcher.h"
#include "batcher/former.h"

#include <stdbool.h>
#include <stdint.h>

/** For users whose arg is the struct dispatcher. */
extern const struct lane_ops staging_ops;

/** What the former is told when it closes for that lane. */
struct former_ask
staging_ask(const struct dispatcher *d, unsigned index, const struct lane_state *state);

/**
 * Takes a batch that has not begun out of its slot, to be run again next.
 *
 * @return false: the runner has taken it
 */
bool staging_recall(struct dispatcher *d, unsigned index, unsigned slot);

#endif
