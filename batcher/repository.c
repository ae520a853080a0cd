/* SPDX-License-Identifier: Apache-2.0 */
/* Folders, versions and names; what stands in model.properties is repository_model.c's.
 */
#include "batcher/repository.h"

#include "base/buf.h"
#include "base/clock.h"
#include "batcher/model_folder.h"
#include "batcher/repository_model.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOAD_TIMEOUT_NS (300 * NS_PER_S)

enum {
    MODELS_MAX = 256,
    PATH_BYTES = 4096,
    MODEL_BYTES = 1024 * 1024,
    BROKEN_BYTES = 1024
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

/* Reading one model. */

static const char *
model_text(struct repository_model *m, const char *text)
{
    const char *copy = arena_text(&m->arena, span_of_text(text));
    if (copy == NULL) {
        repository_model_no_memory(m);
    }
    return copy == NULL ? "" : copy;
}

static void
add_version(struct repository_model *m, uint32_t number, const char *folder)
{
    struct repository_version *v = &m->versions[m->version_count++];
    char *absolute = realpath(folder, NULL);
    char name[16];
    snprintf(name, sizeof name, "%" PRIu32, number);
    v->number = number;
    v->name = model_text(m, name);
    v->path = model_text(m, absolute != NULL ? absolute : folder);
    v->fingerprint = model_folder_fingerprint(v->path, true);
    free(absolute);
}

static void
add_versions(struct repository_model *m, const char *path, struct model_folder *folder)
{
    size_t count = version_policy_select(&m->policy, folder->numbers, folder->count);
    for (size_t i = 0; i < count; i++) {
        char full[PATH_BYTES + 16];
        snprintf(full, sizeof full, "%s/%" PRIu32, path, folder->numbers[i]);
        add_version(m, folder->numbers[i], full);
    }
    if (folder->count == 0) {
        add_version(m, 1, path);
    }
}

static void
check_versions(struct repository_model *m,
               const char *path,
               const struct model_folder *folder)
{
    uint32_t missing =
        version_policy_missing(&m->policy, folder->numbers, folder->count);
    if (missing != 0) {
        const struct mistake mistake = {
            .file = m->file, .line = m->policy_line, .key = "version.policy"};
        mistakes_add(&m->mistakes, &m->arena, &mistake,
                     "there is no folder of version %" PRIu32, missing);
    }
    for (size_t i = 0; i < folder->stray_count; i++) {
        /* Beside a version it may be an old one put aside. */
        const struct mistake mistake = {.kind = folder->count > 0 ? MISTAKE_WARNING
                                                                  : MISTAKE_ERROR,
                                        .file = path,
                                        .key = ""};
        mistakes_add(&m->mistakes, &m->arena, &mistake,
                     "the folder %s is no version: these are numbers from 1, without "
                     "leading zeros",
                     folder->strays[i]);
    }
}

static bool
is_among(uint32_t number, const uint32_t *numbers, size_t count)
{
    size_t i = 0;
    while (i < count && numbers[i] != number) {
        i++;
    }
    return i < count;
}

static bool
is_served(const struct repository_model *m, uint32_t number)
{
    size_t i = 0;
    while (i < m->version_count && m->versions[i].number != number) {
        i++;
    }
    return i < m->version_count;
}

static void
check_labels(struct repository_model *m, const struct model_folder *folder)
{
    for (size_t i = 0; i < m->labels.count; i++) {
        const struct version_label *label = &m->labels.items[i];
        if (is_served(m, label->number)) {
            continue;
        }
        char key[sizeof VERSION_LABEL_KEY + VERSION_LABEL_BYTES];
        snprintf(key, sizeof key, VERSION_LABEL_KEY "%s", label->name);
        const struct mistake mistake = {
            .file = m->file, .line = label->line, .key = model_text(m, key)};
        bool there = is_among(label->number, folder->numbers, folder->count);
        mistakes_add(&m->mistakes, &m->arena, &mistake,
                     there ? "version.policy does not serve version %" PRIu32
                           : "there is no folder of version %" PRIu32,
                     label->number);
    }
}

/* A file that is not there is told before anything is loaded. */
static void
check_warm_up(struct repository_model *m, size_t property)
{
    const struct property *p = &m->properties.items[property];
    bool names_file = strncmp(p->key, "warmup.input.", 13) == 0 &&
                      strcmp(p->value, "zeros") != 0 && strcmp(p->value, "random") != 0;
    for (size_t i = 0; names_file && i < m->version_count; i++) {
        char path[PATH_BYTES + 16];
        int size = snprintf(path, sizeof path, "%s/%s", m->versions[i].path, p->value);
        if (size >= 0 && (size_t)size < sizeof path && access(path, F_OK) == 0) {
            continue;
        }
        const struct mistake mistake = {
            .file = m->file, .line = m->property_lines[property], .key = p->key};
        mistakes_add(&m->mistakes, &m->arena, &mistake,
                     "'%.60s' is none of zeros, random and the files of version %s",
                     p->value, m->versions[i].name);
    }
}

static void
read_versions(struct repository_model *m, const char *path)
{
    struct model_folder folder = {.count = 0};
    m->versions = arena_array(&m->arena, MODEL_VERSIONS_MAX, sizeof *m->versions);
    if (m->versions == NULL ||
        model_folder_read(&folder, path, &m->arena) == STATUS_NO_MEMORY) {
        repository_model_no_memory(m);
        return;
    }
    check_versions(m, path, &folder);
    add_versions(m, path, &folder);
    check_labels(m, &folder);
    for (size_t i = 0; i < m->properties.count; i++) {
        check_warm_up(m, i);
    }
    if (m->version_count > 0) {
        m->version = m->versions[0].name;
        m->path = m->versions[0].path;
    }
}

/* In one line, for whom it is announced to: the file's folder is the model's. */
static const char *
first_error(struct repository_model *m)
{
    size_t errors = mistakes_of_kind(&m->mistakes, MISTAKE_ERROR);
    struct buf text;
    size_t i = 0;
    while (i < m->mistakes.count && m->mistakes.items[i].kind != MISTAKE_ERROR) {
        i++;
    }
    if (errors == 0 || i == m->mistakes.count) {
        return errors == 0 ? NULL : "no memory";
    }
    struct mistake first = m->mistakes.items[i];
    const char *slash = strrchr(first.file, '/');
    first.file = slash == NULL ? first.file : slash + 1;
    buf_init(&text, BROKEN_BYTES);
    mistake_format(&first, &text);
    if (errors > 1) {
        buf_append_format(&text, " (and %zu more: leat models check)", errors - 1);
    }
    const char *copy = arena_text(&m->arena, buf_span(&text));
    buf_fini(&text);
    return copy == NULL ? "no memory" : copy;
}

/* What every version is loaded with is a part of each. A mistake is, too: also one in
 * a line that does not count otherwise makes new versions, which fail and tell it. */
static void
complete_fingerprints(struct repository_model *m, const char *path)
{
    m->terms += mistakes_of_kind(&m->mistakes, MISTAKE_ERROR) > 0 ? 1 : 0;
    uint64_t beside = model_folder_fingerprint(path, false);
    for (size_t i = 0; i < m->version_count; i++) {
        uint64_t *f = &m->versions[i].fingerprint;
        *f = (*f * 31 + beside) * 31 + m->terms;
    }
}

enum status
repository_read_model(struct repository_model *out,
                      const char *repository,
                      const char *name)
{
    char path[PATH_BYTES];
    int size = snprintf(path, sizeof path, "%s/%s", repository, name);
    struct stat info;
    if (size < 0 || (size_t)size >= sizeof path || stat(path, &info) != 0 ||
        !S_ISDIR(info.st_mode)) {
        return STATUS_NOT_FOUND;
    }
    *out = (struct repository_model){.version = "1",
                                     .path = "",
                                     .device = "cpu",
                                     .instances = 1,
                                     .memory_max = -1,
                                     .load_timeout_ns = LOAD_TIMEOUT_NS};
    arena_init(&out->arena, MODEL_BYTES);
    out->name = arena_text(&out->arena, span_of_text(name));
    const char *folder = arena_text(&out->arena, span_of_text(path));
    if (out->name == NULL || folder == NULL) {
        repository_model_close(out);
        return STATUS_NO_MEMORY;
    }
    batching_init(&out->batching);
    version_policy_init(&out->policy);
    repository_model_read(out, folder);
    read_versions(out, folder);
    complete_fingerprints(out, folder);
    out->broken = first_error(out);
    return STATUS_OK;
}

void
repository_model_close(struct repository_model *m)
{
    arena_fini(&m->arena);
    *m = (struct repository_model){.name = NULL};
}

unsigned
repository_model_line_of(const struct repository_model *m, const char *reason)
{
    for (size_t i = 0; i < m->properties.count; i++) {
        size_t size = strlen(m->properties.items[i].key);
        if (strncmp(reason, m->properties.items[i].key, size) == 0 &&
            (reason[size] == '=' || reason[size] == ':')) {
            return m->property_lines[i];
        }
    }
    return 0;
}

uint32_t
repository_newest_version(const char *folder)
{
    struct model_folder names;
    struct arena arena;
    arena_init(&arena, MODEL_BYTES);
    enum status status = model_folder_read(&names, folder, &arena);
    uint32_t newest = status == STATUS_OK && names.count > 0 ? names.numbers[0] : 0;
    arena_fini(&arena);
    return newest;
}

const char *
repository_model_accelerator(const struct repository_model *m)
{
    return strncmp(m->device, "cpu", 3) == 0 ? NULL : m->device;
}

/* Reading all. */

bool
repository_is_model_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && strchr("._-", *c) == NULL) {
            return false;
        }
    }
    return name[0] != '.' && name[0] != '\0' && strlen(name) <= 200;
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
may_be_model(const struct dirent *entry, const char *load)
{
    bool folder = entry->d_type == DT_DIR || entry->d_type == DT_LNK ||
                  entry->d_type == DT_UNKNOWN;
    return folder && repository_is_model_name(entry->d_name) &&
           is_wanted(load, entry->d_name);
}

static enum status
read_all(struct repository *out, DIR *dir, const char *path, const char *load)
{
    const struct dirent *entry;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is the caller's own */
    while ((entry = readdir(dir)) != NULL) {
        if (!may_be_model(entry, load)) {
            continue;
        }
        if (out->count == MODELS_MAX) {
            return STATUS_TOO_LARGE;
        }
        enum status status =
            repository_read_model(&out->models[out->count], path, entry->d_name);
        if (status == STATUS_OK) {
            out->count++;
        } else if (status != STATUS_NOT_FOUND) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status
repository_open(struct repository *out,
                const char *path,
                const char *load,
                struct fault *fault)
{
    *out = (struct repository){.models = calloc(MODELS_MAX, sizeof *out->models)};
    if (out->models == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the repository");
    }
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return fault_set(fault, STATUS_NOT_FOUND, "models=%s: %s", path,
                         strerrordesc_np(errno));
    }
    enum status status = read_all(out, dir, path, load);
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
    for (size_t i = 0; i < r->count; i++) {
        repository_model_close(&r->models[i]);
    }
    free(r->models);
    *r = (struct repository){.models = NULL};
}
