/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A version loaded once, in a runner as a batcher would start it, to see whether it can
 * be: what it takes and gives, and what its warm-up measured. Then the runner is ended.
 */
#ifndef BATCHER_TRIAL_H
#define BATCHER_TRIAL_H

#include "base/arena.h"
#include "base/status.h"
#include "batcher/batcher.h"
#include "batcher/model_spec.h"
#include "batcher/repository.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRIAL_COSTS_MAX = 64 };

struct trial {
    bool loaded;
    char reason[240]; /* why not */
    int64_t took_ns;  /* from the start of the runner, warm-up and all */
    struct model_spec spec;
    struct model_cost costs[TRIAL_COSTS_MAX]; /* ascending rows */
    size_t cost_count;
    int64_t memory_bytes; /* of the runner on the host; 0: not known */
    int64_t device_bytes; /* of all instances on their device; 0: none, or not told */
    struct arena arena;   /* of the spec's names */
};

/**
 * Loads a version with all its instances.
 *
 * @param[in]  config runner_command and slot_bytes
 * @param[in]  m has no `broken`
 * @param[out] out to be closed by trial_close(), also on error
 * @return STATUS_OK, whether it could be loaded or not; else what kept it from being
 *         tried
 * @blocks until it is loaded or not; at most its load.timeout
 */
MUST_CHECK enum status trial_run(struct trial *out,
                                 const struct batcher_config *config,
                                 const struct repository_model *m,
                                 const struct repository_version *version,
                                 struct fault *fault);
void trial_close(struct trial *t);

#endif
