/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fully connected networks from model.safetensors on the CPU: the layers named by the
 * property `layers`, one after the other. Letters: B rows, N inputs, M outputs. Input
 * FP32 or UINT8 [B][N], output FP32 [B][M]. All scratch is taken at load; a run
 * allocates nothing.
 */
#include "runner/backend.h"
#include "runner/dense_layer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS_MAX = 64 };

struct dense {
    struct dense_layer layers[LAYERS_MAX];
    uint32_t layer_count;
    bool converts; /* the input is not FP32 as it stands in the slot */
    float scale;   /* of normalize=scale,offset: x × scale + offset */
    float offset;
    float *converted;  /* [B max][N], where it converts */
    float *between[2]; /* [B max][widest hidden layer], taken in turns */
};

static enum status
load_layers(struct dense *dense,
            const struct safetensors *file,
            const char *text,
            struct fault *fault)
{
    const char *at = text;
    while (true) {
        size_t size = strcspn(at, ",");
        if (dense->layer_count == LAYERS_MAX) {
            return fault_set(fault, STATUS_TOO_LARGE, "over %d layers", LAYERS_MAX);
        }
        struct dense_layer *layer = &dense->layers[dense->layer_count++];
        enum status status = dense_layer_load(layer, file, span_of(at, size), fault);
        if (status != STATUS_OK) {
            return status;
        }
        if (dense->layer_count > 1 && layer[-1].out != layer->in) {
            return fault_set(fault, STATUS_INVALID,
                             "layers: '%.*s' takes %" PRIu32
                             " values, the layer before it gives %" PRIu32,
                             (int)(size < 60 ? size : 60), at, layer->in,
                             layer[-1].out);
        }
        if (at[size] == '\0') {
            return STATUS_OK;
        }
        at += size + 1;
    }
}

static enum status
load_file(struct dense *dense, const struct model_source *source, struct fault *fault)
{
    const char *layers = properties_text(source->properties, "layers");
    if (layers == NULL) {
        return fault_set(fault, STATUS_INVALID, "dense: no property layers");
    }
    char path[4096];
    int size = snprintf(path, sizeof path, "%s/model.safetensors", source->directory);
    if (size < 0 || (size_t)size >= sizeof path) {
        return fault_set(fault, STATUS_INVALID, "dense: the path is too long");
    }
    struct safetensors file;
    enum status status = safetensors_open(&file, path, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = load_layers(dense, &file, layers, fault);
    safetensors_close(&file);
    return status;
}

/* Fills in the tensor that the properties do not name, or checks the one they do. */
static enum status
settle_tensor(const struct model *model,
              const char *name,
              uint32_t width,
              struct model_tensor *t,
              uint32_t *count)
{
    if (*count == 0) {
        *t = (struct model_tensor){.datatype = DATATYPE_FP32};
        memcpy(t->name, name, strlen(name));
        if (model->max_batch_size > 0) {
            t->shape[t->rank++] = -1;
        }
        t->shape[t->rank++] = width;
        *count = 1;
    }
    bool fixed = true;
    for (uint32_t i = model->max_batch_size > 0 ? 1 : 0; i < t->rank; i++) {
        fixed = fixed && t->shape[i] >= 0;
    }
    bool fits = *count == 1 && fixed && model_row_elements(model, t) == width;
    return fits ? STATUS_OK : STATUS_INVALID;
}

static enum status
settle_tensors(const struct dense *dense, struct model *model, struct fault *fault)
{
    uint32_t in = dense->layers[0].in;
    uint32_t out = dense->layers[dense->layer_count - 1].out;
    struct model_tensor *input = &model->inputs[0];
    struct model_tensor *output = &model->outputs[0];
    enum status status = settle_tensor(model, "input", in, input, &model->input_count);
    if (status != STATUS_OK ||
        (input->datatype != DATATYPE_FP32 && input->datatype != DATATYPE_UINT8)) {
        return fault_set(fault, STATUS_INVALID,
                         "dense: the weights want one input, FP32 or UINT8, of %" PRIu32
                         " values a row",
                         in);
    }
    status = settle_tensor(model, "output", out, output, &model->output_count);
    if (status != STATUS_OK || output->datatype != DATATYPE_FP32) {
        return fault_set(fault, STATUS_INVALID,
                         "dense: the weights give one output, FP32, of %" PRIu32
                         " values a row",
                         out);
    }
    return STATUS_OK;
}

static enum status
read_normalize(struct dense *dense,
               const struct model_source *source,
               struct fault *fault)
{
    dense->scale = 1.0F;
    const char *text = properties_text(source->properties, "normalize");
    if (text == NULL) {
        return STATUS_OK;
    }
    char *end = NULL;
    dense->scale = strtof(text, &end);
    bool ok = end != text && *end == ',' && end[1] != '\0';
    const char *second = ok ? end + 1 : text;
    dense->offset = strtof(second, &end);
    if (!ok || *end != '\0' || !isfinite(dense->scale) || !isfinite(dense->offset)) {
        return fault_set(fault, STATUS_INVALID,
                         "normalize=%.60s: expected two numbers, scale,offset", text);
    }
    dense->converts = true;
    return STATUS_OK;
}

static enum status
take_scratch(struct dense *dense, const struct model *model, struct fault *fault)
{
    size_t rows = model->max_batch_size > 0 ? model->max_batch_size : 1;
    size_t widest = 1;
    for (uint32_t i = 0; i + 1 < dense->layer_count; i++) {
        widest = dense->layers[i].out > widest ? dense->layers[i].out : widest;
    }
    dense->between[0] = malloc(rows * widest * sizeof(float));
    dense->between[1] = malloc(rows * widest * sizeof(float));
    bool ok = dense->between[0] != NULL && dense->between[1] != NULL;
    if (dense->converts) {
        dense->converted = malloc(rows * dense->layers[0].in * sizeof(float));
        ok = ok && dense->converted != NULL;
    }
    return ok ? STATUS_OK
              : fault_set(fault, STATUS_NO_MEMORY, "no memory for %zu rows", rows);
}

/** cpu, or cpu:1, cpu:2, ...: which one is the batcher's business. */
static bool
is_cpu(const char *device)
{
    return strcmp(device, "cpu") == 0 || strncmp(device, "cpu:", 4) == 0;
}

static enum status
dense_load(void *state,
           const struct model_source *source,
           struct model *model,
           struct fault *fault)
{
    struct dense *dense = state;
    if (!is_cpu(source->device)) {
        return fault_set(fault, STATUS_UNSUPPORTED,
                         "device=%.60s: this build of dense runs on cpu or cpu:N",
                         source->device);
    }
    dense_layer_setup();
    enum status status = load_file(dense, source, fault);
    if (status == STATUS_OK) {
        status = settle_tensors(dense, model, fault);
    }
    if (status == STATUS_OK) {
        status = read_normalize(dense, source, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    dense->converts = dense->converts || model->inputs[0].datatype != DATATYPE_FP32;
    return take_scratch(dense, model, fault);
}

static void
dense_unload(void *state)
{
    struct dense *dense = state;
    for (uint32_t i = 0; i < dense->layer_count; i++) {
        dense_layer_fini(&dense->layers[i]);
    }
    free(dense->converted);
    free(dense->between[0]);
    free(dense->between[1]);
}

/* The rows as FP32 [B][N]: in place in the slot, or converted. */
static const float *
input_values(const struct dense *dense, const struct batch *b)
{
    const void *data = b->inputs[0].data.data;
    if (!dense->converts) {
        return data;
    }
    size_t count = (size_t)b->rows * dense->layers[0].in;
    const float *floats = data;
    const uint8_t *bytes = data;
    bool is_float = b->model->inputs[0].datatype == DATATYPE_FP32;
    for (size_t i = 0; i < count; i++) {
        float x = is_float ? floats[i] : (float)bytes[i];
        dense->converted[i] = x * dense->scale + dense->offset;
    }
    return dense->converted;
}

static enum slot_outcome
dense_run(void *state, struct batch *b)
{
    const struct dense *dense = state;
    const struct dense_layer *last = &dense->layers[dense->layer_count - 1];
    int64_t shape[SLOT_RANK_MAX];
    memcpy(shape, b->model->outputs[0].shape, sizeof shape);
    if (b->model->max_batch_size > 0) {
        shape[0] = b->rows;
    }
    size_t size = (size_t)b->rows * last->out * sizeof(float);
    float *y = batch_output(b, 0, shape, size);
    if (y == NULL) {
        return SLOT_FAILED;
    }
    const float *x = input_values(dense, b);
    for (uint32_t i = 0; i < dense->layer_count; i++) {
        const struct dense_layer *layer = &dense->layers[i];
        float *to = layer == last ? y : dense->between[i % 2];
        dense_layer_run(layer, b->rows, x, to);
        x = to;
    }
    return SLOT_SUCCEEDED;
}

const struct backend_ops backend_dense = {
    .platform = "dense",
    .state_size = sizeof(struct dense),
    .load = dense_load,
    .unload = dense_unload,
    .run = dense_run,
};
