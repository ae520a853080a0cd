/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See dense_layer.h. Weights are converted to FP32 once, at load, which also aligns
 * them; the product is one sgemm that finds the bias already in y.
 */
#include "runner/dense_layer.h"

#include "runner/half.h"

#include <cblas.h>

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH_MAX = 1 << 20, NAME_MAX_BYTES = 128 };

static void
use_one_thread(void)
{
    openblas_set_num_threads(1);
}

void
dense_layer_setup(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, use_one_thread);
}

static float
bits_to_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The values of t as FP32; NULL without memory. */
static float *
copy_values(const struct safetensor *t, size_t count)
{
    size_t element = datatype_size(t->datatype);
    float *out = malloc(count * sizeof *out);
    for (size_t i = 0; out != NULL && i < count; i++) {
        const uint8_t *at = t->data.data + i * element;
        uint16_t half = 0;
        if (t->datatype == DATATYPE_FP32) {
            memcpy(&out[i], at, sizeof out[i]);
            continue;
        }
        memcpy(&half, at, sizeof half);
        out[i] = t->datatype == DATATYPE_FP16 ? half_to_float(half)
                                              : bits_to_float((uint32_t)half << 16);
    }
    return out;
}

static enum status
read_activation(struct span name, enum activation *out, struct fault *fault)
{
    static const char *const names[] = {
        [ACTIVATION_NONE] = "none",       [ACTIVATION_RELU] = "relu",
        [ACTIVATION_GELU] = "gelu",       [ACTIVATION_TANH] = "tanh",
        [ACTIVATION_SIGMOID] = "sigmoid", [ACTIVATION_SOFTMAX] = "softmax",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (span_is_text(name, names[i])) {
            *out = (enum activation)i;
            return STATUS_OK;
        }
    }
    return fault_set(fault, STATUS_INVALID,
                     "layers: '%.*s' is none of relu, gelu, tanh, sigmoid, softmax, "
                     "none",
                     (int)(name.size < 60 ? name.size : 60), (const char *)name.data);
}

/* NAME.part with that rank and a datatype that can be weights; NULL with the fault. */
static const struct safetensor *
find_part(const struct safetensors *file,
          struct span name,
          const char *part,
          uint32_t rank,
          struct fault *fault)
{
    char full[NAME_MAX_BYTES + 16];
    if (name.size == 0 || name.size > NAME_MAX_BYTES) {
        fault_set(fault, STATUS_INVALID, "layers: a name of %zu bytes", name.size);
        return NULL;
    }
    snprintf(full, sizeof full, "%.*s.%s", (int)name.size, (const char *)name.data,
             part);
    const struct safetensor *t = safetensors_find(file, full);
    if (t == NULL) {
        fault_set(fault, STATUS_NOT_FOUND, "the file has no tensor %s", full);
        return NULL;
    }
    if (t->datatype != DATATYPE_FP32 && t->datatype != DATATYPE_FP16 &&
        t->datatype != DATATYPE_BF16) {
        fault_set(fault, STATUS_UNSUPPORTED, "%s is %s; weights are FP32, FP16 or BF16",
                  full, datatype_name(t->datatype));
        return NULL;
    }
    bool fits = t->rank == rank;
    for (uint32_t i = 0; fits && i < rank; i++) {
        fits = t->shape[i] > 0 && t->shape[i] <= WIDTH_MAX;
    }
    if (!fits) {
        fault_set(fault, STATUS_INVALID,
                  "%s: expected %" PRIu32 " dimensions from 1 to %d", full, rank,
                  WIDTH_MAX);
        return NULL;
    }
    return t;
}

enum status
dense_layer_load(struct dense_layer *layer,
                 const struct safetensors *file,
                 struct span text,
                 struct fault *fault)
{
    *layer = (struct dense_layer){.in = 0};
    const uint8_t *space = memchr(text.data, ' ', text.size);
    size_t name_size = space == NULL ? text.size : (size_t)(space - text.data);
    struct span name = span_of(text.data, name_size);
    struct span activation = space == NULL
                                 ? span_of_text("none")
                                 : span_of(space + 1, text.size - name_size - 1);
    enum status status = read_activation(activation, &layer->activation, fault);
    if (status != STATUS_OK) {
        return status;
    }
    const struct safetensor *weight = find_part(file, name, "weight", 2, fault);
    if (weight == NULL) {
        return fault->status;
    }
    const struct safetensor *bias = find_part(file, name, "bias", 1, fault);
    if (bias == NULL) {
        return fault->status;
    }
    if (bias->shape[0] != weight->shape[0]) {
        return fault_set(fault, STATUS_INVALID,
                         "%.*s: %" PRId64 " rows of weights but %" PRId64 " biases",
                         (int)name.size, (const char *)name.data, weight->shape[0],
                         bias->shape[0]);
    }
    layer->out = (uint32_t)weight->shape[0];
    layer->in = (uint32_t)weight->shape[1];
    layer->weight = copy_values(weight, (size_t)layer->out * layer->in);
    layer->bias = copy_values(bias, layer->out);
    if (layer->weight == NULL || layer->bias == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the weights");
    }
    return STATUS_OK;
}

void
dense_layer_drop(struct dense_layer *layer)
{
    free(layer->weight);
    free(layer->bias);
    layer->weight = NULL;
    layer->bias = NULL;
}

void
dense_layer_fini(struct dense_layer *layer)
{
    dense_layer_drop(layer);
    *layer = (struct dense_layer){.in = 0};
}

/* The maximum is taken off first, so that no exponential overflows. */
static void
softmax(float *y, size_t count)
{
    float most = y[0];
    for (size_t i = 1; i < count; i++) {
        most = fmaxf(most, y[i]);
    }
    float sum = 0.0F;
    for (size_t i = 0; i < count; i++) {
        y[i] = expf(y[i] - most);
        sum += y[i];
    }
    for (size_t i = 0; i < count; i++) {
        y[i] /= sum;
    }
}

static float
gelu(float x)
{
    return 0.5F * x * (1.0F + erff(x * (float)M_SQRT1_2));
}

static float
sigmoid(float x)
{
    return 1.0F / (1.0F + expf(-x));
}

static void
map(float *y, size_t count, float (*fn)(float))
{
    for (size_t i = 0; i < count; i++) {
        y[i] = fn(y[i]);
    }
}

/* y [rows][out] */
static void
activate(const struct dense_layer *layer, uint32_t rows, float *y)
{
    size_t count = (size_t)rows * layer->out;
    switch (layer->activation) {
    case ACTIVATION_NONE:
        break;
    case ACTIVATION_RELU:
        for (size_t i = 0; i < count; i++) {
            y[i] = y[i] > 0.0F ? y[i] : 0.0F; /* in line: the compiler vectorises it */
        }
        break;
    case ACTIVATION_GELU:
        map(y, count, gelu);
        break;
    case ACTIVATION_TANH:
        map(y, count, tanhf);
        break;
    case ACTIVATION_SIGMOID:
        map(y, count, sigmoid);
        break;
    case ACTIVATION_SOFTMAX:
        for (uint32_t r = 0; r < rows; r++) {
            softmax(y + (size_t)r * layer->out, layer->out);
        }
        break;
    }
}

void
dense_layer_run(const struct dense_layer *layer,
                uint32_t rows,
                const float *x,
                float *y)
{
    for (uint32_t r = 0; r < rows; r++) {
        memcpy(y + (size_t)r * layer->out, layer->bias, layer->out * sizeof *y);
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows,
                (blasint)layer->out, (blasint)layer->in, 1.0F, x, (blasint)layer->in,
                layer->weight, (blasint)layer->in, 1.0F, y, (blasint)layer->out);
    activate(layer, rows, y);
}
