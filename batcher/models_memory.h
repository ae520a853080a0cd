/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets models load, within models.memory.max on the host and models.device.memory.max
 * on each device: who is asked for and finds no room has others of that memory make it.
 * One loads at a time then, as what it takes is known only afterwards. Without limits
 * too a device may turn out to be full: then room is made for the load that failed.
 */
#ifndef BATCHER_MODELS_MEMORY_H
#define BATCHER_MODELS_MEMORY_H

#include "batcher/models_state.h"

/** Lets load what may. @return when it wants to be called next */
int64_t models_load_next(struct models *ms, int64_t now_ns);

#endif
