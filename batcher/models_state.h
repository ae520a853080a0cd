/* SPDX-License-Identifier: Apache-2.0 */
/* What the models of a batcher have in common; for models.c and its neighbours only. */
#ifndef BATCHER_MODELS_STATE_H
#define BATCHER_MODELS_STATE_H

#include "batcher/announce.h"
#include "batcher/models.h"
#include "batcher/repository.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct models {
    struct model_context context;
    struct model **items;
    size_t count;
    size_t capacity;
    struct announcer *announcer;
    int64_t announce_at_ns;
    struct repository seen; /* as it was at the last look; no models: none since */
    int64_t look_at_ns;     /* TIME_NEVER = not */
    bool look_failed;       /* and that was told */
    bool draining;
};

/** The model of that name, or NULL. */
struct model *models_find(const struct models *ms, struct span name);

/** Takes a model of the repository in, or what is new about it. */
MUST_CHECK enum status
models_take(struct models *ms, struct repository_model *m, struct fault *fault);

#endif
