/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appends the primitives of Avro's binary encoding. Failures stay in the buffer. Pure.
 *
 * @source Apache Avro 1.11 specification, "Binary Encoding"
 */
#ifndef SCHEMAS_AVRO_WRITE_H
#define SCHEMAS_AVRO_WRITE_H

#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/** Also int, enum symbol, union branch and block count. */
void avro_write_long(struct buf *b, int64_t value);
void avro_write_double(struct buf *b, double value);
void avro_write_boolean(struct buf *b, bool value);

/** Also text that is known to be well-formed UTF-8. */
void avro_write_bytes(struct buf *b, struct span bytes);

/** Text of any origin: what no reader would accept (avro_text.h) becomes '?'. */
void avro_write_prose(struct buf *b, struct span text);

#endif
