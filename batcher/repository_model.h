/* SPDX-License-Identifier: Apache-2.0 */
/* How model.properties becomes a struct repository_model; for repository.c only. */
#ifndef BATCHER_REPOSITORY_MODEL_H
#define BATCHER_REPOSITORY_MODEL_H

#include "batcher/repository.h"

/**
 * Reads FOLDER/model.properties into the model, whose arena is open and whose fields
 * are at their defaults; what is wrong becomes mistakes.
 *
 * @param[in] folder in the model's arena
 * @blocks for the disk
 */
void repository_model_read(struct repository_model *m, const char *folder);

/** The same for a text, as it stands in that file. @param[in] file in the arena */
void
repository_model_parse(struct repository_model *m, struct span text, const char *file);

/** No memory for what is wrong with a model: that alone is. */
void repository_model_no_memory(struct repository_model *m);

#endif
