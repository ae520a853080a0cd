/* SPDX-License-Identifier: Apache-2.0 */
#include "batcher/source.h"

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { PATH_BYTES = 4096 };

struct source *
source_create(struct repository_model *m)
{
    struct source *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    s->model = *m;
    s->users = 1;
    s->placeholder = (struct repository_version){
        .name = m->version, .number = 1, .path = m->path, .fingerprint = m->terms};
    return s;
}

struct source *
source_share(struct source *s)
{
    s->users++;
    return s;
}

void
source_drop(struct source **source)
{
    struct source *s = *source;
    *source = NULL;
    if (s != NULL && --s->users == 0) {
        repository_model_close(&s->model);
        free(s);
    }
}

size_t
source_versions(const struct source *s)
{
    return s->model.version_count > 0 ? s->model.version_count : 1;
}

const struct repository_version *
source_version(const struct source *s, size_t i)
{
    return s->model.version_count > 0 ? &s->model.versions[i] : &s->placeholder;
}

int64_t
source_bytes(const struct repository_version *files)
{
    char root[PATH_BYTES];
    snprintf(root, sizeof root, "%s", files->path);
    char *const roots[] = {root, NULL};
    int64_t bytes = 0;
    FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    const FTSENT *entry;
    while (tree != NULL && (entry = fts_read(tree)) != NULL) {
        bytes += entry->fts_info == FTS_F ? entry->fts_statp->st_size : 0;
    }
    if (tree != NULL) {
        fts_close(tree);
    }
    return bytes;
}
