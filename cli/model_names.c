/* SPDX-License-Identifier: Apache-2.0 */
/* A model is a folder with a model.properties; everything else in there is ignored. */
#include "cli/model_names.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

enum { MODELS_MAX = 1024 };

static bool
is_model(const char *repository, const char *name)
{
    char path[4096];
    int size = snprintf(path, sizeof(path), "%s/%s/model.properties", repository, name);
    return name[0] != '.' && size > 0 && (size_t)size < sizeof(path) &&
           access(path, R_OK) == 0;
}

enum status
model_names_read(const char *repository,
                 struct arena *arena,
                 const char ***names,
                 size_t *count)
{
    DIR *dir = opendir(repository);
    if (dir == NULL) {
        return STATUS_NOT_FOUND;
    }
    *count = 0;
    *names = arena_array(arena, MODELS_MAX, sizeof(char *));
    enum status status = *names == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    struct dirent *entry = NULL;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this function's own */
    while (status == STATUS_OK && *count < MODELS_MAX &&
           (entry = readdir(dir)) != NULL) {
        if (!is_model(repository, entry->d_name)) {
            continue;
        }
        (*names)[*count] = arena_text(arena, span_of_text(entry->d_name));
        status = (*names)[*count] == NULL ? STATUS_NO_MEMORY : STATUS_OK;
        (*count)++;
    }
    closedir(dir);
    return status;
}
