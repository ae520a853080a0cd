/* SPDX-License-Identifier: Apache-2.0 */
/* Original headers first, as many as leave room for ours. */
#include "batcher/dead_letter.h"

#include <inttypes.h>
#include <stdio.h>

enum { OWN_HEADERS = 5, NUMBER_TEXT = 24 };

static void
header_add(struct outgoing *out,
           struct record_header *headers,
           const char *name,
           const char *text)
{
    if (text != NULL) {
        headers[out->header_count++] =
            (struct record_header){.name = name, .value = span_of_text(text)};
    }
}

static const char *
number_text(struct arena *arena, int64_t number)
{
    char text[NUMBER_TEXT];
    int size = snprintf(text, sizeof text, "%" PRId64, number);
    return arena_text(arena, span_of(text, (size_t)size));
}

void
dead_letter_write(const struct record *r,
                  const char *message,
                  const char *stage,
                  struct arena *arena,
                  struct outgoing *out)
{
    out->partition = PARTITION_BY_KEY;
    out->key = r->key;
    out->value = r->value;
    out->headers = NULL;
    out->header_count = 0;
    struct record_header *headers =
        arena_array(arena, RECORD_HEADERS_MAX, sizeof *headers);
    if (headers == NULL) {
        return;
    }
    out->headers = headers;
    struct record_header h;
    while (out->header_count < RECORD_HEADERS_MAX - OWN_HEADERS &&
           record_header_at(r, out->header_count, &h.name, &h.value) == STATUS_OK) {
        headers[out->header_count++] = h;
    }
    header_add(out, headers, "__connect.errors.topic",
               arena_text(arena, span_of_text(r->topic)));
    header_add(out, headers, "__connect.errors.partition",
               number_text(arena, r->partition));
    header_add(out, headers, "__connect.errors.offset", number_text(arena, r->offset));
    header_add(out, headers, "__connect.errors.exception.message",
               arena_text(arena, span_of_text(message)));
    header_add(out, headers, "__connect.errors.stage", stage);
}
