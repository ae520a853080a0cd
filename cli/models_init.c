/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat models init: writes a model.properties in which every key of the platform stands
 * with its meaning, those that are needed live, the others as comments. The file that
 * lies in the newest version folder tells the platform.
 */
#include "base/buf.h"
#include "batcher/model_keys.h"
#include "batcher/repository.h"
#include "cli/layer_names.h"
#include "cli/models.h"
#include "cli/verb.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, TEXT_BYTES = 64 * 1024 };

/* The model to be, as far as its files tell. */
struct beginning {
    const struct model_platform *platform;
    char folder[PATH_BYTES];
    char version[PATH_BYTES + 16];
    char file[256];    /* of the platform, in the version folder; "": none */
    char layers[4096]; /* what a dense file seems to hold; "": not known */
};

static bool
ends_with(const char *text, const char *suffix)
{
    size_t size = strlen(text);
    size_t length = strlen(suffix);
    return length > 0 && size > length && strcmp(text + size - length, suffix) == 0;
}

/* The first file of a platform; one that is called as the platform wants it wins. */
static void
find_file(struct beginning *b, const struct model_platform *p)
{
    DIR *dir = opendir(b->version);
    const struct dirent *entry;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this function's own */
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        bool named = strcmp(entry->d_name, p->file) == 0;
        if (ends_with(entry->d_name, p->suffix) && (named || b->file[0] == '\0')) {
            b->platform = p;
            snprintf(b->file, sizeof b->file, "%s", entry->d_name);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

/* By the file; of several files the first platform in the table has it. */
static void
find_platform(struct beginning *b)
{
    for (size_t i = 0; i < model_platform_count && b->platform == NULL; i++) {
        find_file(b, &model_platforms[i]);
    }
}

static enum status
make_folder(const char *path, struct fault *fault)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST) {
        return STATUS_OK;
    }
    return fault_set(fault, STATUS_IO, "%s: %s", path, strerrordesc_np(errno));
}

/* Looks into a folder: what is asked for, or whatever tells a platform. */
static void
look_into(struct beginning *b, const char *folder)
{
    snprintf(b->version, sizeof b->version, "%s", folder);
    if (b->platform != NULL) {
        find_file(b, b->platform);
    } else {
        find_platform(b);
    }
}

/* In the newest version, or in the model's own folder if it has the file; else a folder
 * of version 1 is made. */
static enum status
look_for_file(struct beginning *b, struct fault *fault)
{
    char path[PATH_BYTES + 16];
    uint32_t newest = repository_newest_version(b->folder);
    if (newest == 0) {
        look_into(b, b->folder);
        if (b->file[0] != '\0') {
            return STATUS_OK;
        }
    }
    snprintf(path, sizeof path, "%s/%" PRIu32, b->folder, newest == 0 ? 1 : newest);
    look_into(b, path);
    return make_folder(b->version, fault);
}

static enum status
make_folders(struct beginning *b, const char *repository, struct fault *fault)
{
    enum status status = make_folder(repository, fault);
    if (status == STATUS_OK) {
        status = make_folder(b->folder, fault);
    }
    if (status == STATUS_OK) {
        status = look_for_file(b, fault);
    }
    return status;
}

/* What the file of a dense model says by itself. */
static void
guess_layers(struct beginning *b)
{
    char path[PATH_BYTES + 512];
    struct buf text;
    if (b->file[0] == '\0' || strcmp(b->platform->name, "dense") != 0) {
        return;
    }
    snprintf(path, sizeof path, "%s/%s", b->version, b->file);
    buf_init(&text, sizeof b->layers - 1);
    layer_names_read(path, &text);
    if (text.status == STATUS_OK) {
        snprintf(b->layers, sizeof b->layers, "%.*s", (int)text.size,
                 (const char *)text.data);
    }
    buf_fini(&text);
}

/* The file. */

/* input.0 for input.N, version.label.stable for version.label.NAME. */
static void
write_name(struct buf *out, const char *name)
{
    size_t size = strlen(name);
    if (ends_with(name, ".N")) {
        buf_append_format(out, "%.*s0", (int)size - 1, name);
    } else if (ends_with(name, ".NAME")) {
        buf_append_format(out, "%.*sstable", (int)size - 4, name);
    } else {
        buf_append_text(out, name);
    }
}

static void
write_key(struct buf *out, const struct model_key *key, const char *live)
{
    const char *choices = key->choices == NULL ? "" : key->choices;
    buf_append_format(out, "\n# %s%s%s%s\n", key->help, choices[0] == '\0' ? "" : " (",
                      choices, choices[0] == '\0' ? "" : ")");
    buf_append_text(out, live == NULL ? "#" : "");
    write_name(out, key->name);
    buf_append_format(out, "=%s\n", live == NULL ? key->example : live);
}

/* The value that a new model has, or NULL: a comment with an example. */
static const char *
live_value(const struct beginning *b, const struct model_key *key)
{
    const struct model_platform *p = b->platform;
    if (key->kind == KEY_PLATFORM) {
        return p->name;
    }
    if (p->names_tensors && strcmp(key->name, "input.N") == 0) {
        return "data UINT8 -1,4";
    }
    if (b->layers[0] != '\0' && strcmp(key->name, "layers") == 0) {
        return b->layers;
    }
    return key->required ? key->example : key->start;
}

static void
write_properties(struct buf *out, const struct beginning *b, const char *name)
{
    const struct model_platform *p = b->platform;
    buf_append_format(out,
                      "# %s: %s\n"
                      "# Begun by `leat models init`; `leat models check` says whether "
                      "it is right, docs/models.md\n"
                      "# tells more. Keys behind a # are not set: what stands there is "
                      "the default or an example.\n",
                      name, p->help);
    write_key(out, &model_keys[0], p->name);
    for (size_t i = 0; i < p->key_count; i++) {
        write_key(out, &p->keys[i], live_value(b, &p->keys[i]));
    }
    for (size_t i = 1; i < model_key_count; i++) {
        write_key(out, &model_keys[i], live_value(b, &model_keys[i]));
    }
}

static enum status
write_file(const struct beginning *b, const char *name, struct fault *fault)
{
    char path[PATH_BYTES + 32];
    struct buf text;
    snprintf(path, sizeof path, "%s/model.properties", b->folder);
    buf_init(&text, TEXT_BYTES);
    write_properties(&text, b, name);
    FILE *file = text.status == STATUS_OK ? fopen(path, "wxe") : NULL;
    bool good = file != NULL && fwrite(text.data, 1, text.size, file) == text.size;
    int error = errno;
    good = file != NULL && fclose(file) == 0 && good;
    buf_fini(&text);
    return good ? STATUS_OK
                : fault_set(fault, STATUS_IO, "%s: %s", path, strerrordesc_np(error));
}

static void
tell(const struct beginning *b)
{
    const struct model_platform *p = b->platform;
    printf("%s/model.properties is written, platform=%s\n", b->folder, p->name);
    if (p->file[0] != '\0' && b->file[0] == '\0') {
        printf("  put the file into %s/%s\n", b->version, p->file);
    } else if (p->file[0] != '\0' && strcmp(b->file, p->file) != 0) {
        printf("  rename %s/%s: it has to be %s\n", b->version, b->file, p->file);
    }
    if (b->layers[0] != '\0') {
        printf("  layers= is as the file has them; look at the activations\n");
    } else {
        printf("  %s\n", p->next);
    }
    printf("  leat models check %s\n", b->folder);
}

static int
usage_without_platform(const struct beginning *b, const char *wanted)
{
    fprintf(stderr, "leat models: ");
    if (wanted != NULL) {
        fprintf(stderr, "there is no platform %s", wanted);
    } else {
        fprintf(stderr, "no file in %s tells the platform", b->version);
    }
    fprintf(stderr, "; --platform= is one of\n");
    for (size_t i = 0; i < model_platform_count; i++) {
        fprintf(stderr, "  %-12s %s\n", model_platforms[i].name,
                model_platforms[i].help);
    }
    return EXIT_USAGE;
}

static bool
is_there(const struct beginning *b)
{
    char path[PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/model.properties", b->folder);
    return access(path, F_OK) == 0;
}

int
models_init(const struct models_config *config,
            const char *repository,
            const char *name)
{
    struct beginning b = {.file = ""};
    struct fault fault = {.text = ""};
    if (!repository_is_model_name(name)) {
        fprintf(stderr,
                "leat models: '%s' is no name of a model: letters, digits, "
                "dots, dashes and underscores are, up to 200\n",
                name);
        return EXIT_USAGE;
    }
    snprintf(b.folder, sizeof b.folder, "%s/%s", repository, name);
    if (is_there(&b)) {
        fprintf(stderr, "leat models: %s has a model.properties; it is left as it is\n",
                b.folder);
        return EXIT_FAILED;
    }
    if (config->platform != NULL &&
        (b.platform = model_platform_find(config->platform)) == NULL) {
        return usage_without_platform(&b, config->platform);
    }
    enum status status = make_folders(&b, repository, &fault);
    if (status == STATUS_OK && b.platform == NULL) {
        return usage_without_platform(&b, NULL);
    }
    if (status == STATUS_OK) {
        guess_layers(&b);
        status = write_file(&b, name, &fault);
    }
    if (status != STATUS_OK) {
        fprintf(stderr, "leat models: %s\n", fault.text);
        return EXIT_FAILED;
    }
    tell(&b);
    return EXIT_DONE;
}
