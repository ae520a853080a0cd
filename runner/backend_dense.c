/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fully connected networks from model.safetensors: the layers named by the property
 * `layers`, one after the other, here on the CPU and for device=cuda in dense_cuda.h.
 * Letters: B rows, N inputs, M outputs. Input FP32 or UINT8 [B][N], output FP32 [B][M],
 * or with top.k=K the K largest of the last softmax. All scratch is taken at load; a
 * run allocates nothing.
 */
#include "runner/backend.h"
#include "runner/dense_cuda.h"
#include "runner/dense_network.h"
#include "runner/dense_top.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dense {
    struct dense_cuda *cuda; /* on a GPU. First: tests/gpu looks at it */
    struct dense_network network;
    float *converted;  /* on the CPU: [B max][N], where it converts */
    float *between[2]; /* [B max][widest hidden layer], taken in turns */
    float *softmax;    /* [B max][M], with top.k */
};

static enum status
load_layers(struct dense_network *n,
            const struct safetensors *file,
            const char *text,
            struct fault *fault)
{
    const char *at = text;
    while (true) {
        size_t size = strcspn(at, ",");
        if (n->layer_count == DENSE_LAYERS_MAX) {
            return fault_set(fault, STATUS_TOO_LARGE, "over %d layers",
                             DENSE_LAYERS_MAX);
        }
        struct dense_layer *layer = &n->layers[n->layer_count++];
        enum status status = dense_layer_load(layer, file, span_of(at, size), fault);
        if (status != STATUS_OK) {
            return status;
        }
        if (n->layer_count > 1 && layer[-1].out != layer->in) {
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
load_file(struct dense_network *n,
          const struct model_source *source,
          struct fault *fault)
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
    status = load_layers(n, &file, layers, fault);
    safetensors_close(&file);
    return status;
}

/* A tensor as the weights make it. */
struct wanted {
    const char *name; /* where the properties name none */
    enum datatype datatype;
    uint32_t width; /* values of a row */
};

static void
fill_in(const struct model *model, const struct wanted *w, struct model_tensor *t)
{
    *t = (struct model_tensor){.datatype = w->datatype};
    memcpy(t->name, w->name, strlen(w->name));
    if (model->max_batch_size > 0) {
        t->shape[t->rank++] = -1;
    }
    t->shape[t->rank++] = w->width;
}

static bool
fits(const struct model *model, const struct model_tensor *t, uint32_t width)
{
    bool fixed = true;
    for (uint32_t i = model->max_batch_size > 0 ? 1 : 0; i < t->rank; i++) {
        fixed = fixed && t->shape[i] >= 0;
    }
    return fixed && model_row_elements(model, t) == width;
}

static enum status
settle_input(struct dense_network *n, struct model *model, struct fault *fault)
{
    struct wanted w = {"input", DATATYPE_FP32, dense_network_in(n)};
    struct model_tensor *t = &model->inputs[0];
    if (model->input_count == 0) {
        fill_in(model, &w, t);
        model->input_count = 1;
    }
    n->from_bytes = t->datatype == DATATYPE_UINT8;
    n->converts = n->converts || n->from_bytes;
    bool is_known = n->from_bytes || t->datatype == DATATYPE_FP32;
    return model->input_count == 1 && is_known && fits(model, t, w.width)
               ? STATUS_OK
               : fault_set(fault, STATUS_INVALID,
                           "dense: the weights want one input, FP32 or UINT8, of "
                           "%" PRIu32 " values a row",
                           w.width);
}

/* One output of all values, or with top.k classes and scores. */
static enum status
settle_outputs(const struct dense_network *n, struct model *model, struct fault *fault)
{
    const struct wanted all = {"output", DATATYPE_FP32, dense_network_out(n)};
    const struct wanted top[] = {{"classes", DATATYPE_INT32, n->top},
                                 {"scores", DATATYPE_FP32, n->top}};
    const struct wanted *wanted = n->top > 0 ? top : &all;
    uint32_t count = n->top > 0 ? 2 : 1;
    for (uint32_t i = 0; model->output_count == 0 && i < count; i++) {
        fill_in(model, &wanted[i], &model->outputs[i]);
    }
    model->output_count = model->output_count == 0 ? count : model->output_count;
    bool ok = model->output_count == count;
    for (uint32_t i = 0; ok && i < count; i++) {
        const struct model_tensor *t = &model->outputs[i];
        ok = t->datatype == wanted[i].datatype && fits(model, t, wanted[i].width);
    }
    if (ok) {
        return STATUS_OK;
    }
    return n->top > 0 ? fault_set(fault, STATUS_INVALID,
                                  "dense: with top.k=%" PRIu32
                                  " there are two outputs of that many values a row: "
                                  "classes INT32 and scores FP32",
                                  n->top)
                      : fault_set(fault, STATUS_INVALID,
                                  "dense: the weights give one output, FP32, of "
                                  "%" PRIu32 " values a row",
                                  all.width);
}

static enum status
read_top(struct dense_network *n,
         const struct model_source *source,
         struct fault *fault)
{
    const int64_t range[] = {1, DENSE_TOP_MAX};
    int64_t top = 0;
    enum status status =
        properties_int(source->properties, "top.k", range, &top, fault);
    if (status != STATUS_OK || top == 0) {
        return status;
    }
    const struct dense_layer *last = &n->layers[n->layer_count - 1];
    n->top = (uint32_t)top;
    return last->activation == ACTIVATION_SOFTMAX && n->top <= last->out
               ? STATUS_OK
               : fault_set(fault, STATUS_INVALID,
                           "top.k=%" PRIu32
                           ": the last layer must be a softmax over at "
                           "least that many values",
                           n->top);
}

static enum status
read_normalize(struct dense_network *n,
               const struct model_source *source,
               struct fault *fault)
{
    n->scale = 1.0F;
    const char *text = properties_text(source->properties, "normalize");
    if (text == NULL) {
        return STATUS_OK;
    }
    char *end = NULL;
    n->scale = strtof(text, &end);
    bool ok = end != text && *end == ',' && end[1] != '\0';
    const char *second = ok ? end + 1 : text;
    n->offset = strtof(second, &end);
    if (!ok || *end != '\0' || !isfinite(n->scale) || !isfinite(n->offset)) {
        return fault_set(fault, STATUS_INVALID,
                         "normalize=%.60s: expected two numbers, scale,offset", text);
    }
    n->converts = true;
    return STATUS_OK;
}

static float *
take(size_t rows, size_t width)
{
    return malloc(rows * width * sizeof(float));
}

static enum status
take_scratch(struct dense *dense, const struct model *model, struct fault *fault)
{
    const struct dense_network *n = &dense->network;
    size_t rows = model->max_batch_size > 0 ? model->max_batch_size : 1;
    size_t widest = 1;
    for (uint32_t i = 0; i + 1 < n->layer_count; i++) {
        widest = n->layers[i].out > widest ? n->layers[i].out : widest;
    }
    dense->between[0] = take(rows, widest);
    dense->between[1] = take(rows, widest);
    dense->converted = n->converts ? take(rows, dense_network_in(n)) : NULL;
    dense->softmax = n->top > 0 ? take(rows, dense_network_out(n)) : NULL;
    bool ok = dense->between[0] != NULL && dense->between[1] != NULL &&
              (dense->converted != NULL || !n->converts) &&
              (dense->softmax != NULL || n->top == 0);
    return ok ? STATUS_OK
              : fault_set(fault, STATUS_NO_MEMORY, "no memory for %zu rows", rows);
}

/** cpu, or cpu:1, cpu:2, ...: which one is the batcher's business. */
static bool
is_cpu(const char *device)
{
    return strcmp(device, "cpu") == 0 || strncmp(device, "cpu:", 4) == 0;
}

static void
free_weights(struct dense_network *n)
{
    for (uint32_t i = 0; i < n->layer_count; i++) {
        dense_layer_fini(&n->layers[i]);
    }
}

/* The widths of the layers stay known; their weights are the device's. */
static enum status
load_device(struct dense *dense,
            const struct model_source *source,
            struct model *model,
            struct fault *fault)
{
    struct dense_network *n = &dense->network;
    enum status status = dense_cuda_load(&dense->cuda, n, source, model, fault);
    for (uint32_t i = 0; i < n->layer_count; i++) {
        dense_layer_drop(&n->layers[i]);
    }
    return status;
}

static enum status
dense_load(void *state,
           const struct model_source *source,
           struct model *model,
           struct fault *fault)
{
    struct dense *dense = state;
    struct dense_network *n = &dense->network;
    bool on_device = dense_cuda_serves(source->device);
    if (!on_device && !is_cpu(source->device)) {
        return fault_set(fault, STATUS_UNSUPPORTED,
                         "device=%.60s: dense runs on cpu, cpu:N, cuda or cuda:N",
                         source->device);
    }
    dense_layer_setup();
    enum status status = load_file(n, source, fault);
    if (status == STATUS_OK) {
        status = read_normalize(n, source, fault);
    }
    if (status == STATUS_OK) {
        status = read_top(n, source, fault);
    }
    if (status == STATUS_OK) {
        status = settle_input(n, model, fault);
    }
    if (status == STATUS_OK) {
        status = settle_outputs(n, model, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    return on_device ? load_device(dense, source, model, fault)
                     : take_scratch(dense, model, fault);
}

static void
dense_unload(void *state)
{
    struct dense *dense = state;
    dense_cuda_unload(dense->cuda);
    free_weights(&dense->network);
    free(dense->converted);
    free(dense->between[0]);
    free(dense->between[1]);
    free(dense->softmax);
}

/* The rows as FP32 [B][N]: in place in the slot, or converted. */
static const float *
input_values(const struct dense *dense, const struct batch *b)
{
    const struct dense_network *n = &dense->network;
    const void *data = b->inputs[0].data.data;
    if (!n->converts) {
        return data;
    }
    size_t count = (size_t)b->rows * dense_network_in(n);
    const float *floats = data;
    const uint8_t *bytes = data;
    for (size_t i = 0; i < count; i++) {
        float x = n->from_bytes ? (float)bytes[i] : floats[i];
        dense->converted[i] = x * n->scale + n->offset;
    }
    return dense->converted;
}

/* Uploads too, and starts it: on a device only. */
static enum slot_outcome
dense_prepare(void *state, struct batch *b)
{
    struct dense *dense = state;
    return dense_cuda_prepare(dense->cuda, b);
}

static enum slot_outcome
dense_run(void *state, struct batch *b)
{
    const struct dense *dense = state;
    const struct dense_network *n = &dense->network;
    if (dense->cuda != NULL) {
        return dense_cuda_run(dense->cuda, b);
    }
    struct dense_output out;
    if (!dense_output_place(n, b, b->rows, &out)) {
        return SLOT_FAILED;
    }
    const float *x = input_values(dense, b);
    float *y = n->top > 0 ? dense->softmax : out.values;
    for (uint32_t i = 0; i < n->layer_count; i++) {
        float *to = i + 1 == n->layer_count ? y : dense->between[i % 2];
        dense_layer_run(&n->layers[i], b->rows, x, to);
        x = to;
    }
    for (uint32_t row = 0; row < b->rows && n->top > 0; row++) {
        dense_top(y + (size_t)row * dense_network_out(n), dense_network_out(n), n->top,
                  out.classes + (size_t)row * n->top,
                  out.values + (size_t)row * n->top);
    }
    return SLOT_SUCCEEDED;
}

const struct backend_ops backend_dense = {
    .platform = "dense",
    .state_size = sizeof(struct dense),
    .load = dense_load,
    .unload = dense_unload,
    .prepare = dense_prepare,
    .run = dense_run,
};
