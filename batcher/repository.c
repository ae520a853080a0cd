/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads folders and model.properties files: `key=value` lines, `#` and `!` begin a
 * comment. The batcher reads the keys it needs; the rest is the runner's to judge.
 */
#include "batcher/repository.h"

#include "batcher/batching.h"
#include "runner/protocol.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MODELS_MAX = 256,
    PROPERTIES_MAX = 256,
    LINE_BYTES = 4096,
    PATH_BYTES = 4096,
    REPOSITORY_BYTES = 8 * 1024 * 1024,
};

static bool
is_wanted(const char *load, const char *name)
{
    if (strcmp(load, "*") == 0) {
        return true;
    }
    size_t size = strlen(name);
    while (*load != '\0') {
        load += strspn(load, ", ");
        size_t length = strcspn(load, ", ");
        if (length == size && memcmp(load, name, size) == 0) {
            return true;
        }
        load += length;
    }
    return false;
}

/** Trims blanks from both ends, in place. */
static char *
trim(char *text)
{
    while (isspace((unsigned char)*text)) {
        text++;
    }
    size_t size = strlen(text);
    while (size > 0 && isspace((unsigned char)text[size - 1])) {
        size--;
    }
    text[size] = '\0';
    return text;
}

static const char *
broken_set(struct repository *r, struct repository_model *m, const char *format, ...)
    PRINTF_LIKE(3, 4);

static const char *
broken_set(struct repository *r, struct repository_model *m, const char *format, ...)
{
    char text[240];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *copy = arena_text(&r->arena, span_of_text(text));
    m->broken = copy != NULL ? copy : "no memory";
    return m->broken;
}

static bool
read_number(const char *text, uint32_t least, uint32_t most, uint32_t *out)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || !isdigit((unsigned char)text[0]) || *end != '\0' ||
        value < least || value > most) {
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

/** A key that is handed on to the runner. */
static void
model_pass_on(struct repository *r,
              struct repository_model *m,
              const char *key,
              const char *value)
{
    if (m->properties.count == PROPERTIES_MAX) {
        broken_set(r, m, "model.properties has more than %d keys", (int)PROPERTIES_MAX);
        return;
    }
    m->properties.items[m->properties.count++] =
        (struct property){.key = key, .value = value};
}

static void
model_set_batching(struct repository *r,
                   struct repository_model *m,
                   const char *key,
                   const char *value)
{
    struct fault fault = {.text = ""};
    enum status status = batching_set(&m->batching, key, value, &fault);
    if (status == STATUS_INVALID) {
        broken_set(r, m, "%s", fault.text);
    }
    /* The runner pads up to the buckets. */
    if (status == STATUS_NOT_FOUND || strcmp(key, "batch.buckets") == 0) {
        model_pass_on(r, m, key, value);
    }
}

/** Takes one `key=value` into the model. */
static void
model_set(struct repository *r,
          struct repository_model *m,
          const char *key,
          const char *value)
{
    if (strcmp(key, "platform") == 0) {
        m->platform = value;
    } else if (strcmp(key, "device") == 0) {
        m->device = value;
    } else if (strcmp(key, "max.batch.size") == 0) {
        if (!read_number(value, 0, SLOT_ROWS_MAX, &m->max_batch_size)) {
            broken_set(r, m, "max.batch.size=%s is no number from 0 to %d", value,
                       (int)SLOT_ROWS_MAX);
        }
    } else if (strcmp(key, "instances") == 0) {
        if (!read_number(value, 1, MODEL_INSTANCES_MAX, &m->instances)) {
            broken_set(r, m, "instances=%s is no number from 1 to %d", value,
                       (int)MODEL_INSTANCES_MAX);
        }
    } else if (strcmp(key, "outputs.nan") == 0) {
        m->allow_nan = strcmp(value, "allow") == 0;
        if (!m->allow_nan && strcmp(value, "fail") != 0) {
            broken_set(r, m, "outputs.nan=%s is neither fail nor allow", value);
        }
    } else {
        model_set_batching(r, m, key, value);
    }
}

static void
read_line(struct repository *r, struct repository_model *m, char *line, int number)
{
    char *text = trim(line);
    if (*text == '\0' || *text == '#' || *text == '!') {
        return;
    }
    char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        broken_set(r, m, "model.properties line %d is not key=value", number);
        return;
    }
    *equals = '\0';
    const char *key = arena_text(&r->arena, span_of_text(trim(text)));
    const char *value = arena_text(&r->arena, span_of_text(trim(equals + 1)));
    if (key == NULL || value == NULL) {
        broken_set(r, m, "model.properties is too large");
        return;
    }
    model_set(r, m, key, value);
}

/** What only the whole file can tell. */
static void
check_properties(struct repository *r, struct repository_model *m)
{
    struct fault fault = {.text = ""};
    if (m->broken == NULL && m->platform == NULL) {
        broken_set(r, m, "model.properties names no platform");
    }
    if (batching_close(&m->batching, m->max_batch_size, &fault) != STATUS_OK &&
        m->broken == NULL) {
        broken_set(r, m, "%s", fault.text);
    }
}

static void
read_properties(struct repository *r, struct repository_model *m, const char *folder)
{
    char path[PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/model.properties", folder);
    FILE *file = fopen(path, "re");
    m->properties.items =
        arena_array(&r->arena, PROPERTIES_MAX, sizeof *m->properties.items);
    if (file == NULL || m->properties.items == NULL) {
        broken_set(r, m, "%s: %s", path,
                   strerrordesc_np(file == NULL ? errno : ENOMEM));
        if (file != NULL) {
            fclose(file);
        }
        return;
    }
    char line[LINE_BYTES];
    for (int number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        if (strchr(line, '\n') == NULL && !feof(file)) {
            broken_set(r, m, "model.properties line %d is too long", number);
            break;
        }
        read_line(r, m, line, number);
    }
    fclose(file);
    check_properties(r, m);
}

/** Newest version folder: the one with the highest number. */
static void
find_version(struct repository *r, struct repository_model *m, const char *folder)
{
    uint32_t newest = 0;
    char path[PATH_BYTES + 32];
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        uint32_t number;
        if (read_number(entry->d_name, 1, UINT32_MAX, &number) && number > newest &&
            entry->d_name[0] != '0') {
            newest = number;
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    char version[16];
    snprintf(version, sizeof version, "%u", newest == 0 ? 1 : newest);
    if (newest == 0) {
        snprintf(path, sizeof path, "%s", folder);
    } else {
        snprintf(path, sizeof path, "%s/%u", folder, newest);
    }
    char *absolute = realpath(path, NULL);
    m->version = arena_text(&r->arena, span_of_text(version));
    m->path = arena_text(&r->arena, span_of_text(absolute != NULL ? absolute : path));
    free(absolute);
    if (m->version == NULL || m->path == NULL) {
        m->version = "";
        m->path = "";
        broken_set(r, m, "no memory");
    }
}

static bool
is_model_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && strchr("._-", *c) == NULL) {
            return false;
        }
    }
    return name[0] != '.' && strlen(name) <= 200;
}

static enum status
add_model(struct repository *r, const char *path, const char *name)
{
    char folder[PATH_BYTES];
    int size = snprintf(folder, sizeof folder, "%s/%s", path, name);
    if (size < 0 || (size_t)size >= sizeof folder - sizeof "/model.properties") {
        return STATUS_INVALID;
    }
    struct repository_model *m = &r->models[r->count];
    *m = (struct repository_model){.name = arena_text(&r->arena, span_of_text(name)),
                                   .device = "cpu",
                                   .instances = 1};
    if (m->name == NULL) {
        return STATUS_NO_MEMORY;
    }
    batching_init(&m->batching);
    r->count++;
    find_version(r, m, folder);
    read_properties(r, m, folder);
    return STATUS_OK;
}

static int
by_name(const void *a, const void *b)
{
    const struct repository_model *left = a;
    const struct repository_model *right = b;
    return strcmp(left->name, right->name);
}

/** The first name of the list that was not found, to be told. */
static enum status
check_wanted(const struct repository *r, const char *load, struct fault *fault)
{
    if (strcmp(load, "*") == 0) {
        return STATUS_OK;
    }
    while (*load != '\0') {
        load += strspn(load, ", ");
        size_t length = strcspn(load, ", ");
        bool found = length == 0;
        for (size_t i = 0; i < r->count && !found; i++) {
            found = span_is_text(span_of(load, length), r->models[i].name);
        }
        if (!found) {
            return fault_set(fault, STATUS_NOT_FOUND,
                             "models.load: there is no model %.*s in the repository",
                             (int)length, load);
        }
        load += length;
    }
    return STATUS_OK;
}

/** A folder of the repository that is a model: anything with a name that can be one. */
static bool
is_model(const struct dirent *entry, const char *load)
{
    bool folder = entry->d_type == DT_DIR || entry->d_type == DT_LNK ||
                  entry->d_type == DT_UNKNOWN;
    return folder && is_model_name(entry->d_name) && is_wanted(load, entry->d_name);
}

enum status
repository_open(struct repository *out,
                const char *path,
                const char *load,
                struct fault *fault)
{
    *out = (struct repository){0};
    arena_init(&out->arena, REPOSITORY_BYTES);
    out->models = arena_array(&out->arena, MODELS_MAX, sizeof *out->models);
    DIR *dir = out->models == NULL ? NULL : opendir(path);
    if (dir == NULL) {
        return fault_set(fault, STATUS_NOT_FOUND, "models=%s: %s", path,
                         strerrordesc_np(errno));
    }
    enum status status = STATUS_OK;
    const struct dirent *entry;
    while (status == STATUS_OK && (entry = readdir(dir)) != NULL) {
        if (!is_model(entry, load)) {
            continue;
        }
        status = out->count == MODELS_MAX ? STATUS_TOO_LARGE
                                          : add_model(out, path, entry->d_name);
    }
    closedir(dir);
    if (status != STATUS_OK) {
        return fault_set(fault, status, "models=%s cannot be read", path);
    }
    qsort(out->models, out->count, sizeof *out->models, by_name);
    status = check_wanted(out, load, fault);
    if (status == STATUS_OK && out->count == 0) {
        return fault_set(fault, STATUS_NOT_FOUND, "models=%s holds no model", path);
    }
    return status;
}

void
repository_close(struct repository *r)
{
    arena_fini(&r->arena);
    *r = (struct repository){0};
}
