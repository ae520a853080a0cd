/* SPDX-License-Identifier: Apache-2.0 */
/* See ort_tensor.h. */
#include "runner/ort_tensor.h"

#include "runner/ort_library.h"

#include <onnxruntime_c_api.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const ONNXTensorElementDataType element_types[DATATYPE_COUNT] = {
    [DATATYPE_BOOL] = ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL,
    [DATATYPE_UINT8] = ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8,
    [DATATYPE_UINT16] = ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16,
    [DATATYPE_UINT32] = ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32,
    [DATATYPE_UINT64] = ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64,
    [DATATYPE_INT8] = ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8,
    [DATATYPE_INT16] = ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16,
    [DATATYPE_INT32] = ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32,
    [DATATYPE_INT64] = ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64,
    [DATATYPE_FP16] = ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16,
    [DATATYPE_BF16] = ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16,
    [DATATYPE_FP32] = ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
    [DATATYPE_FP64] = ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE,
    [DATATYPE_BYTES] = ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING,
};

/* DATATYPE_COUNT for an element type that the protocol has no name for. */
static enum datatype
datatype_of(ONNXTensorElementDataType type)
{
    int i = 0;
    while (i < DATATYPE_COUNT && element_types[i] != type) {
        i++;
    }
    return (enum datatype)i;
}

static enum status
read_shape(const OrtApi *api,
           const OrtTensorTypeAndShapeInfo *info,
           struct ort_shape *out,
           struct fault *fault)
{
    ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    size_t rank = 0;
    enum status status =
        ort_check(api, api->GetTensorElementType(info, &type), "model.onnx", fault);
    if (status == STATUS_OK) {
        status =
            ort_check(api, api->GetDimensionsCount(info, &rank), "model.onnx", fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    out->datatype = datatype_of(type);
    out->rank = (uint32_t)rank;
    return rank > SLOT_RANK_MAX
               ? STATUS_OK
               : ort_check(api, api->GetDimensions(info, out->dims, rank), "model.onnx",
                           fault);
}

enum status
ort_tensor_declared(const OrtApi *api,
                    const OrtTypeInfo *info,
                    struct ort_declared *out,
                    struct fault *fault)
{
    const OrtTensorTypeAndShapeInfo *tensor = NULL;
    struct ort_shape shape = {.rank = 0};
    enum status status = ort_check(api, api->CastTypeInfoToTensorInfo(info, &tensor),
                                   "model.onnx", fault);
    if (status == STATUS_OK && tensor == NULL) {
        snprintf(out->unusable, sizeof out->unusable,
                 "is a sequence, a map or optional, not a tensor");
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = read_shape(api, tensor, &shape, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (shape.datatype == DATATYPE_COUNT || shape.rank > SLOT_RANK_MAX) {
        snprintf(
            out->unusable, sizeof out->unusable,
            "has an element type or number of dimensions (over %d) without a name in "
            "V2",
            SLOT_RANK_MAX);
        return STATUS_OK;
    }
    out->tensor.datatype = shape.datatype;
    out->tensor.rank = shape.rank;
    memcpy(out->tensor.shape, shape.dims, sizeof out->tensor.shape);
    return STATUS_OK;
}

OrtStatus *
ort_tensor_over(const struct ort_session *s,
                const struct ort_shape *shape,
                void *data,
                size_t size,
                OrtValue **out)
{
    return s->api->CreateTensorWithDataAsOrtValue(s->memory, data, size, shape->dims,
                                                  shape->rank,
                                                  element_types[shape->datatype], out);
}

bool
ort_shape_elements(const struct ort_shape *shape, size_t *out)
{
    size_t count = 1;
    for (uint32_t i = 0; i < shape->rank; i++) {
        if (__builtin_mul_overflow(count, (size_t)shape->dims[i], &count)) {
            return false;
        }
    }
    *out = count;
    return true;
}

static OrtStatus *
set_text(const OrtApi *api, OrtValue *value, size_t index, struct span text)
{
    char *to = NULL;
    OrtStatus *said =
        api->GetResizedStringTensorElementBuffer(value, index, text.size, &to);
    if (said == NULL && text.size > 0) {
        memcpy(to, text.data, text.size);
    }
    return said;
}

static OrtStatus *
set_texts(const OrtApi *api,
          OrtValue *value,
          const struct ort_texts *texts,
          size_t total)
{
    const uint8_t *at = texts->data.data;
    const uint8_t *last_row = at;
    OrtStatus *said = NULL;
    for (size_t i = 0; i < total && said == NULL; i++) {
        bool repeats = i >= texts->count && (i - texts->count) % texts->per_row == 0;
        at = repeats ? last_row : at;
        last_row = i + texts->per_row == texts->count ? at : last_row;
        said = set_text(api, value, i, ort_texts_next(&at));
    }
    return said;
}

OrtStatus *
ort_tensor_of_texts(const struct ort_session *s,
                    const struct ort_shape *shape,
                    const struct ort_texts *texts,
                    OrtValue **out)
{
    const OrtApi *api = s->api;
    OrtAllocator *allocator = NULL;
    size_t total = 0;
    OrtStatus *said = api->GetAllocatorWithDefaultOptions(&allocator);
    if (said == NULL && !ort_shape_elements(shape, &total)) {
        return api->CreateStatus(ORT_INVALID_ARGUMENT, "too many elements");
    }
    if (said == NULL) {
        said = api->CreateTensorAsOrtValue(allocator, shape->dims, shape->rank,
                                           ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING, out);
    }
    return said == NULL ? set_texts(api, *out, texts, total) : said;
}

struct copy {
    const struct ort_session *s;
    OrtValue *value;
    struct batch *b;
    uint32_t index;
    size_t total;           /* elements of the value */
    size_t count;           /* of them to copy */
    struct ort_shape shape; /* of what is copied */
};

static enum slot_outcome
fail(struct copy *c, OrtStatus *said)
{
    enum slot_outcome outcome =
        batch_fail(c->b, "output %s: %s", c->b->model->outputs[c->index].name,
                   c->s->api->GetErrorMessage(said));
    c->s->api->ReleaseStatus(said);
    return outcome;
}

/* With room for the value's texts and the offset of each. */
static enum slot_outcome
copy_texts_by(struct copy *c, char *content, size_t bytes, size_t *offsets)
{
    OrtStatus *said =
        c->s->api->GetStringTensorContent(c->value, content, bytes, offsets, c->total);
    if (said != NULL) {
        return fail(c, said);
    }
    offsets[c->total] = bytes;
    size_t size = offsets[c->count] + c->count * ORT_TEXT_LENGTH;
    uint8_t *to = batch_output(c->b, c->index, c->shape.dims, size);
    if (to == NULL) {
        return SLOT_FAILED;
    }
    ort_texts_write(to, content, offsets, c->count);
    return SLOT_SUCCEEDED;
}

static enum slot_outcome
copy_texts(struct copy *c)
{
    size_t bytes = 0;
    OrtStatus *said = c->s->api->GetStringTensorDataLength(c->value, &bytes);
    if (said != NULL) {
        return fail(c, said);
    }
    char *content = malloc(bytes + 1);
    size_t *offsets = malloc((c->total + 1) * sizeof *offsets);
    enum slot_outcome outcome =
        content != NULL && offsets != NULL
            ? copy_texts_by(c, content, bytes, offsets)
            : batch_fail(c->b, "no memory for %zu bytes of texts", bytes);
    free(content);
    free(offsets);
    return outcome;
}

static enum slot_outcome
copy_numbers(struct copy *c)
{
    void *from = NULL;
    size_t size = c->count * datatype_size(c->shape.datatype);
    OrtStatus *said = c->s->api->GetTensorMutableData(c->value, &from);
    if (said != NULL) {
        return fail(c, said);
    }
    void *to = batch_output(c->b, c->index, c->shape.dims, size);
    if (to == NULL) {
        return SLOT_FAILED;
    }
    if (size > 0) {
        memcpy(to, from, size);
    }
    return SLOT_SUCCEEDED;
}

/* Whether the value came as the model tells it, with so many rows. */
static bool
is_as_told(const struct model *model,
           const struct model_tensor *told,
           const struct ort_shape *came,
           uint32_t rows)
{
    bool batches = model->max_batch_size > 0;
    if (came->datatype != told->datatype || came->rank != told->rank) {
        return false;
    }
    for (uint32_t i = 0; i < told->rank; i++) {
        int64_t wanted = batches && i == 0 ? (int64_t)rows : told->shape[i];
        if (wanted >= 0 && came->dims[i] != wanted) {
            return false;
        }
    }
    return true;
}

static enum status
shape_of(const struct ort_session *s, OrtValue *value, struct ort_shape *out)
{
    OrtTensorTypeAndShapeInfo *info = NULL;
    enum status status =
        ort_check(s->api, s->api->GetTensorTypeAndShape(value, &info), "", NULL);
    if (status == STATUS_OK) {
        status = read_shape(s->api, info, out, NULL);
        s->api->ReleaseTensorTypeAndShapeInfo(info);
    }
    return status;
}

enum slot_outcome
ort_tensor_copy_out(const struct ort_session *s,
                    OrtValue *value,
                    struct batch *b,
                    uint32_t index,
                    uint32_t computed)
{
    const struct model_tensor *told = &b->model->outputs[index];
    struct copy c = {.s = s, .value = value, .b = b, .index = index};
    if (shape_of(s, value, &c.shape) != STATUS_OK ||
        !is_as_told(b->model, told, &c.shape, computed) ||
        !ort_shape_elements(&c.shape, &c.total)) {
        return batch_fail(b, "output %s came in another shape than the model tells",
                          told->name);
    }
    if (b->model->max_batch_size > 0) {
        c.shape.dims[0] = b->rows;
    }
    if (!ort_shape_elements(&c.shape, &c.count)) {
        return batch_fail(b, "output %s has too many elements", told->name);
    }
    return told->datatype == DATATYPE_BYTES ? copy_texts(&c) : copy_numbers(&c);
}
