/* SPDX-License-Identifier: Apache-2.0 */
/* What was taken is overwritten when the next piece comes, so each byte is moved about
 * once.
 */
#include "schemas/ndjson.h"

#include <stdint.h>
#include <string.h>

void
ndjson_init(struct ndjson *n, size_t line_max)
{
    *n = (struct ndjson){.line_max = line_max};
    buf_init(&n->bytes, SIZE_MAX / 2); /* a line, and what the caller feeds at once */
}

void
ndjson_fini(struct ndjson *n)
{
    buf_fini(&n->bytes);
}

static void
forget_taken(struct ndjson *n)
{
    if (n->at == 0) {
        return;
    }
    n->bytes.size -= n->at;
    memmove(n->bytes.data, n->bytes.data + n->at, n->bytes.size);
    n->searched -= n->at;
    n->at = 0;
}

enum status
ndjson_feed(struct ndjson *n, struct span piece)
{
    forget_taken(n);
    buf_append(&n->bytes, piece.data, piece.size);
    return n->bytes.status;
}

void
ndjson_end(struct ndjson *n)
{
    n->ended = true;
}

/* The rest of what is there belongs to a line that has no end yet. */
static enum ndjson_found
look_at_rest(struct ndjson *n, struct span *line)
{
    size_t size = n->bytes.size - n->at;
    n->searched = n->bytes.size;
    n->skipping = n->skipping || size > n->line_max + 1; /* the CR of a CRLF */
    if (n->skipping) {
        n->at = n->bytes.size;
    }
    if (!n->ended || (size == 0 && !n->skipping)) {
        return NDJSON_NONE;
    }
    bool overlong = n->skipping || size > n->line_max;
    *line = span_of(n->bytes.data + n->at, size);
    n->at = n->bytes.size;
    n->skipping = false;
    return overlong ? NDJSON_OVERLONG : NDJSON_LINE;
}

enum ndjson_found
ndjson_next(struct ndjson *n, struct span *line)
{
    n->before_at = n->at;
    n->before_searched = n->searched;
    n->before_skipping = n->skipping;
    size_t unseen = n->bytes.size - n->searched;
    const uint8_t *end =
        unseen == 0 ? NULL : memchr(n->bytes.data + n->searched, '\n', unseen);
    if (end == NULL) {
        return look_at_rest(n, line);
    }
    const uint8_t *start = n->bytes.data + n->at;
    size_t size = (size_t)(end - start);
    bool overlong = n->skipping;
    n->at += size + 1;
    n->searched = n->at;
    n->skipping = false;
    if (size > 0 && start[size - 1] == '\r') {
        size--;
    }
    *line = span_of(start, size);
    return overlong || size > n->line_max ? NDJSON_OVERLONG : NDJSON_LINE;
}

void
ndjson_put_back(struct ndjson *n)
{
    n->at = n->before_at;
    n->searched = n->before_searched;
    n->skipping = n->before_skipping;
}

size_t
ndjson_waiting(const struct ndjson *n)
{
    return n->bytes.size - n->at;
}
