/* SPDX-License-Identifier: Apache-2.0 */
/* See tensor_line.h. Bounds are those of a slot (runner/protocol.h). */
#include "batcher/tensor_line.h"

#include "runner/protocol.h"

#include <string.h>

enum { DIMENSION_DIGITS = 12, SHOWN = 60 };

static int
shown(struct span text)
{
    return text.size < SHOWN ? (int)text.size : SHOWN;
}

/** Takes the text up to the separator or the end; whether there was a separator. */
static bool
take_part(struct span *text, char separator, struct span *out)
{
    const uint8_t *end =
        text->size == 0 ? NULL : memchr(text->data, separator, text->size);
    size_t size = end == NULL ? text->size : (size_t)(end - text->data);
    size_t taken = end == NULL ? size : size + 1;
    *out = span_of(text->data, size);
    *text = span_of(text->data + taken, text->size - taken);
    return end != NULL;
}

static bool
read_dimension(struct span text, int64_t *out)
{
    int64_t value = 0;
    if (span_is_text(text, "-1")) {
        *out = -1;
        return true;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i == DIMENSION_DIGITS) {
            return false;
        }
        value = value * 10 + (text.data[i] - '0');
    }
    *out = value;
    return text.size > 0;
}

static enum status
read_shape(struct span text, struct tensor_spec *t, struct fault *fault)
{
    for (bool more = true; more;) {
        struct span part;
        more = take_part(&text, ',', &part);
        if (t->rank == SLOT_RANK_MAX) {
            return fault_set(fault, STATUS_INVALID, "it has more than %d dimensions",
                             (int)SLOT_RANK_MAX);
        }
        if (!read_dimension(part, &t->shape[t->rank])) {
            return fault_set(fault, STATUS_INVALID,
                             "'%.*s' is no dimension: a number from 0 is, or -1 for a "
                             "variable one, with commas between and no blanks",
                             shown(part), (const char *)part.data);
        }
        t->rank++;
    }
    return STATUS_OK;
}

static enum status
read_datatype(struct span text, enum datatype *out, struct fault *fault)
{
    if (datatype_from_name(text, out) == STATUS_OK) {
        return STATUS_OK;
    }
    return fault_set(
        fault, STATUS_INVALID,
        "'%.*s' is no datatype: BOOL, UINT8, UINT16, UINT32, UINT64, INT8, "
        "INT16, INT32, INT64, FP16, BF16, FP32, FP64 and BYTES are",
        shown(text), (const char *)text.data);
}

enum status
tensor_line_read(struct span text, struct tensor_spec *out, struct fault *fault)
{
    struct tensor_spec t = {.rank = 0};
    struct span rest = text;
    struct span datatype;
    bool has_datatype = take_part(&rest, ' ', &t.name);
    bool has_shape = take_part(&rest, ' ', &datatype);
    if (t.name.size == 0 || !has_datatype || datatype.size == 0) {
        return fault_set(fault, STATUS_INVALID,
                         "'%.*s' is not NAME DATATYPE d0,d1,... such as pixels FP32 "
                         "-1,64",
                         shown(text), (const char *)text.data);
    }
    if (t.name.size >= SLOT_NAME_BYTES) {
        return fault_set(fault, STATUS_INVALID,
                         "the tensor's name has %zu bytes, at most %d are allowed",
                         t.name.size, (int)SLOT_NAME_BYTES - 1);
    }
    enum status status = read_datatype(datatype, &t.datatype, fault);
    if (status == STATUS_OK && has_shape && rest.size > 0) {
        status = read_shape(rest, &t, fault);
    }
    if (status == STATUS_OK) {
        *out = t;
    }
    return status;
}
