/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one line of a batch to a record: read and checked as an infer body with the
 * model in it, then the request; or, when it is no request, the FAILED answer that says
 * why. Produces nothing.
 */
#ifndef INGEST_BULK_LINE_H
#define INGEST_BULK_LINE_H

#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"
#include "base/uuid.h"
#include "ingest/bulk_source.h"
#include "ingest/catalogue.h"
#include "schemas/oip.h"

#include <stdint.h>

struct ingest;

/** What the lines of a batch have in common. */
struct bulk_terms {
    struct uuid batch;
    struct span tenant;
    struct span model;   /* for lines that name none; size 0: each must */
    struct span version; /* likewise; size 0: any */
};

struct bulk_line {
    uint32_t number; /* from 1 */
    struct uuid id;
    struct oip_request body; /* points into the text and the arena */
    struct span model_name;  /* as far as it is known; size 0: it is not */
    const struct catalogue_model *model;
    const struct model_info *info;
};

/**
 * Reads and checks a line of NDJSON; its number and id are set.
 *
 * @param[in,out] line  body, model and info are set; on failure as far as it came
 * @param[out]    fault why it is no request
 * @return STATUS_OK, or why the line fails
 */
MUST_CHECK enum status bulk_line_read(struct ingest *ingest,
                                      const struct bulk_terms *terms,
                                      const struct bulk_item *item,
                                      struct bulk_line *line,
                                      struct fault *fault);

/** The same for the row of an .avro file that stands next; the model is the terms'. */
MUST_CHECK enum status bulk_line_read_row(struct ingest *ingest,
                                          const struct bulk_terms *terms,
                                          struct bulk_source *source,
                                          struct bulk_line *line,
                                          struct fault *fault);

/** Appends the request record. Check b->status. */
void bulk_line_encode(const struct bulk_terms *terms,
                      const struct bulk_line *line,
                      int64_t wall_us,
                      struct buf *b);

/** Appends the FAILED answer of a line. Check b->status. */
void bulk_line_encode_failed(const struct bulk_terms *terms,
                             const struct bulk_line *line,
                             const struct fault *fault,
                             int64_t wall_us,
                             struct buf *b);

#endif
