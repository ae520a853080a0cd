/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See model_folder.h. Sums of hashes do not depend on the order in which a disk lists
 * its files. Python writes __pycache__ beside what it imports, so loading a model would
 * change it.
 */
#include "batcher/model_folder.h"

#include "batcher/version_policy.h"

#include <ctype.h>
#include <dirent.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FOLDERS_MAX = 1024, DEPTH_MAX = 8, PATH_BYTES = 4096 };

static int
newest_first(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return left < right ? 1 : left > right ? -1 : 0;
}

/* v2, 01, 1.0, 2-old: somebody may think that it is served. */
static bool
looks_like_version(const char *name)
{
    bool letter = *name == 'v' || *name == 'V';
    return isdigit((unsigned char)name[letter ? 1 : 0]);
}

static bool
is_folder(const char *path, const struct dirent *entry)
{
    char full[PATH_BYTES];
    struct stat info;
    int size = snprintf(full, sizeof full, "%s/%s", path, entry->d_name);
    return entry->d_name[0] != '.' && size > 0 && (size_t)size < sizeof full &&
           stat(full, &info) == 0 && S_ISDIR(info.st_mode);
}

static enum status
take_folder(struct model_folder *out, const char *name, struct arena *arena)
{
    uint32_t number = version_number(name);
    if (number != 0 && out->count < FOLDERS_MAX) {
        out->numbers[out->count++] = number;
    } else if (looks_like_version(name) && out->stray_count < FOLDERS_MAX) {
        const char *copy = arena_text(arena, span_of_text(name));
        if (copy == NULL) {
            return STATUS_NO_MEMORY;
        }
        out->strays[out->stray_count++] = copy;
    }
    return STATUS_OK;
}

enum status
model_folder_read(struct model_folder *out, const char *path, struct arena *arena)
{
    *out = (struct model_folder){
        .numbers = arena_array(arena, FOLDERS_MAX, sizeof *out->numbers),
        .strays = arena_array(arena, FOLDERS_MAX, sizeof *out->strays)};
    if (out->numbers == NULL || out->strays == NULL) {
        return STATUS_NO_MEMORY;
    }
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return STATUS_NOT_FOUND;
    }
    enum status status = STATUS_OK;
    const struct dirent *entry;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this function's own */
    while (status == STATUS_OK && (entry = readdir(dir)) != NULL) {
        if (is_folder(path, entry)) {
            status = take_folder(out, entry->d_name, arena);
        }
    }
    closedir(dir);
    qsort(out->numbers, out->count, sizeof *out->numbers, newest_first);
    return status;
}

static uint64_t
mix(uint64_t hash, uint64_t number)
{
    return (hash ^ number ^ number >> 29) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t
hash_file(const char *name, const struct stat *info)
{
    uint64_t hash = 1;
    for (const char *c = name; *c != '\0'; c++) {
        hash = mix(hash, (unsigned char)*c);
    }
    hash = mix(hash, (uint64_t)info->st_size);
    hash = mix(hash, (uint64_t)info->st_mtim.tv_sec);
    return mix(hash, (uint64_t)info->st_mtim.tv_nsec);
}

static bool
is_passed_over(const FTSENT *entry)
{
    return entry->fts_level > 0 &&
           (entry->fts_name[0] == '.' || strcmp(entry->fts_name, "__pycache__") == 0 ||
            strcmp(entry->fts_name, "model.properties") == 0);
}

uint64_t
model_folder_fingerprint(const char *path, bool deep)
{
    char root[PATH_BYTES];
    snprintf(root, sizeof root, "%s", path);
    char *const roots[] = {root, NULL};
    size_t skip = strlen(root);
    uint64_t sum = 0;
    FTS *tree = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    FTSENT *entry;
    while (tree != NULL && (entry = fts_read(tree)) != NULL) {
        bool too_deep = entry->fts_level > (deep ? DEPTH_MAX : 1);
        if (too_deep || is_passed_over(entry) ||
            (!deep && entry->fts_level == 1 && entry->fts_info == FTS_D)) {
            fts_set(tree, entry, FTS_SKIP);
        } else if (entry->fts_info == FTS_F) {
            sum += hash_file(entry->fts_path + skip, entry->fts_statp);
        }
    }
    if (tree != NULL) {
        fts_close(tree);
    }
    return sum == 0 ? 1 : sum;
}
