/* SPDX-License-Identifier: Apache-2.0 */
/* See mistakes.h. */
#include "batcher/mistakes.h"

#include <stdbool.h>
#include <stdio.h>

enum { TEXT_BYTES = 320 };

void
mistakes_add_list(struct mistakes *list,
                  struct arena *arena,
                  const struct mistake *m,
                  const char *format,
                  va_list args)
{
    char text[TEXT_BYTES];
    vsnprintf(text, sizeof text, format, args);
    if (list->items == NULL) {
        list->items = arena_array(arena, MISTAKES_MAX, sizeof *list->items);
    }
    const char *copy = arena_text(arena, span_of_text(text));
    if (list->items == NULL || copy == NULL || list->count == MISTAKES_MAX) {
        list->unlisted++;
        return;
    }
    list->items[list->count] = *m;
    list->items[list->count++].text = copy;
}

void
mistakes_add(struct mistakes *list,
             struct arena *arena,
             const struct mistake *m,
             const char *format,
             ...)
{
    va_list args;
    va_start(args, format);
    mistakes_add_list(list, arena, m, format, args);
    va_end(args);
}

static bool
stands_before(const struct mistake *a, const struct mistake *b)
{
    return a->line != 0 && (b->line == 0 || a->line < b->line);
}

/* By insertion: few, nearly sorted, and those of one line stay as they were found. */
void
mistakes_sort(struct mistakes *list)
{
    for (size_t i = 1; i < list->count; i++) {
        struct mistake moved = list->items[i];
        size_t at = i;
        for (; at > 0 && stands_before(&moved, &list->items[at - 1]); at--) {
            list->items[at] = list->items[at - 1];
        }
        list->items[at] = moved;
    }
}

size_t
mistakes_of_kind(const struct mistakes *list, enum mistake_kind kind)
{
    size_t count = kind == MISTAKE_ERROR ? list->unlisted : 0;
    for (size_t i = 0; i < list->count; i++) {
        count += list->items[i].kind == kind ? 1 : 0;
    }
    return count;
}

void
mistake_format(const struct mistake *m, struct buf *out)
{
    buf_append_text(out, m->file);
    if (m->line > 0) {
        buf_append_format(out, ":%u", m->line);
    }
    buf_append_text(out, m->kind == MISTAKE_WARNING ? ": warning: " : ": ");
    if (m->key[0] != '\0') {
        buf_append_format(out, "%s: ", m->key);
    }
    buf_append_text(out, m->text);
}
