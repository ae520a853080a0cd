/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads model.properties: `key=value` lines, `#` and `!` begin a comment. The batcher
 * reads the keys it needs; the rest is the runner's to judge.
 */
#include "batcher/repository_model.h"

#include "batcher/batching.h"
#include "runner/protocol.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROPERTIES_MAX = 256, LINE_BYTES = 4096, PATH_BYTES = 4096 };

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

void
repository_model_break(struct repository_model *m, const char *format, ...)
{
    char text[240];
    if (m->broken != NULL) {
        return;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *copy = arena_text(&m->arena, span_of_text(text));
    m->broken = copy != NULL ? copy : "no memory";
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
model_pass_on(struct repository_model *m, const char *key, const char *value)
{
    if (m->properties.count == PROPERTIES_MAX) {
        repository_model_break(m, "model.properties has more than %d keys",
                               (int)PROPERTIES_MAX);
        return;
    }
    m->properties.items[m->properties.count++] =
        (struct property){.key = key, .value = value};
}

static void
model_set_batching(struct repository_model *m, const char *key, const char *value)
{
    struct fault fault = {.text = ""};
    enum status status = batching_set(&m->batching, key, value, &fault);
    if (status == STATUS_INVALID) {
        repository_model_break(m, "%s", fault.text);
    }
    /* The runner pads up to the buckets. */
    if (status == STATUS_NOT_FOUND || strcmp(key, "batch.buckets") == 0) {
        model_pass_on(m, key, value);
    }
}

/** Takes one `key=value` into the model. */
static void
model_set(struct repository_model *m, const char *key, const char *value)
{
    if (strcmp(key, "platform") == 0) {
        m->platform = value;
    } else if (strcmp(key, "device") == 0) {
        m->device = value;
    } else if (strcmp(key, "max.batch.size") == 0) {
        if (!read_number(value, 0, SLOT_ROWS_MAX, &m->max_batch_size)) {
            repository_model_break(m, "max.batch.size=%s is no number from 0 to %d",
                                   value, (int)SLOT_ROWS_MAX);
        }
    } else if (strcmp(key, "instances") == 0) {
        if (!read_number(value, 1, MODEL_INSTANCES_MAX, &m->instances)) {
            repository_model_break(m, "instances=%s is no number from 1 to %d", value,
                                   (int)MODEL_INSTANCES_MAX);
        }
    } else if (strcmp(key, "version.policy") == 0) {
        struct fault fault = {.text = ""};
        if (version_policy_read(&m->policy, value, &fault) != STATUS_OK) {
            repository_model_break(m, "version.policy: %s", fault.text);
        }
    } else if (strcmp(key, "lazy") == 0) {
        m->lazy = strcmp(value, "true") == 0;
        if (!m->lazy && strcmp(value, "false") != 0) {
            repository_model_break(m, "lazy=%s is neither true nor false", value);
        }
    } else if (strcmp(key, "outputs.nan") == 0) {
        m->allow_nan = strcmp(value, "allow") == 0;
        if (!m->allow_nan && strcmp(value, "fail") != 0) {
            repository_model_break(m, "outputs.nan=%s is neither fail nor allow",
                                   value);
        }
    } else {
        model_set_batching(m, key, value);
    }
}

/* What a version is loaded with, so that whoever polls sees that it is another now. */
static void
note_terms(struct repository_model *m, const char *key, const char *value)
{
    const char *const texts[] = {key, "=", value, "\n"};
    bool counts = strcmp(key, "version.policy") != 0;
    for (size_t i = 0; counts && i < sizeof texts / sizeof *texts; i++) {
        for (const char *c = texts[i]; *c != '\0'; c++) {
            m->terms = (m->terms ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
        }
    }
}

static void
read_line(struct repository_model *m, char *line, int number)
{
    char *text = trim(line);
    if (*text == '\0' || *text == '#' || *text == '!') {
        return;
    }
    char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        repository_model_break(m, "model.properties line %d is not key=value", number);
        return;
    }
    *equals = '\0';
    const char *key = arena_text(&m->arena, span_of_text(trim(text)));
    const char *value = arena_text(&m->arena, span_of_text(trim(equals + 1)));
    if (key == NULL || value == NULL) {
        repository_model_break(m, "model.properties is too large");
        return;
    }
    note_terms(m, key, value);
    model_set(m, key, value);
}

/** What only the whole file can tell. */
static void
check_properties(struct repository_model *m)
{
    struct fault fault = {.text = ""};
    if (m->broken == NULL && m->platform == NULL) {
        repository_model_break(m, "model.properties names no platform");
    }
    if (batching_close(&m->batching, m->max_batch_size, &fault) != STATUS_OK &&
        m->broken == NULL) {
        repository_model_break(m, "%s", fault.text);
    }
}

void
repository_model_read_properties(struct repository_model *m, const char *folder)
{
    char path[PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/model.properties", folder);
    FILE *file = fopen(path, "re");
    m->properties.items =
        arena_array(&m->arena, PROPERTIES_MAX, sizeof *m->properties.items);
    if (file == NULL || m->properties.items == NULL) {
        repository_model_break(m, "%s: %s", path,
                               strerrordesc_np(file == NULL ? errno : ENOMEM));
        if (file != NULL) {
            fclose(file);
        }
        return;
    }
    char line[LINE_BYTES];
    for (int number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        if (strchr(line, '\n') == NULL && !feof(file)) {
            repository_model_break(m, "model.properties line %d is too long", number);
            break;
        }
        read_line(m, line, number);
    }
    fclose(file);
    check_properties(m);
}
