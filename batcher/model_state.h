/* SPDX-License-Identifier: Apache-2.0 */
/* What a model of a batcher is made of; for model.c, model_versions.c, model_items.c
 * and model_running.c only. */
#ifndef BATCHER_MODEL_STATE_H
#define BATCHER_MODEL_STATE_H

#include "batcher/intake.h"
#include "batcher/item.h"
#include "batcher/lobby.h"
#include "batcher/model.h"
#include "batcher/version.h"

#include <stdbool.h>

/** What is to become of a model. */
enum model_wish {
    WISH_LOADED,
    WISH_ON_DEMAND, /* loaded while there are requests for it, or nobody needs its room
                     */
    WISH_UNLOADED   /* by order: its requests wait in Kafka */
};

struct model {
    struct model_context context;
    char *name;
    struct version *versions;     /* newest first; of one number the wanted one first */
    struct version_labels labels; /* as they were in the last file without mistakes */
    struct item_pool pool;
    struct lobby lobby;
    struct intake *intake; /* from the first load on, or from the start on demand */
    enum model_wish wish;
    bool draining;
    bool removed;         /* from the repository */
    bool insists;         /* an order or a request wants it loaded: others make room */
    int64_t asked_ns;     /* when the last request came; 0 = never */
    int64_t wanting_ns;   /* since when a version waits to be loaded; 0 = none does */
    int64_t order_us;     /* issue of the last order, wall; 0 = none */
    int64_t obeyed_us;    /* as model_info.obeyed_us */
    int64_t memory_bytes; /* as measured last of any of its versions; 0 = never */
    int64_t device_bytes; /* likewise */
    char trouble[240];    /* why it has no intake, "" = none */
    char waiting_for[320];

    /* model_running.c */
    uint64_t running_mark; /* of what was told to run last; 0 = nothing */
    int64_t running_told_ns;
};

#endif
