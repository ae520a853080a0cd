/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the body of a batch is cut into: the lines of NDJSON or the rows of an .avro
 * file, told apart by their first byte. Bounded by one line or block and one piece.
 */
#ifndef INGEST_BULK_SOURCE_H
#define INGEST_BULK_SOURCE_H

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"
#include "schemas/avro_file.h"
#include "schemas/avro_row.h"
#include "schemas/ndjson.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bulk_source {
    bool begun; /* it is known what it is */
    bool avro;
    struct ndjson lines;
    struct avro_file file;
    struct avro_row_schema schema;
    struct arena arena; /* holds the schema */
    struct avro_block block;
    struct span before; /* the rows as they were before the last one */
    uint32_t skip;      /* rows that are stored already */
};

enum bulk_item_kind {
    BULK_NONE,     /* more bytes are needed, or there is no more */
    BULK_LINE,     /* text is set */
    BULK_OVERLONG, /* a line that was too long to be kept */
    BULK_ROW,      /* bulk_source_row() reads it */
    BULK_FAULT     /* what comes cannot be read */
};

struct bulk_item {
    enum bulk_item_kind kind;
    struct span text;
};

/**
 * @param[in] item_max bytes of a line or of a block
 * @param[in] skip     rows of an .avro file to pass over: it comes whole each time
 */
void bulk_source_init(struct bulk_source *s, size_t item_max, uint32_t skip);
void bulk_source_fini(struct bulk_source *s);

/** Takes a piece in, copied. @return STATUS_OK; STATUS_NO_MEMORY */
MUST_CHECK enum status bulk_source_feed(struct bulk_source *s, struct span piece);
void bulk_source_end(struct bulk_source *s);

/** @param[out] fault set with BULK_FAULT */
struct bulk_item bulk_source_next(struct bulk_source *s, struct fault *fault);

/**
 * Reads the row that bulk_source_next() told, once.
 *
 * @return as avro_row_read()
 */
MUST_CHECK enum status bulk_source_row(struct bulk_source *s,
                                       const struct model_info *model,
                                       struct arena *arena,
                                       struct oip_request *body,
                                       struct fault *fault);

/** What was told last will be told again. */
void bulk_source_put_back(struct bulk_source *s);

/** Bytes held that were not taken yet. */
size_t bulk_source_waiting(const struct bulk_source *s);

/** Whether all that was fed has been told. */
bool bulk_source_is_drained(const struct bulk_source *s);

#endif
