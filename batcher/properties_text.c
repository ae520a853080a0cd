/* SPDX-License-Identifier: Apache-2.0 */
/* See properties_text.h. */
#include "batcher/properties_text.h"

#include <ctype.h>
#include <string.h>

static const char byte_order_mark[] = "\xef\xbb\xbf";

struct cut {
    struct properties_text *out;
    const char *file;
    struct arena *arena;
    struct mistakes *mistakes;
    unsigned number;
};

static void
complain(const struct cut *c, const char *key, const char *what)
{
    const struct mistake m = {.file = c->file, .line = c->number, .key = key};
    mistakes_add(c->mistakes, c->arena, &m, "%s", what);
}

static struct span
trimmed(struct span text)
{
    while (text.size > 0 && isspace(text.data[0])) {
        text = span_of(text.data + 1, text.size - 1);
    }
    while (text.size > 0 && isspace(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

static enum status
add_line(const struct cut *c, struct span key, struct span value)
{
    struct property_line *line = &c->out->lines[c->out->count];
    line->key = arena_text(c->arena, key);
    line->value = arena_text(c->arena, value);
    line->number = c->number;
    if (line->key == NULL || line->value == NULL) {
        return STATUS_NO_MEMORY;
    }
    const struct property_line *same = properties_text_find(c->out, line->key);
    if (same != NULL) {
        const struct mistake m = {.file = c->file, .line = c->number, .key = line->key};
        mistakes_add(c->mistakes, c->arena, &m, "stands in line %u already",
                     same->number);
        return STATUS_OK;
    }
    c->out->count++;
    return STATUS_OK;
}

static enum status
cut_line(const struct cut *c, struct span text)
{
    text = trimmed(text);
    if (text.size == 0 || text.data[0] == '#' || text.data[0] == '!') {
        return STATUS_OK;
    }
    if (memchr(text.data, '\0', text.size) != NULL) {
        complain(c, "", "the line holds a NUL byte; this is no text file");
        return STATUS_OK;
    }
    const uint8_t *equals = memchr(text.data, '=', text.size);
    if (equals == NULL || equals == text.data) {
        const struct mistake m = {.file = c->file, .line = c->number, .key = ""};
        mistakes_add(c->mistakes, c->arena, &m, "'%.*s' is not key=value",
                     text.size < 60 ? (int)text.size : 60, (const char *)text.data);
        return STATUS_OK;
    }
    if (c->out->count == PROPERTY_LINES_MAX) {
        complain(c, "", "the file has too many keys; this one is not read");
        return STATUS_OK;
    }
    size_t key_size = (size_t)(equals - text.data);
    struct span value = span_of(equals + 1, text.size - key_size - 1);
    return add_line(c, trimmed(span_of(text.data, key_size)), trimmed(value));
}

static struct span
without_mark(struct span text)
{
    size_t size = sizeof byte_order_mark - 1;
    if (text.size >= size && memcmp(text.data, byte_order_mark, size) == 0) {
        return span_of(text.data + size, text.size - size);
    }
    return text;
}

enum status
properties_text_read(struct properties_text *out,
                     struct span text,
                     const char *file,
                     struct arena *arena,
                     struct mistakes *mistakes)
{
    struct cut c = {.out = out, .file = file, .arena = arena, .mistakes = mistakes};
    out->count = 0;
    /* One more than is kept: a line is read into its place before it is judged. */
    out->lines = arena_array(arena, PROPERTY_LINES_MAX + 1, sizeof *out->lines);
    enum status status = out->lines == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    if (text.size > PROPERTIES_TEXT_MAX) {
        complain(&c, "", "the file is larger than 48 KiB and is not read");
        return status;
    }
    struct span rest = without_mark(text);
    while (status == STATUS_OK && rest.size > 0) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        size_t size = end == NULL ? rest.size : (size_t)(end - rest.data);
        size_t taken = end == NULL ? size : size + 1;
        c.number++;
        status = cut_line(&c, span_of(rest.data, size));
        rest = span_of(rest.data + taken, rest.size - taken);
    }
    return status;
}

const struct property_line *
properties_text_find(const struct properties_text *p, const char *key)
{
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->lines[i].key, key) == 0) {
            return &p->lines[i];
        }
    }
    return NULL;
}
