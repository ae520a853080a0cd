/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which versions a model has, which of them answers a request, and how one takes over
 * from another: the new one is loaded and warmed up beside the old one, which serves on
 * until that is ready, hands over what waits and has not begun, finishes the rest and
 * goes. A new version that cannot be loaded replaces nothing.
 */
#ifndef BATCHER_MODEL_VERSIONS_H
#define BATCHER_MODEL_VERSIONS_H

#include "batcher/model_state.h"

/** The repository has these versions now. @return STATUS_OK; STATUS_NO_MEMORY */
MUST_CHECK enum status model_take_versions(struct model *m, struct source *source);

/** Of the versions that take requests the one named by its number or a label, or the
 * newest if size is 0; NULL if there is none now. */
struct version *model_choose(const struct model *m, struct span named);

/** The version of that name, or any, that may come to take requests; or NULL. */
const struct version *model_expected(const struct model *m, struct span named);

/** Takes what is due a step on: who hands over, who leaves, who is forgotten. */
void model_steer(struct model *m);

/** Versions with a runner, or about to have one. */
bool model_is_open(const struct model *m);
bool model_is_loading(const struct model *m);

/** The version in whose place another one comes, as long as it is open; or NULL. */
struct version *model_precursor(const struct model *m, const struct version *heir);

#endif
