/* SPDX-License-Identifier: Apache-2.0 */
/* Names and sizes of the element types: one row each. */
#include "base/datatype.h"

struct datatype_row {
    const char *name;
    size_t size; /* bytes of an element */
};

static const struct datatype_row rows[DATATYPE_COUNT] = {
    [DATATYPE_BOOL] = {"BOOL", 1},     [DATATYPE_UINT8] = {"UINT8", 1},
    [DATATYPE_UINT16] = {"UINT16", 2}, [DATATYPE_UINT32] = {"UINT32", 4},
    [DATATYPE_UINT64] = {"UINT64", 8}, [DATATYPE_INT8] = {"INT8", 1},
    [DATATYPE_INT16] = {"INT16", 2},   [DATATYPE_INT32] = {"INT32", 4},
    [DATATYPE_INT64] = {"INT64", 8},   [DATATYPE_FP16] = {"FP16", 2},
    [DATATYPE_BF16] = {"BF16", 2},     [DATATYPE_FP32] = {"FP32", 4},
    [DATATYPE_FP64] = {"FP64", 8},     [DATATYPE_BYTES] = {"BYTES", 0},
};

const char *
datatype_name(enum datatype datatype)
{
    unsigned at = (unsigned)datatype;
    return at < DATATYPE_COUNT ? rows[at].name : "UNKNOWN";
}

enum status
datatype_from_name(struct span name, enum datatype *out)
{
    for (unsigned i = 0; i < DATATYPE_COUNT; i++) {
        if (span_is_text(name, rows[i].name)) {
            *out = (enum datatype)i;
            return STATUS_OK;
        }
    }
    return STATUS_INVALID;
}

size_t
datatype_size(enum datatype datatype)
{
    unsigned at = (unsigned)datatype;
    return at < DATATYPE_COUNT ? rows[at].size : 0;
}
