/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.onnx by ONNX Runtime (ort_session.h). A run lends it the slot's own memory: the
 * inputs as they lie there, and a place for each output whose size is known before.
 * Copied are texts, outputs of variable size, and batches that are padded, because the
 * file knows but one number of rows or to a bucket; padding repeats the last row.
 */
#include "runner/backend.h"
#include "runner/ort_outcome.h"
#include "runner/ort_session.h"
#include "runner/ort_tensor.h"

#include <onnxruntime_c_api.h>

#include <stdlib.h>
#include <string.h>

struct padded {
    void *data; /* of an input, grown as needed */
    size_t capacity;
};

struct onnxruntime {
    struct ort_session session;
    uint32_t fixed_rows; /* of every batch; 0: any number */
    const char *input_names[SLOT_TENSORS_MAX];
    const char *output_names[SLOT_TENSORS_MAX];
    struct padded padded[SLOT_TENSORS_MAX];
};

/* The values of one run; NULL: not made yet, or ONNX Runtime is to make it. */
struct run {
    struct onnxruntime *ort;
    struct batch *b;
    uint32_t rows; /* to be computed, padding included */
    OrtValue *inputs[SLOT_TENSORS_MAX];
    OrtValue *outputs[SLOT_TENSORS_MAX];
    bool in_place[SLOT_TENSORS_MAX]; /* the output is computed in the slot */
};

static enum status
onnxruntime_load(void *state,
                 const struct model_source *source,
                 struct model *model,
                 struct fault *fault)
{
    struct onnxruntime *ort = state;
    struct ort_signature *signature = malloc(sizeof *signature);
    if (signature == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the signature");
    }
    enum status status = ort_session_open(&ort->session, source, signature, fault);
    if (status == STATUS_OK) {
        status = ort_signature_settle(signature, model, fault);
        ort->fixed_rows = signature->fixed_rows;
    }
    for (uint32_t i = 0; i < SLOT_TENSORS_MAX; i++) {
        ort->input_names[i] = model->inputs[i].name;
        ort->output_names[i] = model->outputs[i].name;
    }
    free(signature);
    return status;
}

static void
onnxruntime_unload(void *state)
{
    struct onnxruntime *ort = state;
    ort_session_close(&ort->session);
    for (uint32_t i = 0; i < SLOT_TENSORS_MAX; i++) {
        free(ort->padded[i].data);
    }
}

static enum slot_outcome
fail(struct batch *b, const OrtApi *api, OrtStatus *said)
{
    const char *message = api->GetErrorMessage(said);
    enum slot_outcome outcome = ort_outcome(message);
    batch_fail(b, "%.*s", (int)ort_outcome_told(message), message);
    api->ReleaseStatus(said);
    return outcome;
}

/* The bytes of input i with its last row repeated; NULL without memory. */
static void *
pad(struct run *r, uint32_t i, size_t *size)
{
    const struct span rows = r->b->inputs[i].data;
    struct padded *p = &r->ort->padded[i];
    size_t row = rows.size / r->b->rows;
    *size = row * r->rows;
    if (*size > p->capacity || p->data == NULL) {
        void *larger = realloc(p->data, *size > 0 ? *size : 1);
        if (larger == NULL) {
            return NULL;
        }
        p->data = larger;
        p->capacity = *size;
    }
    uint8_t *to = p->data;
    memcpy(to, rows.data, rows.size);
    for (size_t at = rows.size; at < *size; at += row) {
        memcpy(to + at, to + rows.size - row, row);
    }
    return to;
}

static enum slot_outcome
make_texts(struct run *r, uint32_t i, struct ort_shape *shape)
{
    struct batch *b = r->b;
    struct ort_texts texts = {.data = b->inputs[i].data};
    if (!ort_shape_elements(shape, &texts.count) ||
        !ort_texts_fit(texts.data, texts.count)) {
        return batch_fail(b, "input %s: the texts do not fill the shape",
                          b->model->inputs[i].name);
    }
    texts.per_row = texts.count / b->rows;
    if (b->model->max_batch_size > 0) {
        shape->dims[0] = r->rows;
    }
    OrtStatus *said =
        ort_tensor_of_texts(&r->ort->session, shape, &texts, &r->inputs[i]);
    return said == NULL ? SLOT_SUCCEEDED : fail(b, r->ort->session.api, said);
}

static enum slot_outcome
make_input(struct run *r, uint32_t i)
{
    const struct batch_input *in = &r->b->inputs[i];
    struct ort_shape shape = {.datatype = r->b->model->inputs[i].datatype,
                              .rank = in->rank};
    memcpy(shape.dims, in->shape, sizeof shape.dims);
    if (shape.datatype == DATATYPE_BYTES) {
        return make_texts(r, i, &shape);
    }
    void *data = (void *)(uintptr_t)in->data.data;
    size_t size = in->data.size;
    if (r->rows != r->b->rows) {
        shape.dims[0] = r->rows;
        data = pad(r, i, &size);
        if (data == NULL) {
            return batch_fail(r->b, "no memory for %zu bytes of padding", size);
        }
    }
    OrtStatus *said =
        ort_tensor_over(&r->ort->session, &shape, data, size, &r->inputs[i]);
    return said == NULL ? SLOT_SUCCEEDED : fail(r->b, r->ort->session.api, said);
}

/* Whether the size of an output is known before the run; then its shape is set. */
static bool
is_fixed(const struct run *r, const struct model_tensor *t, struct ort_shape *shape)
{
    const struct model *model = r->b->model;
    if (t->datatype == DATATYPE_BYTES || r->rows != r->b->rows) {
        return false;
    }
    *shape = (struct ort_shape){.datatype = t->datatype, .rank = t->rank};
    memcpy(shape->dims, t->shape, sizeof shape->dims);
    if (model->max_batch_size > 0) {
        shape->dims[0] = r->rows;
    }
    for (uint32_t i = 0; i < t->rank; i++) {
        if (shape->dims[i] < 0) {
            return false;
        }
    }
    return true;
}

static enum slot_outcome
place_output(struct run *r, uint32_t i)
{
    const struct model_tensor *t = &r->b->model->outputs[i];
    struct ort_shape shape;
    if (!is_fixed(r, t, &shape)) {
        return SLOT_SUCCEEDED;
    }
    size_t rows = r->b->model->max_batch_size > 0 ? r->rows : 1;
    size_t size =
        rows * (size_t)model_row_elements(r->b->model, t) * datatype_size(t->datatype);
    void *to = batch_output(r->b, i, shape.dims, size);
    if (to == NULL) {
        return SLOT_FAILED;
    }
    r->in_place[i] = true;
    OrtStatus *said =
        ort_tensor_over(&r->ort->session, &shape, to, size, &r->outputs[i]);
    return said == NULL ? SLOT_SUCCEEDED : fail(r->b, r->ort->session.api, said);
}

static enum slot_outcome
make_values(struct run *r)
{
    const struct model *model = r->b->model;
    enum slot_outcome outcome = SLOT_SUCCEEDED;
    for (uint32_t i = 0; i < model->input_count && outcome == SLOT_SUCCEEDED; i++) {
        outcome = make_input(r, i);
    }
    for (uint32_t i = 0; i < model->output_count && outcome == SLOT_SUCCEEDED; i++) {
        outcome = place_output(r, i);
    }
    return outcome;
}

static enum slot_outcome
compute(struct run *r)
{
    const struct model *model = r->b->model;
    const struct ort_session *s = &r->ort->session;
    const OrtValue *const *inputs = (const OrtValue *const *)r->inputs;
    OrtStatus *said =
        s->api->Run(s->session, NULL, r->ort->input_names, inputs, model->input_count,
                    r->ort->output_names, model->output_count, r->outputs);
    if (said != NULL) {
        return fail(r->b, s->api, said);
    }
    enum slot_outcome outcome = SLOT_SUCCEEDED;
    for (uint32_t i = 0; i < model->output_count && outcome == SLOT_SUCCEEDED; i++) {
        if (!r->in_place[i]) {
            outcome = ort_tensor_copy_out(s, r->outputs[i], r->b, i, r->rows);
        }
    }
    return outcome;
}

static void
release_values(struct run *r)
{
    for (uint32_t i = 0; i < SLOT_TENSORS_MAX; i++) {
        if (r->inputs[i] != NULL) {
            r->ort->session.api->ReleaseValue(r->inputs[i]);
        }
        if (r->outputs[i] != NULL) {
            r->ort->session.api->ReleaseValue(r->outputs[i]);
        }
    }
}

static enum slot_outcome
onnxruntime_run(void *state, struct batch *b)
{
    struct onnxruntime *ort = state;
    struct run r = {.ort = ort, .b = b, .rows = b->rows};
    if (b->model->max_batch_size > 0) {
        r.rows = ort->fixed_rows > 0 ? ort->fixed_rows
                                     : model_padded_rows(b->model, b->rows);
    }
    enum slot_outcome outcome = make_values(&r);
    if (outcome == SLOT_SUCCEEDED) {
        outcome = compute(&r);
    }
    release_values(&r);
    return outcome;
}

const struct backend_ops backend_onnxruntime = {
    .platform = "onnxruntime",
    .state_size = sizeof(struct onnxruntime),
    .load = onnxruntime_load,
    .unload = onnxruntime_unload,
    .run = onnxruntime_run,
};
