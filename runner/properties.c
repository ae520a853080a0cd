/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See properties.h. A value may hold '=' and spaces; a key may not be empty. Nothing is
 * trimmed: whoever wrote the message did that.
 */
#include "runner/properties.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status
cut_line(struct properties *p, char *line, struct fault *fault)
{
    char *equals = strchr(line, '=');
    if (equals == NULL || equals == line) {
        return fault_set(fault, STATUS_INVALID, "'%.60s' is not key=value", line);
    }
    if (p->count == PROPERTIES_MAX) {
        return fault_set(fault, STATUS_TOO_LARGE, "more than %d properties",
                         PROPERTIES_MAX);
    }
    *equals = '\0';
    p->lines[p->count++] = (struct property_line){.key = line, .value = equals + 1};
    return STATUS_OK;
}

enum status
properties_parse(struct properties *out, struct span text, struct fault *fault)
{
    if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL) {
        return fault_set(fault, STATUS_INVALID, "a NUL among the properties");
    }
    char *copy = malloc(text.size + 1);
    if (copy == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the properties");
    }
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    out->text = copy;
    out->count = 0;
    char *rest = copy;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        enum status status = *line == '\0' ? STATUS_OK : cut_line(out, line, fault);
        if (status != STATUS_OK) {
            properties_fini(out);
            return status;
        }
    }
    return STATUS_OK;
}

void
properties_fini(struct properties *p)
{
    free(p->text);
    p->text = NULL;
    p->count = 0;
}

void
properties_subset(const struct properties *all,
                  const char *prefix,
                  struct properties *out)
{
    size_t skip = strlen(prefix);
    out->text = NULL;
    out->count = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (strncmp(all->lines[i].key, prefix, skip) == 0) {
            out->lines[out->count++] = (struct property_line){
                .key = all->lines[i].key + skip, .value = all->lines[i].value};
        }
    }
}

const char *
properties_text(const struct properties *p, const char *key)
{
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->lines[i].key, key) == 0) {
            return p->lines[i].value;
        }
    }
    return NULL;
}

enum status
properties_int(const struct properties *p,
               const char *key,
               const int64_t range[static 2],
               int64_t *out,
               struct fault *fault)
{
    const char *text = properties_text(p, key);
    if (text == NULL) {
        return STATUS_OK;
    }
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < range[0] ||
        value > range[1]) {
        return fault_set(fault, STATUS_INVALID,
                         "%s=%.60s: expected a whole number from %" PRId64
                         " to %" PRId64,
                         key, text, range[0], range[1]);
    }
    *out = value;
    return STATUS_OK;
}

/* Length of the unit in ns; 0 for a unit that is none. */
static double
unit_ns(const char *unit)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"ns", 1.0}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(units[i].name, unit) == 0) {
            return units[i].ns;
        }
    }
    return 0.0;
}

static const double LONGEST_NS = 3600.0 * (double)NS_PER_S;

enum status
properties_duration(const struct properties *p,
                    const char *key,
                    int64_t *out_ns,
                    struct fault *fault)
{
    const char *text = properties_text(p, key);
    if (text == NULL) {
        return STATUS_OK;
    }
    char *end = NULL;
    double value = strtod(text, &end);
    double unit = *end == '\0' && value == 0.0 ? 1.0 : unit_ns(end);
    double ns = value * unit;
    if (end == text || unit <= 0.0 || !(ns >= 0.0 && ns <= LONGEST_NS)) {
        return fault_set(fault, STATUS_INVALID,
                         "%s=%.60s: expected a time such as 5ms, at most 3600s", key,
                         text);
    }
    *out_ns = llround(ns);
    return STATUS_OK;
}
