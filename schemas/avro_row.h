/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of a foreign Avro schema as infer requests: the field named like an input of the
 * model becomes its tensor, a text field `id` the caller's own id, and other fields are
 * passed over. Fields are boolean, int, long, float, double, string, bytes, arrays of
 * these (of arrays), and unions of null and one of these. Numbers are converted to the
 * input's datatype where that loses no integer; bytes for an input that is not BYTES
 * are its data as it stands, little-endian. Pure.
 *
 * @source Apache Avro 1.11 specification, "Schema Declaration", "Binary Encoding"
 */
#ifndef SCHEMAS_AVRO_ROW_H
#define SCHEMAS_AVRO_ROW_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"
#include "schemas/oip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ROW_FIELDS_MAX = 256, ROW_STEPS_MAX = 4 };

enum avro_scalar {
    ROW_NULL,
    ROW_BOOLEAN,
    ROW_INT,
    ROW_LONG,
    ROW_FLOAT,
    ROW_DOUBLE,
    ROW_STRING,
    ROW_BYTES,
    ROW_SCALAR_COUNT
};

/** What stands around a scalar, from the outside in. */
enum avro_wrap { ROW_ARRAY, ROW_NULL_FIRST, ROW_NULL_SECOND };

struct avro_field {
    struct span name;
    enum avro_scalar scalar;
    uint32_t step_count;
    enum avro_wrap steps[ROW_STEPS_MAX];
};

struct avro_row_schema {
    const struct avro_field *fields;
    size_t field_count;
};

/**
 * Reads a writer's schema.
 *
 * @param[in]  json  borrowed as long as the schema is used
 * @param[in]  arena holds the fields
 * @return STATUS_OK; STATUS_INVALID; STATUS_UNSUPPORTED: not a record, or a field of
 *         another type; STATUS_TOO_LARGE; STATUS_NO_MEMORY; the fault names the field
 */
MUST_CHECK enum status avro_row_schema_read(struct span json,
                                            struct arena *arena,
                                            struct avro_row_schema *schema,
                                            struct fault *fault);

/**
 * Reads one row as a request of a model.
 *
 * @param[in,out] data  the rows that are left; moved behind this one, also when it is
 *                      refused. What is behind a row that is no record of the schema
 *                      cannot be found: then its data is NULL
 * @param[in]     arena holds the request
 * @param[out]    out   inputs and id; not yet checked against the model
 * @return STATUS_OK; STATUS_INVALID, STATUS_UNSUPPORTED, STATUS_NO_MEMORY with the
 *         field's name
 */
MUST_CHECK enum status avro_row_read(const struct avro_row_schema *schema,
                                     const struct model_info *model,
                                     struct span *data,
                                     struct arena *arena,
                                     struct oip_request *out,
                                     struct fault *fault);

#endif
