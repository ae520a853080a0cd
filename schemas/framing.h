/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a record's bytes say which schema wrote them: Avro single-object encoding
 * (C3 01 + CRC-64-AVRO fingerprint, little-endian), the Confluent prefix (00 + 4-byte
 * id, big-endian) or nothing (bare). Pure.
 */
#ifndef SCHEMAS_FRAMING_H
#define SCHEMAS_FRAMING_H

#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

enum framing_kind { FRAMING_SINGLE_OBJECT, FRAMING_CONFLUENT, FRAMING_BARE };

struct framing {
    enum framing_kind kind;
    uint64_t fingerprint; /* single-object */
    uint32_t schema_id;   /* Confluent */
    struct span body;     /* what follows the prefix */
};

void framing_read(struct span bytes, struct framing *out);
void framing_write(struct buf *b, uint64_t fingerprint);

/** CRC-64-AVRO of a schema's Parsing Canonical Form. @source Avro 1.11 specification */
uint64_t framing_fingerprint(struct span canonical_form);

#endif
