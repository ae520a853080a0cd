/* SPDX-License-Identifier: Apache-2.0 */
/* What `leat models` does, one function per word behind it; both return exit statuses.
 */
#ifndef CLI_MODELS_H
#define CLI_MODELS_H

#include "batcher/batcher.h"

#include <stdbool.h>

struct models_config {
    bool load;            /* load: check tries them in a runner */
    const char *platform; /* platform: of a model to begin; NULL: its files tell it */
    struct batcher_config batcher;
};

/**
 * Prints every mistake of a repository, or of one model if the path is a model's
 * folder, and what each version takes, gives and costs.
 *
 * @return EXIT_DONE; EXIT_CONFIG: there are mistakes; EXIT_FAILED: a version cannot be
 *         loaded
 * @blocks while models load
 */
int models_check(const struct models_config *config, const char *path);

/**
 * Writes REPOSITORY/NAME/model.properties, commented, with the folder of version 1.
 *
 * @return EXIT_DONE; EXIT_USAGE: the platform is not known; EXIT_FAILED: there is a
 *         model of that name, or it cannot be written
 */
int models_init(const struct models_config *config,
                const char *repository,
                const char *name);

#endif
