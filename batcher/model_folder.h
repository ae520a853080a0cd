/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model's folder on the disk: which version folders it has, and a fingerprint of
 * files by their names, sizes and times, so that whoever polls a repository knows what
 * is another one now.
 */
#ifndef BATCHER_MODEL_FOLDER_H
#define BATCHER_MODEL_FOLDER_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model_folder {
    uint32_t *numbers; /* of the version folders, newest first; in the arena */
    size_t count;
    /* Folders that look like versions and are none, such as v2 or 01: names. */
    const char **strays;
    size_t stray_count;
};

/**
 * Reads the names in a folder.
 *
 * @return STATUS_OK; STATUS_NOT_FOUND if it cannot be read; STATUS_NO_MEMORY
 * @blocks for the disk
 */
MUST_CHECK enum status
model_folder_read(struct model_folder *out, const char *path, struct arena *arena);

/**
 * Of the files in the folder and below it; hidden ones, __pycache__ and
 * model.properties (which is compared by its content) do not count.
 *
 * @param[in] deep false: the folder's own files only
 * @return never 0
 * @blocks for the disk
 */
uint64_t model_folder_fingerprint(const char *path, bool deep);

#endif
