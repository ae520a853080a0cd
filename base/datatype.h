/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The element types of a tensor, as the Open Inference Protocol names them (BF16 as
 * Triton adds it). Used by the records and by the runner protocol alike. Pure.
 */
#ifndef BASE_DATATYPE_H
#define BASE_DATATYPE_H

#include "base/span.h"
#include "base/status.h"

#include <stddef.h>

/* The order is the one of the Avro enum and of the runner protocol: never reorder. */
enum datatype {
    DATATYPE_BOOL,
    DATATYPE_UINT8,
    DATATYPE_UINT16,
    DATATYPE_UINT32,
    DATATYPE_UINT64,
    DATATYPE_INT8,
    DATATYPE_INT16,
    DATATYPE_INT32,
    DATATYPE_INT64,
    DATATYPE_FP16,
    DATATYPE_BF16,
    DATATYPE_FP32,
    DATATYPE_FP64,
    DATATYPE_BYTES,
    DATATYPE_COUNT
};

/** "FP32" and so on. @thread any */
const char *datatype_name(enum datatype datatype);

/** @return STATUS_OK; STATUS_INVALID for a name that is none */
MUST_CHECK enum status datatype_from_name(struct span name, enum datatype *out);

/** Bytes of one element; 0 for BYTES, whose elements say their own length. */
size_t datatype_size(enum datatype datatype);

#endif
