/* SPDX-License-Identifier: Apache-2.0 */
/* See model.h. The text form is that of the protocol: `pixels FP32 -1,64`. */
#include "runner/model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A single dimension; products of a shape are bounded by the slot, not here. */
static const int64_t DIMENSION_MAX = INT64_C(1) << 40;

static enum status
read_shape(const char *text, struct model_tensor *out)
{
    out->rank = 0;
    const char *at = text;
    while (*at != '\0') {
        char *end = NULL;
        errno = 0;
        long long value = strtoll(at, &end, 10);
        bool ok = errno == 0 && end != at && value >= -1 && value <= DIMENSION_MAX;
        if (!ok || out->rank == SLOT_RANK_MAX) {
            return STATUS_INVALID;
        }
        out->shape[out->rank++] = value;
        if (*end == ',' && end[1] != '\0') {
            at = end + 1;
        } else if (*end == '\0') {
            at = end;
        } else {
            return STATUS_INVALID;
        }
    }
    return STATUS_OK;
}

enum status
model_tensor_parse(const char *text, struct model_tensor *out, struct fault *fault)
{
    struct model_tensor t = {.rank = 0};
    const char *name_end = strchr(text, ' ');
    const char *type = name_end == NULL ? "" : name_end + 1;
    size_t name_size = name_end == NULL ? 0 : (size_t)(name_end - text);
    size_t type_size = strcspn(type, " ");
    const char *dims = type[type_size] == ' ' ? type + type_size + 1 : "";
    if (name_size == 0 || name_size >= sizeof t.name ||
        datatype_from_name(span_of(type, type_size), &t.datatype) != STATUS_OK ||
        read_shape(dims, &t) != STATUS_OK) {
        return fault_set(fault, STATUS_INVALID,
                         "'%.80s' is not NAME DATATYPE d0,d1,... with a name under %d "
                         "bytes and at most %d dimensions",
                         text, SLOT_NAME_BYTES, SLOT_RANK_MAX);
    }
    memcpy(t.name, text, name_size);
    *out = t;
    return STATUS_OK;
}

void
model_tensor_format(const struct model_tensor *t, struct buf *out)
{
    buf_append_format(out, "%s %s", t->name, datatype_name(t->datatype));
    for (uint32_t i = 0; i < t->rank; i++) {
        buf_append_format(out, "%c%" PRId64, i == 0 ? ' ' : ',', t->shape[i]);
    }
}

static enum status
read_side(const struct model *model,
          const struct properties *properties,
          const char *side,
          struct model_tensor tensors[static SLOT_TENSORS_MAX],
          uint32_t *count,
          struct fault *fault)
{
    *count = 0;
    for (;;) {
        char key[32];
        snprintf(key, sizeof key, "%s.%" PRIu32, side, *count);
        const char *text = properties_text(properties, key);
        if (text == NULL) {
            return STATUS_OK;
        }
        if (*count == SLOT_TENSORS_MAX) {
            return fault_set(fault, STATUS_TOO_LARGE, "%s: over %d tensors", key,
                             SLOT_TENSORS_MAX);
        }
        struct model_tensor *t = &tensors[*count];
        if (model_tensor_parse(text, t, fault) != STATUS_OK) {
            return STATUS_INVALID;
        }
        if (model->max_batch_size > 0 && (t->rank == 0 || t->shape[0] != -1)) {
            return fault_set(fault, STATUS_INVALID,
                             "%s=%.80s: the model batches (max.batch.size > 0), so the "
                             "first dimension must be -1",
                             key, text);
        }
        ++*count;
    }
}

enum status
model_read_tensors(struct model *model,
                   const struct properties *properties,
                   struct fault *fault)
{
    enum status status = read_side(model, properties, "input", model->inputs,
                                   &model->input_count, fault);
    if (status != STATUS_OK) {
        return status;
    }
    return read_side(model, properties, "output", model->outputs, &model->output_count,
                     fault);
}

/* The next number of the list, its comma skipped; 0 if there is none in [1, most]. */
static uint32_t
take_number(const char **at, uint32_t most)
{
    if (**at < '0' || **at > '9') {
        return 0;
    }
    char *end = NULL;
    unsigned long value = strtoul(*at, &end, 10);
    bool more = *end == ',' && end[1] != '\0';
    if (value > most || (!more && *end != '\0')) {
        return 0;
    }
    *at = more ? end + 1 : end;
    return (uint32_t)value;
}

enum status
model_read_buckets(struct model *model,
                   const struct properties *properties,
                   struct fault *fault)
{
    const char *text = properties_text(properties, "batch.buckets");
    const char *at = text;
    uint32_t last = 0;
    bool ok = text == NULL || *text != '\0';
    model->bucket_count = 0;
    while (ok && at != NULL && *at != '\0') {
        uint32_t rows = take_number(&at, model->max_batch_size);
        ok = rows > last && model->bucket_count < MODEL_BUCKETS_MAX;
        if (ok) {
            model->buckets[model->bucket_count++] = rows;
        }
        last = rows;
    }
    return ok ? STATUS_OK
              : fault_set(
                    fault, STATUS_INVALID,
                    "batch.buckets=%.60s: expected ascending numbers of rows such "
                    "as 1,2,4, at most %d of them and none over "
                    "max.batch.size=%" PRIu32,
                    text, MODEL_BUCKETS_MAX, model->max_batch_size);
}

uint32_t
model_padded_rows(const struct model *model, uint32_t rows)
{
    for (uint32_t i = 0; i < model->bucket_count; i++) {
        if (model->buckets[i] >= rows) {
            return model->buckets[i];
        }
    }
    return model->bucket_count > 0 ? model->max_batch_size : rows;
}

int64_t
model_row_elements(const struct model *model, const struct model_tensor *t)
{
    int64_t count = 1;
    for (uint32_t i = model->max_batch_size > 0 ? 1 : 0; i < t->rank; i++) {
        int64_t dimension = t->shape[i] < 0 ? 1 : t->shape[i];
        if (__builtin_mul_overflow(count, dimension, &count)) {
            return INT64_MAX;
        }
    }
    return count;
}
