/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks at the repository again: by time, on a signal or by order. By time only what
 * two looks in a row found alike is taken, as the first may have come in the middle of
 * a copy; a signal and an order say that it is whole.
 */
#ifndef BATCHER_MODELS_POLL_H
#define BATCHER_MODELS_POLL_H

#include "batcher/models_state.h"

/** Looks if it is time. @return when it wants to be called next @blocks for the disk */
int64_t models_poll(struct models *ms, int64_t now_ns);

/** Takes what is there now. @param[in] name of the only model concerned; size 0: all */
void models_look(struct models *ms, struct span name);

#endif
