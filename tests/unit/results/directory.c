/* SPDX-License-Identifier: Apache-2.0 */
/* Removes one level of files: a store makes no directories. */
#include "directory.h"

#include <criterion/criterion.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void
directory_create(struct directory *d)
{
    snprintf(d->path, sizeof d->path, "/tmp/leat-results-XXXXXX");
    cr_assert_not_null(mkdtemp(d->path));
}

void
directory_remove(struct directory *d)
{
    DIR *dir = opendir(d->path);
    cr_assert_not_null(dir);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        unlinkat(dirfd(dir), e->d_name, 0);
    }
    closedir(dir);
    cr_assert_eq(rmdir(d->path), 0);
}

const char *
directory_write(const struct directory *d, const char *name, const char *text)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", d->path, name);
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}
