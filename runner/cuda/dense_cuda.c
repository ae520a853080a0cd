/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See runner/dense_cuda.h. Which lane a batch is on need not be kept: batches are
 * prepared and run in the same order, and what failed in its preparation is in none.
 * A lane is free when its turn comes, since its last batch was waited for before the
 * next but one is prepared.
 */
#include "runner/cuda/dense_cuda.h"

#include "runner/control.h"
#include "runner/cuda/device_error.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

bool
dense_cuda_serves(const char *device)
{
    return device_index(device) >= 0;
}

static enum status
read_precision(const struct model_source *source,
               enum precision *out,
               struct fault *fault)
{
    const char *text = properties_text(source->properties, "precision");
    *out = PRECISION_FP32;
    return text == NULL ? STATUS_OK : precision_parse(text, out, fault);
}

/*
 * Page-locks the slots, which the device then reads and writes by itself. Where the
 * system does not allow it (a memory lock limit, a sandbox) copies go through CUDA's
 * own buffers: correct, but not beside the computing.
 */
static void
pin(struct dense_cuda *cuda, const struct model_source *source)
{
    cudaError_t error =
        cudaHostRegister(source->slab, source->slab_bytes, cudaHostRegisterDefault);
    if (error == cudaSuccess) {
        cuda->pinned = source->slab;
    } else {
        (void)cudaGetLastError();
    }
}

/* The library is optional unless it is asked for by name. */
static enum status
open_products(struct dense_cuda *cuda, struct fault *fault)
{
    enum status status = cublaslt_open(&cuda->network.lt, fault);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static void
tell(const struct dense_cuda *cuda, const struct model_source *source)
{
    const struct network *n = &cuda->network;
    char products[48] = "kernels of Leat (no cuBLASLt found)";
    if (n->lt != NULL) {
        snprintf(products, sizeof products, "cuBLASLt %zu%s", cublaslt_version(n->lt),
                 n->spilled ? " and kernels of Leat" : "");
    }
    control_log(source->control_fd, "info", source->instance,
                "dense on %s (%s): %s, products by %s, %zu KiB of device memory, "
                "%" PRIu32 " graphs, slots %spinned",
                cuda->device.name, cuda->device.model, precision_name(n->precision),
                products, n->bytes / 1024, cuda->buckets.count * LANES,
                cuda->pinned == NULL ? "not " : "");
}

static enum status
load(struct dense_cuda *cuda,
     const struct dense_network *network,
     const struct model_source *source,
     struct model *model,
     struct fault *fault)
{
    enum precision precision = PRECISION_FP32;
    enum status status = read_precision(source, &precision, fault);
    if (status == STATUS_OK) {
        status = device_open(&cuda->device, device_index(source->device), fault);
    }
    buckets_init(&cuda->buckets, model);
    const struct buckets *b = &cuda->buckets;
    if (status == STATUS_OK) {
        pin(cuda, source);
        status = network_init(&cuda->network, network, precision, b->rows[b->count - 1],
                              fault);
    }
    if (status == STATUS_OK) {
        status = open_products(cuda, fault);
    }
    if (status == STATUS_OK) {
        status = network_take_workspace(&cuda->network, b->rows, b->count, fault);
    }
    for (unsigned i = 0; i < LANES && status == STATUS_OK; i++) {
        status = lane_init(&cuda->lanes[i], &cuda->network, b, fault);
    }
    if (status == STATUS_OK) {
        model->staged = true;
        model->device_bytes = cuda->network.bytes;
        tell(cuda, source);
    }
    return status;
}

enum status
dense_cuda_load(struct dense_cuda **out,
                const struct dense_network *network,
                const struct model_source *source,
                struct model *model,
                struct fault *fault)
{
    *out = calloc(1, sizeof **out);
    return *out == NULL ? fault_set(fault, STATUS_NO_MEMORY, "no memory")
                        : load(*out, network, source, model, fault);
}

void
dense_cuda_unload(struct dense_cuda *cuda)
{
    if (cuda == NULL) {
        return;
    }
    for (unsigned i = 0; i < LANES; i++) {
        lane_fini(&cuda->lanes[i]);
    }
    network_fini(&cuda->network);
    if (cuda->network.lt != NULL) {
        cublaslt_close(cuda->network.lt);
    }
    if (cuda->pinned != NULL) {
        cudaHostUnregister(cuda->pinned);
    }
    free(cuda);
}

enum slot_outcome
dense_cuda_prepare(struct dense_cuda *cuda, struct batch *b)
{
    uint32_t bucket = buckets_find(&cuda->buckets, b->rows);
    struct dense_output out;
    if (!dense_output_place(cuda->network.model, b, cuda->buckets.rows[bucket], &out)) {
        return SLOT_FAILED;
    }
    struct lane_batch copies = {
        .bucket = bucket,
        .from = b->inputs[0].data.data,
        .input_bytes = b->inputs[0].data.size,
        .to = out.classes != NULL ? (void *)out.classes : out.values,
        .output_bytes = out.size,
    };
    cudaError_t error = cudaSetDevice(cuda->device.index);
    if (error == cudaSuccess) {
        struct lane *lane = &cuda->lanes[cuda->prepared % LANES];
        const struct lane *before = &cuda->lanes[(cuda->prepared + 1) % LANES];
        error = lane_submit(lane, &copies, before);
    }
    if (error != cudaSuccess) {
        return device_error_fail(b, error, cuda->device.name);
    }
    cuda->prepared++;
    return SLOT_SUCCEEDED;
}

enum slot_outcome
dense_cuda_run(struct dense_cuda *cuda, struct batch *b)
{
    cudaError_t error = cudaSetDevice(cuda->device.index);
    if (error == cudaSuccess) {
        error = lane_wait(&cuda->lanes[cuda->run % LANES]);
    }
    cuda->run++;
    return error == cudaSuccess ? SLOT_SUCCEEDED
                                : device_error_fail(b, error, cuda->device.name);
}
