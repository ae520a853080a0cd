/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines out of a stream that comes in pieces of any size. Holds one line and one piece
 * at most: a line over its limit is passed over, and told once it is complete. Pure.
 */
#ifndef SCHEMAS_NDJSON_H
#define SCHEMAS_NDJSON_H

#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct ndjson {
    struct buf bytes; /* not yet taken, from `at` */
    size_t at;
    size_t searched; /* there is no line end before it */
    size_t line_max;
    bool skipping;    /* inside a line that is over its limit */
    bool ended;       /* no piece will come */
    size_t before_at; /* as it was before the last ndjson_next() */
    size_t before_searched;
    bool before_skipping;
};

enum ndjson_found {
    NDJSON_NONE, /* a line needs more bytes; after ndjson_end(): there is no more line
                  */
    NDJSON_LINE,
    NDJSON_OVERLONG /* a line that was passed over */
};

/** @param[in] line_max bytes of a line without its end */
void ndjson_init(struct ndjson *n, size_t line_max);
void ndjson_fini(struct ndjson *n);

/** Takes a piece in, copied. @return STATUS_OK; STATUS_NO_MEMORY */
MUST_CHECK enum status ndjson_feed(struct ndjson *n, struct span piece);

/** No piece will come: what is left is the last line, though nothing ends it. */
void ndjson_end(struct ndjson *n);

/**
 * @param[out] line set on NDJSON_LINE, without its LF or CRLF; valid until the next
 *                  ndjson_feed()
 */
enum ndjson_found ndjson_next(struct ndjson *n, struct span *line);

/** The line that the last ndjson_next() told will be told again. */
void ndjson_put_back(struct ndjson *n);

/** Bytes held that were not told yet; 0 while a long line is passed over. */
size_t ndjson_waiting(const struct ndjson *n);

#endif
