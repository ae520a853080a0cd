/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each line is looked up in the table of keys, its value judged by its kind, and then
 * set here or handed on to the runner; what only the whole file can tell comes last.
 * A setter is called with a value that is known to be good.
 */
#include "batcher/repository_model.h"

#include "base/option_value.h"
#include "batcher/model_keys.h"
#include "batcher/model_value.h"
#include "batcher/properties_text.h"
#include "batcher/tensor_line.h"
#include "runner/protocol.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

struct reading {
    struct repository_model *model;
    const char *file;
    struct properties_text text;
    const struct model_platform *platform; /* NULL: one that we do not know */
};

static void
complain(struct reading *r, unsigned line, const char *key, const char *format, ...)
    PRINTF_LIKE(4, 5);

static void
complain(struct reading *r, unsigned line, const char *key, const char *format, ...)
{
    const struct mistake m = {.file = r->file, .line = line, .key = key};
    va_list args;
    va_start(args, format);
    mistakes_add_list(&r->model->mistakes, &r->model->arena, &m, format, args);
    va_end(args);
}

/* Setters. */

static void
set_platform(struct repository_model *m, const char *value)
{
    m->platform = value;
}

/* The first of its kind needs no number: models that say so and models that do not
 * share it. */
static void
set_device(struct repository_model *m, const char *value)
{
    const char *number = strchr(value, ':');
    bool first = number != NULL && strspn(number + 1, "0") == strlen(number + 1);
    if (first) {
        m->device = strncmp(value, "cuda", 4) == 0 ? "cuda" : "cpu";
    } else {
        m->device = value;
    }
}

static void
set_max_batch_size(struct repository_model *m, const char *value)
{
    m->max_batch_size = (uint32_t)strtoul(value, NULL, 10);
}

static void
set_instances(struct repository_model *m, const char *value)
{
    m->instances = (uint32_t)strtoul(value, NULL, 10);
}

static void
set_policy(struct repository_model *m, const char *value)
{
    (void)!version_policy_read(&m->policy, value, NULL);
}

static void
set_nan(struct repository_model *m, const char *value)
{
    m->allow_nan = strcmp(value, "allow") == 0;
}

static void
set_lazy(struct repository_model *m, const char *value)
{
    m->lazy = strcmp(value, "true") == 0;
}

static void
set_memory(struct repository_model *m, const char *value)
{
    const struct option any = {.kind = OPTION_BYTES};
    (void)!option_value_read(&any, value, &m->memory_max, NULL);
}

static void
set_buckets(struct repository_model *m, const char *value)
{
    (void)!batching_read_buckets(&m->batching, value, NULL);
}

static int64_t
duration_ns(const char *value)
{
    const struct option any = {.kind = OPTION_DURATION};
    int64_t ns = 0;
    (void)!option_value_read(&any, value, &ns, NULL);
    return ns;
}

static void
set_load_timeout(struct repository_model *m, const char *value)
{
    m->load_timeout_ns = duration_ns(value);
}

static void
set_deadline(struct repository_model *m, const char *value)
{
    m->batching.deadline_default_ns = duration_ns(value);
}

static void
set_delay(struct repository_model *m, const char *value)
{
    m->batching.max_delay_ns = duration_ns(value);
}

static void
set_level(struct repository_model *m, const char *value)
{
    m->batching.level_default = strtoll(value, NULL, 10);
}

static void
set_shed(struct repository_model *m, const char *value)
{
    m->batching.shed = strcmp(value, "true") == 0;
}

/* Keys that the batcher itself reads. */
static const struct {
    const char *key;
    void (*set)(struct repository_model *m, const char *value);
} setters[] = {
    {"platform", set_platform},
    {"device", set_device},
    {"max.batch.size", set_max_batch_size},
    {"instances", set_instances},
    {"version.policy", set_policy},
    {"outputs.nan", set_nan},
    {"lazy", set_lazy},
    {"memory.max", set_memory},
    {"load.timeout", set_load_timeout},
    {"batch.buckets", set_buckets},
    {"deadline.default", set_deadline},
    {"max.delay", set_delay},
    {"priority.default", set_level},
    {"shed", set_shed},
};

/* Lines. */

static void
pass_on(struct reading *r, const struct property_line *line)
{
    struct property_list *list = &r->model->properties;
    r->model->property_lines[list->count] = line->number;
    list->items[list->count++] =
        (struct property){.key = line->key, .value = line->value};
}

static void
set_line(struct reading *r,
         const struct model_key *row,
         const struct property_line *line)
{
    bool is_ours = false;
    for (size_t i = 0; i < sizeof setters / sizeof *setters; i++) {
        if (strcmp(setters[i].key, row->name) == 0) {
            setters[i].set(r->model, line->value);
            is_ours = true;
        }
    }
    if (!is_ours || row->for_runner) {
        pass_on(r, line);
    }
}

static void
take_label(struct reading *r, const struct property_line *line)
{
    const char *name = line->key + sizeof VERSION_LABEL_KEY - 1;
    if (!version_label_is_name(name)) {
        complain(r, line->number, line->key,
                 "'%.80s' is no label: these are letters, digits, - and _, at most %d, "
                 "and no number",
                 name, VERSION_LABEL_BYTES - 1);
    } else if (version_labels_add(&r->model->labels, name, version_number(line->value),
                                  line->number) != STATUS_OK) {
        complain(r, line->number, line->key, "more than %d labels", VERSION_LABELS_MAX);
    }
}

/* A row's name as one would write it: input.0 for input.N. */
static const char *
as_written(const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s", name);
    size_t length = strlen(out);
    if (length > 2 && strcmp(out + length - 2, ".N") == 0) {
        out[length - 1] = '0';
    }
    return out;
}

static void
complain_unknown(struct reading *r, const struct property_line *line)
{
    char known[64];
    const char *nearest = model_key_nearest(r->platform, line->key);
    const struct model_platform *other = model_key_elsewhere(line->key);
    if (other != NULL) {
        complain(r, line->number, line->key, "a key of platform %s; this model's is %s",
                 other->name, r->platform->name);
    } else if (nearest != NULL) {
        complain(r, line->number, line->key, "there is no such key; did you mean %s?",
                 as_written(nearest, known, sizeof known));
    } else {
        complain(r, line->number, line->key,
                 "there is no such key for platform %s; docs/models.md lists them",
                 r->platform->name);
    }
}

static void
take_line(struct reading *r, const struct property_line *line)
{
    struct fault fault = {.text = ""};
    const struct model_key *row = model_key_find(r->platform, line->key);
    if (row == NULL &&
        (r->platform == NULL || model_key_is_own(r->platform, line->key))) {
        pass_on(r, line); /* a runner of one's own may have keys of its own */
        return;
    }
    if (row == NULL) {
        complain_unknown(r, line);
        return;
    }
    bool good = model_value_check(row, line->value, &fault) == STATUS_OK;
    if (good && row->kind == KEY_VERSION) {
        take_label(r, line);
    } else if (good) {
        set_line(r, row, line);
    } else if (row->kind == KEY_PLATFORM && line->value[0] != '\0') {
        const struct mistake m = {.kind = MISTAKE_FOREIGN,
                                  .file = r->file,
                                  .line = line->number,
                                  .key = line->key};
        mistakes_add(&r->model->mistakes, &r->model->arena, &m, "%s", fault.text);
        set_line(r, row, line);
    } else {
        complain(r, line->number, line->key, "%s", fault.text);
    }
}

/* What only the whole file can tell. */

static unsigned
line_of(const struct reading *r, const char *key)
{
    const struct property_line *line = properties_text_find(&r->text, key);
    return line == NULL ? 0 : line->number;
}

static void
check_required(struct reading *r, const struct model_key *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].required && line_of(r, rows[i].name) == 0) {
            complain(r, 0, rows[i].name, "is missing, such as %s=%s", rows[i].name,
                     rows[i].example);
        }
    }
}

static void
check_buckets(struct reading *r)
{
    struct fault fault = {.text = ""};
    struct repository_model *m = r->model;
    unsigned size_line = line_of(r, "max.batch.size");
    unsigned line = line_of(r, "batch.buckets");
    if (batching_close(&m->batching, m->max_batch_size, &fault) != STATUS_OK) {
        complain(r, line, "batch.buckets", "%s%s", fault.text,
                 size_line == 0 ? ", which is not set" : "");
    }
}

/* The name stands before the first blank. */
static bool
same_name(const char *a, const char *b)
{
    size_t size = strcspn(a, " ");
    return size == strcspn(b, " ") && memcmp(a, b, size) == 0;
}

static void
check_same_name(struct reading *r, const char *side, unsigned index)
{
    char key[32];
    char other[32];
    snprintf(key, sizeof key, "%s.%u", side, index);
    const struct property_line *line = properties_text_find(&r->text, key);
    for (unsigned i = 0; i < index; i++) {
        snprintf(other, sizeof other, "%s.%u", side, i);
        const struct property_line *before = properties_text_find(&r->text, other);
        if (before != NULL && same_name(before->value, line->value)) {
            complain(r, line->number, line->key, "%s has the same name", before->key);
            return;
        }
    }
}

static void
check_tensor_line(struct reading *r, const char *side, unsigned index)
{
    char key[32];
    char before[32];
    struct tensor_spec t;
    snprintf(key, sizeof key, "%s.%u", side, index);
    const struct property_line *line = properties_text_find(&r->text, key);
    if (line == NULL || tensor_line_read(span_of_text(line->value), &t, NULL) != 0) {
        return;
    }
    snprintf(before, sizeof before, "%s.%u", side, index - 1);
    if (index > 0 && line_of(r, before) == 0) {
        complain(r, line->number, line->key, "there is no %s before it", before);
    }
    if (r->model->max_batch_size > 0 && (t.rank == 0 || t.shape[0] != -1)) {
        complain(r, line->number, line->key,
                 "as the model batches (max.batch.size=%" PRIu32
                 "), the first dimension has to be -1",
                 r->model->max_batch_size);
    }
    check_same_name(r, side, index);
}

static void
check_tensors(struct reading *r)
{
    for (unsigned i = 0; i < SLOT_TENSORS_MAX; i++) {
        check_tensor_line(r, "input", i);
        check_tensor_line(r, "output", i);
    }
    if (r->platform != NULL && r->platform->names_tensors &&
        line_of(r, "input.0") == 0) {
        complain(r, 0, "input.0", "is missing, such as input.0=data UINT8 -1,4");
    }
}

/* A hash of what a version is loaded with: FNV-1a, 64 bits. Which of them are served,
 * and by which names, is not a part of it. */
static uint64_t
terms_of(const struct properties_text *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text->count; i++) {
        const struct property_line *line = &text->lines[i];
        const char *const texts[] = {line->key, "=", line->value, "\n"};
        bool counts =
            strcmp(line->key, "version.policy") != 0 &&
            strncmp(line->key, VERSION_LABEL_KEY, sizeof VERSION_LABEL_KEY - 1) != 0;
        for (size_t t = 0; counts && t < sizeof texts / sizeof *texts; t++) {
            for (const char *c = texts[t]; *c != '\0'; c++) {
                hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
            }
        }
    }
    return hash;
}

void
repository_model_no_memory(struct repository_model *m)
{
    m->mistakes.unlisted++;
}

void
repository_model_parse(struct repository_model *m, struct span text, const char *file)
{
    struct reading r = {.model = m, .file = file};
    m->properties.items =
        arena_array(&m->arena, PROPERTY_LINES_MAX, sizeof *m->properties.items);
    m->property_lines =
        arena_array(&m->arena, PROPERTY_LINES_MAX, sizeof *m->property_lines);
    if (m->properties.items == NULL || m->property_lines == NULL ||
        properties_text_read(&r.text, text, file, &m->arena, &m->mistakes) !=
            STATUS_OK) {
        repository_model_no_memory(m);
        return;
    }
    const struct property_line *platform = properties_text_find(&r.text, "platform");
    r.platform = platform == NULL ? NULL : model_platform_find(platform->value);
    for (size_t i = 0; i < r.text.count; i++) {
        take_line(&r, &r.text.lines[i]);
    }
    check_required(&r, model_keys, model_key_count);
    if (r.platform != NULL) {
        check_required(&r, r.platform->keys, r.platform->key_count);
    }
    check_buckets(&r);
    check_tensors(&r);
    mistakes_sort(&m->mistakes);
    m->policy_line = line_of(&r, "version.policy");
    m->terms = terms_of(&r.text);
}

static void
complain_unread(struct repository_model *m, const char *file, int error)
{
    const struct mistake mistake = {.file = file, .key = ""};
    if (error == ENOENT) {
        mistakes_add(&m->mistakes, &m->arena, &mistake,
                     "there is no such file; `leat models init` begins one");
    } else {
        mistakes_add(&m->mistakes, &m->arena, &mistake, "%s", strerrordesc_np(error));
    }
}

void
repository_model_read(struct repository_model *m, const char *folder)
{
    static const size_t most =
        PROPERTIES_TEXT_MAX + 1; /* one more shows what is over */
    char path[PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/model.properties", folder);
    const char *file = arena_text(&m->arena, span_of_text(path));
    m->file = file;
    uint8_t *text = malloc(most);
    FILE *in = file == NULL || text == NULL ? NULL : fopen(path, "re");
    int error = errno;
    if (in != NULL) {
        size_t size = fread(text, 1, most, in);
        error = ferror(in) ? EIO : 0;
        fclose(in);
        repository_model_parse(m, span_of(text, error == 0 ? size : 0), file);
    }
    if (file == NULL || text == NULL) {
        repository_model_no_memory(m);
    } else if (error != 0) {
        complain_unread(m, file, error);
    }
    free(text);
}
