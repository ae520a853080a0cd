/* SPDX-License-Identifier: Apache-2.0 */
/* The option tables as Markdown: the whole of docs/configuration.md below its title. */
#include "base/option.h"

static const char *
kind_text(enum option_kind kind)
{
    switch (kind) {
    case OPTION_TEXT:
        return "text";
    case OPTION_BOOL:
        return "true or false";
    case OPTION_INT:
        return "number";
    case OPTION_BYTES:
        return "size";
    case OPTION_DURATION:
        return "duration";
    case OPTION_REAL:
        return "real number";
    }
    return "";
}

static void
append_choices(const char *choices, struct buf *out)
{
    for (const char *c = choices; *c != '\0'; c++) {
        buf_append_text(out, *c == '|' ? ", " : (char[]){*c, '\0'});
    }
}

void
option_document(const struct option_table *tables, size_t count, struct buf *out)
{
    for (size_t t = 0; t < count; t++) {
        buf_append_format(out, "\n## %s\n\n| Key | Kind | Default | Meaning |\n",
                          tables[t].room);
        buf_append_text(out, "|---|---|---|---|\n");
        for (size_t i = 0; i < tables[t].count; i++) {
            const struct option *o = &tables[t].options[i];
            buf_append_format(out, "| `%s` | ", o->name);
            if (o->choices != NULL) {
                append_choices(o->choices, out);
            } else {
                buf_append_text(out, kind_text(o->kind));
            }
            if (o->fallback[0] == '\0') {
                buf_append_format(out, " | none | %s |\n", o->help);
            } else {
                buf_append_format(out, " | `%s` | %s |\n", o->fallback, o->help);
            }
        }
    }
}
