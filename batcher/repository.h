/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model repository: models/<name>/model.properties and one folder per version,
 * named by its number; the newest is served. A model that cannot be read is listed with
 * the reason, so that it can be announced as FAILED.
 */
#ifndef BATCHER_REPOSITORY_H
#define BATCHER_REPOSITORY_H

#include "base/arena.h"
#include "base/option.h"
#include "base/status.h"
#include "batcher/batching.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_INSTANCES_MAX = 8 };

/** One model of the repository; texts live as long as the repository. */
struct repository_model {
    const char *name;
    const char *version;     /* "1" if there is no version folder */
    const char *path;        /* of the version folder, or of the model's own */
    const char *platform;    /* platform */
    const char *device;      /* device; "cpu" by default */
    uint32_t max_batch_size; /* max.batch.size; 0 = does not batch */
    uint32_t instances;      /* instances */
    bool allow_nan;          /* outputs.nan=allow */
    struct batching batching;
    struct property_list properties; /* for the runner: other keys, batch.buckets */
    const char *broken;              /* why it cannot be loaded, or NULL */
};

struct repository {
    struct arena arena;
    struct repository_model *models; /* by name */
    size_t count;
};

/**
 * Reads the repository.
 *
 * @param[in]  load "*" or the names wanted, comma-separated
 * @param[out] out  to be closed also on error
 * @return STATUS_OK; STATUS_NOT_FOUND for a folder or a wanted model that is not there;
 *         STATUS_INVALID; STATUS_IO; STATUS_NO_MEMORY, with the reason
 */
MUST_CHECK enum status repository_open(struct repository *out,
                                       const char *path,
                                       const char *load,
                                       struct fault *fault);
void repository_close(struct repository *r);

#endif
