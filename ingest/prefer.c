/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the list of preferences one by one; the first of a name counts (RFC 7240 2). */
#include "ingest/prefer.h"

#include <stddef.h>
#include <strings.h>

enum { WAIT_DIGITS_MAX = 9 };

static bool
is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static struct span
trimmed(struct span text)
{
    while (text.size > 0 && is_space(text.data[0])) {
        text = span_of(text.data + 1, text.size - 1);
    }
    while (text.size > 0 && is_space(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

/* Takes what stands before the separator, which counts only outside of quotes. */
static struct span
take_until(struct span *rest, uint8_t separator)
{
    bool quoted = false;
    size_t at = 0;
    while (at < rest->size && (quoted || rest->data[at] != separator)) {
        if (quoted && rest->data[at] == '\\' && at + 1 < rest->size) {
            at++;
        } else if (rest->data[at] == '"') {
            quoted = !quoted;
        }
        at++;
    }
    struct span taken = span_of(rest->data, at);
    size_t skip = at < rest->size ? at + 1 : at;
    *rest = span_of(rest->data + skip, rest->size - skip);
    return taken;
}

static bool
is_name(struct span text, const char *name)
{
    return text.size == strlen(name) &&
           strncasecmp((const char *)text.data, name, text.size) == 0;
}

static int64_t
seconds_of(struct span value)
{
    if (value.size >= 2 && value.data[0] == '"' && value.data[value.size - 1] == '"') {
        value = span_of(value.data + 1, value.size - 2);
    }
    if (value.size == 0 || value.size > WAIT_DIGITS_MAX) {
        return -1;
    }
    int64_t seconds = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return -1;
        }
        seconds = seconds * 10 + (value.data[i] - '0');
    }
    return seconds;
}

struct prefer
prefer_parse(struct span header)
{
    struct prefer prefer = {.wait_s = -1};
    while (header.size > 0) {
        struct span item = take_until(&header, ',');
        struct span value = take_until(&item, ';');
        struct span name = trimmed(take_until(&value, '='));
        if (is_name(name, "respond-async")) {
            prefer.respond_async = true;
        } else if (is_name(name, "wait") && prefer.wait_s < 0) {
            prefer.wait_s = seconds_of(trimmed(value));
        }
    }
    return prefer;
}
