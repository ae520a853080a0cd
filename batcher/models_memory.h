/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets models load, within models.memory.max: who is asked for and finds no room has
 * others make it. One loads at a time then, as what it takes is known only afterwards.
 */
#ifndef BATCHER_MODELS_MEMORY_H
#define BATCHER_MODELS_MEMORY_H

#include "batcher/models_state.h"

/** Lets load what may. @return when it wants to be called next */
int64_t models_load_next(struct models *ms, int64_t now_ns);

/** Bytes that everything loaded takes. */
int64_t models_memory(const struct models *ms);

#endif
