/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See network.h. What happens to a batch: convert (unless the input is FP32 in rows of
 * a suitable width already), then per layer a product with what it fuses, and where
 * that was not all an activation or softmax. The last of these kernels writes the
 * output's rows without gaps.
 */
#include "runner/cuda/network.h"

#include "runner/cuda/device.h"
#include "runner/cuda/device_error.h"

#include <stdlib.h>
#include <string.h>

static const char *const precision_names[] = {
    [PRECISION_FP32] = "fp32",
    [PRECISION_TF32] = "tf32",
    [PRECISION_FP16] = "fp16",
    [PRECISION_BF16] = "bf16",
};

enum status
precision_parse(const char *text, enum precision *out, struct fault *fault)
{
    for (size_t i = 0; i < sizeof precision_names / sizeof precision_names[0]; i++) {
        if (strcmp(text, precision_names[i]) == 0) {
            *out = (enum precision)i;
            return STATUS_OK;
        }
    }
    return fault_set(fault, STATUS_INVALID,
                     "precision=%.60s: expected fp32, tf32, fp16 or bf16", text);
}

const char *
precision_name(enum precision precision)
{
    return precision_names[precision];
}

static size_t
element_bytes(enum element element)
{
    return element == ELEMENT_FP32 ? 4 : 2;
}

static uint32_t
padded(uint32_t width)
{
    return (width + KERNEL_STRIDE_STEP - 1) / KERNEL_STRIDE_STEP * KERNEL_STRIDE_STEP;
}

enum status
network_take(struct network *n, size_t size, void **out, struct fault *fault)
{
    void *block = NULL;
    cudaError_t error = cudaMalloc(&block, size);
    if (error == cudaErrorMemoryAllocation) {
        (void)cudaGetLastError();
        return fault_set(
            fault, STATUS_NO_MEMORY,
            "the device is out of memory: %zu bytes more are needed beside "
            "%zu, %zu are free",
            size, n->bytes, device_free_bytes());
    }
    if (error == cudaSuccess) {
        n->blocks[n->block_count++] = block;
        n->bytes += size;
        error = cudaMemset(block, 0, size);
    }
    *out = block;
    return error == cudaSuccess ? STATUS_OK
                                : device_error_fault(fault, error, "cudaMalloc");
}

/* Host FP32 [rows][width] → device [padded rows][stride] as `to`, through `staging`. */
static enum status
upload(const struct kernel_convert *c,
       const float *from,
       void *staging,
       void *to,
       struct fault *fault)
{
    size_t size = (size_t)c->rows * c->width * sizeof *from;
    cudaError_t error = cudaMemcpy(staging, from, size, cudaMemcpyHostToDevice);
    if (error == cudaSuccess) {
        error = kernel_convert(c, staging, to, NULL);
    }
    if (error == cudaSuccess) {
        error = cudaStreamSynchronize(NULL);
    }
    return error == cudaSuccess ? STATUS_OK
                                : device_error_fault(fault, error, "the weights");
}

static enum status
upload_layer(struct network *n,
             struct network_layer *layer,
             const struct dense_layer *from,
             void *staging,
             struct fault *fault)
{
    size_t weight_bytes = (size_t)layer->out * layer->in * element_bytes(n->element);
    enum status status = network_take(n, weight_bytes, &layer->weight, fault);
    if (status == STATUS_OK) {
        status =
            network_take(n, layer->out * element_bytes(layer->to), &layer->bias, fault);
    }
    struct kernel_convert weight = {
        .rows = from->out,
        .width = from->in,
        .stride = layer->in,
        .scale = 1.0F,
        .to = n->element,
    };
    struct kernel_convert bias = {
        .rows = 1,
        .width = from->out,
        .stride = layer->out,
        .scale = 1.0F,
        .to = layer->to,
    };
    if (status == STATUS_OK) {
        status = upload(&weight, from->weight, staging, layer->weight, fault);
    }
    return status == STATUS_OK ? upload(&bias, from->bias, staging, layer->bias, fault)
                               : status;
}

/* Through one buffer as large as the largest layer's weights in FP32. */
static enum status
upload_layers(struct network *n, struct fault *fault)
{
    size_t most = 0;
    for (uint32_t i = 0; i < n->layer_count; i++) {
        const struct dense_layer *from = &n->model->layers[i];
        size_t size = (size_t)from->out * from->in * sizeof(float);
        most = size > most ? size : most;
    }
    void *staging = NULL;
    cudaError_t error = cudaMalloc(&staging, most);
    if (error != cudaSuccess) {
        return device_error_fault(fault, error, "a buffer to load weights through");
    }
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < n->layer_count && status == STATUS_OK; i++) {
        status = upload_layer(n, &n->layers[i], &n->model->layers[i], staging, fault);
    }
    cudaFree(staging);
    return status;
}

/* Whether the input can be multiplied as it comes. */
static bool
input_fits(const struct network *n)
{
    return !n->model->converts && n->element == ELEMENT_FP32 &&
           n->layers[0].in == dense_network_in(n->model);
}

static enum status
take_buffers(struct network *n, struct fault *fault)
{
    size_t widest = 0;
    for (uint32_t i = 0; i < n->layer_count; i++) {
        size_t row = n->layers[i].out * element_bytes(n->layers[i].to);
        widest = row > widest ? row : widest;
    }
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < 2 && status == STATUS_OK; i++) {
        status = network_take(n, n->rows_max * widest, &n->between[i], fault);
    }
    if (status == STATUS_OK && !input_fits(n)) {
        size_t row = n->layers[0].in * element_bytes(n->element);
        status = network_take(n, n->rows_max * row, &n->converted, fault);
    }
    return status;
}

enum status
network_init(struct network *n,
             const struct dense_network *model,
             enum precision precision,
             uint32_t rows_max,
             struct fault *fault)
{
    static const enum element elements[] = {
        [PRECISION_FP32] = ELEMENT_FP32,
        [PRECISION_TF32] = ELEMENT_FP32,
        [PRECISION_FP16] = ELEMENT_FP16,
        [PRECISION_BF16] = ELEMENT_BF16,
    };
    n->model = model;
    n->precision = precision;
    n->element = elements[precision];
    n->rows_max = rows_max;
    n->layer_count = model->layer_count;
    for (uint32_t i = 0; i < n->layer_count; i++) {
        bool is_last = i + 1 == n->layer_count;
        n->layers[i] = (struct network_layer){
            .in = padded(model->layers[i].in),
            .out = padded(model->layers[i].out),
            .to = is_last ? ELEMENT_FP32 : n->element,
            .activation = model->layers[i].activation,
        };
    }
    enum status status = upload_layers(n, fault);
    return status == STATUS_OK ? take_buffers(n, fault) : status;
}

void
network_fini(struct network *n)
{
    for (uint32_t i = 0; i < n->block_count; i++) {
        cudaFree(n->blocks[i]);
    }
    n->block_count = 0;
}

static struct kernel_product
product_of(const struct network *n, const struct network_layer *layer, uint32_t rows)
{
    bool by_product = layer->activation != ACTIVATION_SOFTMAX;
    return (struct kernel_product){
        .rows = rows,
        .in = layer->in,
        .out = layer->out,
        .element = n->element,
        .to = layer->to,
        .tf32 = n->precision == PRECISION_TF32,
        .activation = by_product ? layer->activation : ACTIVATION_NONE,
    };
}

enum status
network_take_workspace(struct network *n,
                       const uint32_t *rows,
                       uint32_t count,
                       struct fault *fault)
{
    size_t most = 0;
    for (uint32_t i = 0; n->lt != NULL && i < count * n->layer_count; i++) {
        const struct network_layer *layer = &n->layers[i % n->layer_count];
        struct kernel_product p = product_of(n, layer, rows[i / n->layer_count]);
        struct cublaslt_operands o = {.weight = layer->weight, .bias = layer->bias};
        size_t bytes = 0;
        if (cublaslt_workspace(n->lt, &p, &o, &bytes) == STATUS_OK && bytes > most) {
            most = bytes;
        }
    }
    n->workspace_bytes = most;
    return most == 0 ? STATUS_OK : network_take(n, most, &n->workspace, fault);
}

size_t
network_input_bytes(const struct network *n, uint32_t rows)
{
    size_t element = n->model->from_bytes ? sizeof(uint8_t) : sizeof(float);
    return (size_t)rows * dense_network_in(n->model) * element;
}

size_t
network_output_bytes(const struct network *n, uint32_t rows)
{
    if (n->model->top > 0) {
        return dense_output_gap(n->model, rows) +
               (size_t)rows * n->model->top * sizeof(float);
    }
    return (size_t)rows * dense_network_out(n->model) * sizeof(float);
}

/* A batch on its way through the layers. */
struct chain {
    struct network *network;
    uint32_t rows;
    const void *x; /* what the next layer takes */
    void *output;  /* of the last one */
    cudaStream_t stream;
};

/* The product, and whether its activation is in it. */
static enum status
enqueue_product(const struct chain *c,
                const struct kernel_product *p,
                const struct cublaslt_operands *o,
                bool *fused,
                struct fault *fault)
{
    struct network *n = c->network;
    enum status status = STATUS_UNSUPPORTED;
    if (n->lt != NULL) {
        status = cublaslt_product(n->lt, p, o, c->stream, fault);
        *fused = cublaslt_fuses(p);
    }
    if (status != STATUS_UNSUPPORTED) {
        return status;
    }
    n->spilled = n->lt != NULL;
    *fused = true;
    cudaError_t error = kernel_product(p, o->x, o->weight, o->bias, o->y, c->stream);
    return error == cudaSuccess ? STATUS_OK
                                : device_error_fault(fault, error, "kernel_product");
}

/* What the product left to do: from y to `to`, which is y but in the last layer. */
static enum status
enqueue_rest(const struct chain *c,
             const struct kernel_activate *a,
             const void *y,
             void *to,
             struct fault *fault)
{
    const struct dense_network *model = c->network->model;
    cudaError_t error = cudaSuccess;
    if (a->activation != ACTIVATION_SOFTMAX) {
        error = kernel_activate(a, y, to, c->stream);
    } else if (to == y || model->top == 0) {
        error = kernel_softmax(a, y, to, c->stream);
    } else {
        uint8_t *scores = (uint8_t *)to + dense_output_gap(model, a->rows);
        error = kernel_softmax_top(a, model->top, y, to, (float *)(void *)scores,
                                   c->stream);
    }
    return error == cudaSuccess ? STATUS_OK
                                : device_error_fault(fault, error, "an activation");
}

/* Whether the last layer's product may write its rows where the output is to stand. */
static bool
writes_output(const struct network *n, const struct kernel_product *p)
{
    bool fused = n->lt == NULL || cublaslt_fuses(p);
    return fused && n->layers[n->layer_count - 1].activation != ACTIVATION_SOFTMAX &&
           p->out == dense_network_out(n->model);
}

static enum status
enqueue_layer(struct chain *c, uint32_t i, struct fault *fault)
{
    struct network *n = c->network;
    const struct network_layer *layer = &n->layers[i];
    struct kernel_product p = product_of(n, layer, c->rows);
    bool is_last = i + 1 == n->layer_count;
    struct cublaslt_operands o = {
        .x = c->x,
        .weight = layer->weight,
        .bias = layer->bias,
        .y = is_last && writes_output(n, &p) ? c->output : n->between[i % 2],
        .workspace = n->workspace,
        .workspace_bytes = n->workspace_bytes,
    };
    bool fused = false;
    enum status status = enqueue_product(c, &p, &o, &fused, fault);
    bool is_done = fused && layer->activation != ACTIVATION_SOFTMAX;
    struct kernel_activate rest = {
        .rows = p.rows,
        .width = n->model->layers[i].out,
        .from_stride = p.out,
        .to_stride = is_last ? n->model->layers[i].out : p.out,
        .element = layer->to,
        .activation = is_done ? ACTIVATION_NONE : layer->activation,
    };
    void *to = is_last ? c->output : o.y;
    c->x = to;
    if (status != STATUS_OK || (rest.activation == ACTIVATION_NONE && to == o.y)) {
        return status;
    }
    return enqueue_rest(c, &rest, o.y, to, fault);
}

static enum status
enqueue_convert(struct chain *c, struct fault *fault)
{
    const struct network *n = c->network;
    struct kernel_convert convert = {
        .rows = c->rows,
        .width = dense_network_in(n->model),
        .stride = n->layers[0].in,
        .from_bytes = n->model->from_bytes,
        .scale = n->model->scale,
        .offset = n->model->offset,
        .to = n->element,
    };
    cudaError_t error = kernel_convert(&convert, c->x, n->converted, c->stream);
    c->x = n->converted;
    return error == cudaSuccess ? STATUS_OK
                                : device_error_fault(fault, error, "kernel_convert");
}

enum status
network_enqueue(struct network *n,
                uint32_t rows,
                const void *input,
                void *output,
                cudaStream_t stream,
                struct fault *fault)
{
    struct chain c = {
        .network = n,
        .rows = rows,
        .x = input,
        .output = output,
        .stream = stream,
    };
    enum status status = STATUS_OK;
    if (n->converted != NULL) {
        status = enqueue_convert(&c, fault);
    }
    for (uint32_t i = 0; i < n->layer_count && status == STATUS_OK; i++) {
        status = enqueue_layer(&c, i, fault);
    }
    return status;
}
