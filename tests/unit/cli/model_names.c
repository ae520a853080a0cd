/* SPDX-License-Identifier: Apache-2.0 */
/* Which folders of a repository are models. */
#include "cli/model_names.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
has(const char **names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

Test(model_names, are_the_folders_with_a_properties_file)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const char **names = NULL;
    size_t count = 0;
    cr_assert_eq(model_names_read(LEAT_SOURCE_DIR "/tests/support/models", &arena,
                                  &names, &count),
                 STATUS_OK);
    cr_assert_eq(count, 4);
    cr_assert(has(names, count, "sim") && has(names, count, "poison") &&
              has(names, count, "echo") && has(names, count, "pair"));
    cr_assert_eq(model_names_read(LEAT_SOURCE_DIR "/models", &arena, &names, &count),
                 STATUS_OK);
    cr_assert_eq(count, 1, "scripts and other files are no models");
    cr_assert_str_eq(names[0], "digits");
    arena_fini(&arena);
}

Test(model_names, leave_out_hidden_folders_and_those_without_properties)
{
    char folder[] = "/tmp/leat-models-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    int at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(mkdirat(at, "empty", 0700), 0);
    cr_assert_eq(mkdirat(at, ".hidden", 0700), 0);
    int file = openat(at, ".hidden/model.properties", O_CREAT | O_CLOEXEC, 0600);
    cr_assert_geq(file, 0);
    close(file);
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const char **names = NULL;
    size_t count = 9;
    cr_assert_eq(model_names_read(folder, &arena, &names, &count), STATUS_OK);
    cr_assert_eq(count, 0);
    arena_fini(&arena);
    unlinkat(at, ".hidden/model.properties", 0);
    unlinkat(at, ".hidden", AT_REMOVEDIR);
    unlinkat(at, "empty", AT_REMOVEDIR);
    close(at);
    rmdir(folder);
}

Test(model_names, are_not_found_where_there_is_no_folder)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const char **names = NULL;
    size_t count = 0;
    cr_assert_eq(
        model_names_read(LEAT_SOURCE_DIR "/no/such/folder", &arena, &names, &count),
        STATUS_NOT_FOUND);
    arena_fini(&arena);
}
