/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys: whole in itself, and as docs/models.md tells it. */
#include "batcher/model_keys.h"

#include "batcher/model_value.h"

#include <criterion/criterion.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
check_row(const struct model_key *row)
{
    struct fault fault = {.text = ""};
    size_t size = strlen(row->help);
    cr_assert(size > 0 && row->help[size - 1] == '.', "%s has a help", row->name);
    cr_assert_null(strchr(row->help, '\n'), "%s", row->name);
    cr_assert_eq(model_value_check(row, row->example, &fault), STATUS_OK, "%s: %s",
                 row->name, fault.text);
    cr_assert_eq(model_value_check(row, "", &fault), STATUS_INVALID, "%s", row->name);
    cr_assert(row->start == NULL ||
                  model_value_check(row, row->start, &fault) == STATUS_OK,
              "%s", row->name);
}

Test(model_keys, have_a_help_and_an_example_that_is_right)
{
    for (size_t i = 0; i < model_key_count; i++) {
        check_row(&model_keys[i]);
    }
    for (size_t p = 0; p < model_platform_count; p++) {
        for (size_t i = 0; i < model_platforms[p].key_count; i++) {
            check_row(&model_platforms[p].keys[i]);
        }
    }
}

Test(model_keys, are_found_by_name_and_tensors_by_number)
{
    const struct model_platform *sim = model_platform_find("sim");
    cr_assert_not_null(model_key_find(NULL, "instances"));
    cr_assert_not_null(model_key_find(sim, "sim.alpha"));
    cr_assert_null(model_key_find(NULL, "sim.alpha"));
    cr_assert_str_eq(model_key_find(sim, "input.0")->name, "input.N");
    cr_assert_str_eq(model_key_find(sim, "output.31")->name, "output.N");
    static const char *const none[] = {"input.",   "input.N",   "input.32", "input.01",
                                       "input.-1", "input.1x",  "input",    "input.00",
                                       "",         "instances "};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        cr_assert_null(model_key_find(sim, none[i]), "%s", none[i]);
    }
}

/* Whether the row is named in the page: `input.0` for input.N. */
static bool
is_told(const char *page, const struct model_key *row)
{
    char quoted[80];
    snprintf(quoted, sizeof quoted, "`%s`", row->name);
    char *number = strstr(quoted, ".N`");
    if (number != NULL) {
        number[1] = '0';
    }
    return strstr(page, quoted) != NULL;
}

static void
expect_told(const char *page, const struct model_key *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cr_assert(is_told(page, &rows[i]), "docs/models.md tells nothing of %s",
                  rows[i].name);
    }
}

static bool
is_known(const char *key)
{
    bool known = model_key_find(NULL, key) != NULL;
    for (size_t p = 0; p < model_platform_count && !known; p++) {
        known = model_key_find(&model_platforms[p], key) != NULL ||
                model_key_is_own(&model_platforms[p], key);
    }
    return known;
}

/* The keys in the first cell of a table's row: | `a`, `b` | ... */
static void
expect_known(const char *row)
{
    const char *end = strchr(row + 1, '|');
    const char *at = strchr(row, '`');
    while (at != NULL && at < end) {
        size_t size = strcspn(at + 1, "`");
        char key[80];
        snprintf(key, sizeof key, "%.*s", (int)size, at + 1);
        cr_assert(is_known(key), "docs/models.md tells of %s, which is no key", key);
        at = strchr(at + size + 2, '`');
    }
}

/* Adds a page of docs/ to the text, if it is there. */
static size_t
append_page(char *text, size_t at, size_t size, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, LEAT_SOURCE_DIR "/docs/%s", name);
    FILE *file = fopen(path, "re");
    size_t read = file == NULL ? 0 : fread(text + at, 1, size - at - 1, file);
    if (file != NULL) {
        fclose(file);
    }
    text[at + read] = '\0';
    return at + read;
}

static char *
read_page(void)
{
    static char text[256 * 1024];
    size_t at = append_page(text, 0, sizeof text, "models.md");
    cr_assert(at > 0);
    append_page(text, at, sizeof text, "python.md");
    return text;
}

Test(model_keys, are_those_that_the_docs_tell_of)
{
    char *page = read_page();
    expect_told(page, model_keys, model_key_count);
    for (size_t p = 0; p < model_platform_count; p++) {
        /* A backend that this tree has no section for is told of with it. */
        char heading[64];
        snprintf(heading, sizeof heading, "\n## `%s`", model_platforms[p].name);
        if (strstr(page, heading) != NULL) {
            expect_told(page, model_platforms[p].keys, model_platforms[p].key_count);
        }
    }
    bool in_keys = false;
    char *rest = page;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        in_keys = line[0] == '|' && (in_keys || strncmp(line, "| Key |", 7) == 0);
        if (in_keys && strncmp(line, "| `", 3) == 0) {
            expect_known(line);
        }
    }
}
