/* SPDX-License-Identifier: Apache-2.0 */
/* A key without quotes has no blank, quote, comma or semicolon: those would begin
 * something that a structured field means differently. */
#include "ingest/idempotency_key.h"

#include <stdbool.h>
#include <string.h>

static struct span
trimmed(struct span text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text = span_of(text.data + 1, text.size - 1);
    }
    while (text.size > 0 &&
           (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t')) {
        text.size--;
    }
    return text;
}

static bool
add(struct idempotency_key *key, uint8_t byte)
{
    if (key->size == IDEMPOTENCY_KEY_MAX || byte < ' ' || byte > '~') {
        return false;
    }
    key->text[key->size++] = (char)byte;
    return true;
}

/* What stands between the quotes; a backslash only before a quote or another. */
static bool
read_quoted(struct span inside, struct idempotency_key *key)
{
    for (size_t i = 0; i < inside.size; i++) {
        if (inside.data[i] == '"') {
            return false;
        }
        if (inside.data[i] == '\\') {
            i++;
            if (i == inside.size || (inside.data[i] != '"' && inside.data[i] != '\\')) {
                return false;
            }
        }
        if (!add(key, inside.data[i])) {
            return false;
        }
    }
    return true;
}

static bool
read_bare(struct span text, struct idempotency_key *key)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == ' ' || c == '"' || c == ',' || c == ';' || !add(key, c)) {
            return false;
        }
    }
    return true;
}

enum status
idempotency_key_parse(struct span header, struct idempotency_key *key)
{
    struct span text = trimmed(header);
    struct idempotency_key read = {.size = 0};
    bool fine = false;
    if (text.size >= 2 && text.data[0] == '"' && text.data[text.size - 1] == '"') {
        fine = read_quoted(span_of(text.data + 1, text.size - 2), &read);
    } else {
        fine = read_bare(text, &read);
    }
    if (!fine || read.size == 0) {
        return STATUS_INVALID;
    }
    *key = read;
    return STATUS_OK;
}
