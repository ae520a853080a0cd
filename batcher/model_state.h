/* SPDX-License-Identifier: Apache-2.0 */
/* What a model of a batcher is made of; for model.c and model_items.c only. */
#ifndef BATCHER_MODEL_STATE_H
#define BATCHER_MODEL_STATE_H

#include "base/arena.h"
#include "batcher/dispatcher.h"
#include "batcher/intake.h"
#include "batcher/item.h"
#include "batcher/loader.h"
#include "batcher/model.h"

#include <stdbool.h>

struct model {
    struct model_context context;
    const struct repository_model *source;
    struct model_spec spec;
    struct arena names; /* of the spec */
    struct loader loader;
    struct dispatcher dispatcher;
    struct item_pool pool;
    struct intake *intake; /* from the first load on */
    enum model_state state;
    bool draining;
    char reason[240];
    char waiting_for[320];
};

#endif
