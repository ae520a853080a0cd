/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers with units. Everything is read in full or refused: "10 seconds", "1e3" or "5m
 * " are errors, not guesses.
 */
#include "base/option_value.h"

#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit durations[] = {{"ns", 1},
                                        {"us", NS_PER_US},
                                        {"ms", NS_PER_MS},
                                        {"s", NS_PER_S},
                                        {"m", 60 * NS_PER_S},
                                        {"h", 3600 * NS_PER_S},
                                        {"d", 86400 * NS_PER_S},
                                        {NULL, 0}};
static const struct unit sizes[] = {{"", 1},          {"B", 1},           {"KiB", 1024},
                                    {"MiB", 1048576}, {"GiB", 1LL << 30}, {NULL, 0}};
static const struct unit plain[] = {{"", 1}, {NULL, 0}};

static bool
read_number(const char *text, const struct unit *units, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || errno != 0 || strpbrk(text, "eExXnN") == text) {
        return false;
    }
    size_t digits = strspn(text, "-+0123456789.");
    if (digits != (size_t)(end - text)) {
        return false;
    }
    if (value == 0 && *end == '\0') {
        *out = 0;
        return true;
    }
    for (const struct unit *u = units; u->name != NULL; u++) {
        double scaled = value * (double)u->factor;
        if (strcmp(end, u->name) == 0 && fabs(scaled) < 9e18) {
            *out = (int64_t)llround(scaled);
            return true;
        }
    }
    return false;
}

static bool
in_choices(const char *choices, const char *text)
{
    size_t size = strlen(text);
    for (const char *at = choices; at != NULL; at = strchr(at, '|')) {
        at += *at == '|' ? 1 : 0;
        if (strncmp(at, text, size) == 0 && (at[size] == '|' || at[size] == '\0')) {
            return true;
        }
    }
    return false;
}

static enum status
read_counted(const struct option *o,
             const char *text,
             const struct unit *units,
             const char *wanted,
             int64_t *field,
             struct fault *fault)
{
    int64_t value = 0;
    if (!read_number(text, units, &value)) {
        return fault_set(fault, STATUS_INVALID, "%s=%s: %s is wanted", o->name, text,
                         wanted);
    }
    bool ranged = o->least != 0 || o->most != 0;
    if (ranged && (value < o->least || value > o->most)) {
        return fault_set(fault, STATUS_INVALID,
                         "%s=%s: outside its range of %lld to %lld%s", o->name, text,
                         (long long)o->least, (long long)o->most,
                         units == durations ? " ns" : "");
    }
    *field = value;
    return STATUS_OK;
}

static enum status
read_text(const struct option *o,
          const char *text,
          const char **field,
          struct fault *fault)
{
    if (o->choices != NULL && !in_choices(o->choices, text)) {
        return fault_set(fault, STATUS_INVALID, "%s=%s: one of %s is wanted", o->name,
                         text, o->choices);
    }
    *field = text[0] == '\0' ? NULL : text;
    return STATUS_OK;
}

static enum status
read_bool(const struct option *o, const char *text, bool *field, struct fault *fault)
{
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0) {
        return fault_set(fault, STATUS_INVALID, "%s=%s: true or false is wanted",
                         o->name, text);
    }
    *field = yes;
    return STATUS_OK;
}

static enum status
read_real(const struct option *o, const char *text, double *field, struct fault *fault)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value)) {
        return fault_set(fault, STATUS_INVALID, "%s=%s: a number is wanted", o->name,
                         text);
    }
    *field = value;
    return STATUS_OK;
}

enum status
option_value_read(const struct option *option,
                  const char *text,
                  void *field,
                  struct fault *fault)
{
    switch (option->kind) {
    case OPTION_TEXT:
        return read_text(option, text, field, fault);
    case OPTION_BOOL:
        return read_bool(option, text, field, fault);
    case OPTION_INT:
        return read_counted(option, text, plain, "a whole number", field, fault);
    case OPTION_BYTES:
        return read_counted(option, text, sizes, "a size such as 64KiB or 1MiB", field,
                            fault);
    case OPTION_DURATION:
        return read_counted(option, text, durations, "a duration such as 250ms or 30s",
                            field, fault);
    case OPTION_REAL:
        return read_real(option, text, field, fault);
    }
    return STATUS_INTERNAL;
}

void
option_environment_name(const char *name, char *out, size_t size)
{
    snprintf(out, size, "LEAT_%s", name);
    for (char *c = out; *c != '\0'; c++) {
        if (*c == '.' || *c == '-') {
            *c = '_';
        } else if (*c >= 'a' && *c <= 'z') {
            *c = (char)(*c - 'a' + 'A');
        }
    }
}

size_t
option_distance(const char *a, const char *b)
{
    size_t row[128];
    size_t columns = strlen(b);
    if (columns >= 127) {
        return SIZE_MAX - 1;
    }
    for (size_t j = 0; j <= columns; j++) {
        row[j] = j;
    }
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            size_t shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < shift ? change : shift;
        }
    }
    return row[columns];
}

bool
option_is_secret(const char *key)
{
    return strstr(key, "password") != NULL || strstr(key, "secret") != NULL ||
           strstr(key, "token") != NULL || strstr(key, "ssl.key") != NULL ||
           strcmp(key, "key") == 0;
}
