/* SPDX-License-Identifier: Apache-2.0 */
/* The names of the models in a repository, for whoever makes their topics. */
#ifndef CLI_MODEL_NAMES_H
#define CLI_MODEL_NAMES_H

#include "base/arena.h"
#include "base/status.h"

#include <stddef.h>

/**
 * Folders of a repository that hold a model.properties.
 *
 * @param[out] names in the arena
 * @return STATUS_OK; STATUS_NOT_FOUND if the folder cannot be read; STATUS_NO_MEMORY
 */
MUST_CHECK enum status model_names_read(const char *repository,
                                        struct arena *arena,
                                        const char ***names,
                                        size_t *count);

#endif
