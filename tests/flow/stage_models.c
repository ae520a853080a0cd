/* SPDX-License-Identifier: Apache-2.0 */
/* See stage_models.h. */
#include "tests/flow/stage_models.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
stage_models_open(struct stage_models *m)
{
    snprintf(m->folder, sizeof m->folder, "/tmp/leat-flow-XXXXXX");
    cr_assert_not_null(mkdtemp(m->folder));
}

void
stage_models_add(const struct stage_models *m,
                 const char *name,
                 const char *properties,
                 int row_bytes)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", m->folder, name);
    cr_assert(mkdir(path, 0700) == 0 || errno == EEXIST);
    snprintf(path, sizeof path, "%s/%s/model.properties", m->folder, name);
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    bool sized = strstr(properties, "max.batch.size=") != NULL;
    fprintf(file, "platform=sim\n%sinput.0=x UINT8 -1,%d\n%s\n",
            sized ? "" : "max.batch.size=16\n", row_bytes, properties);
    fclose(file);
}

static int
remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

void
stage_models_add_version(const struct stage_models *m,
                         const char *name,
                         const char *version)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s/%s", m->folder, name, version);
    cr_assert_eq(mkdir(path, 0700), 0);
}

void
stage_models_remove(const struct stage_models *m, const char *path)
{
    char full[160];
    snprintf(full, sizeof full, "%s/%s", m->folder, path);
    cr_assert_eq(nftw(full, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void
stage_models_close(const struct stage_models *m)
{
    nftw(m->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
