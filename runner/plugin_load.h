/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call of a plug-in's load(): what it is lent, and the tensors that it tells. The
 * plug-in is handed `lent`, the first member, and comes back with its address.
 */
#ifndef RUNNER_PLUGIN_LOAD_H
#define RUNNER_PLUGIN_LOAD_H

#include "base/status.h"
#include "runner/backend.h"

#include <leat/plugin.h>
#include <stdint.h>

struct plugin_load {
    struct leat_load lent;
    const struct model_source *source;
    struct model told; /* the tensors by add_input() and add_output() */
    struct leat_tensor inputs[LEAT_TENSORS_MAX]; /* of the properties */
    struct leat_tensor outputs[LEAT_TENSORS_MAX];
    struct fault fault; /* of the first thing that went wrong */
};

/** Everything borrowed while `out` lives, which is not moved. */
void plugin_load_init(struct plugin_load *out,
                      const struct model_source *source,
                      const struct model *model,
                      const struct leat_log *log);

/**
 * What the call came to: the tensors of the model, told or of the properties.
 *
 * @param[in]     outcome what load() returned
 * @param[in,out] model   its tensors set on STATUS_OK
 * @return STATUS_OK; STATUS_INVALID, STATUS_TOO_LARGE or STATUS_NO_MEMORY in words
 */
MUST_CHECK enum status plugin_load_end(const struct plugin_load *l,
                                       int outcome,
                                       struct model *model,
                                       struct fault *fault);

#endif
