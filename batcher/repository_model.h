/* SPDX-License-Identifier: Apache-2.0 */
/* How model.properties becomes a struct repository_model; for repository.c only. */
#ifndef BATCHER_REPOSITORY_MODEL_H
#define BATCHER_REPOSITORY_MODEL_H

#include "batcher/repository.h"

/** Reads FOLDER/model.properties into the model, whose arena is open and whose fields
 * are at their defaults; what is wrong is told in `broken`. @blocks for the disk */
void repository_model_read_properties(struct repository_model *m, const char *folder);

/** Notes why the model cannot be loaded; the first reason stays. */
void repository_model_break(struct repository_model *m, const char *format, ...)
    PRINTF_LIKE(2, 3);

#endif
