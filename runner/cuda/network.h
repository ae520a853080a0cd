/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dense network in the memory of a device: weights in the chosen precision, the
 * buffers between the layers, and the chain of kernels that computes a batch. All
 * memory is taken at load. The buffers between layers exist once, so batches compute
 * one after the other; what a batch brings and takes away is the caller's.
 *
 * Widths are padded to KERNEL_STRIDE_STEP with zero weights, so that every row begins
 * at a multiple of 16 bytes whatever the model's sizes.
 */
#ifndef RUNNER_CUDA_NETWORK_H
#define RUNNER_CUDA_NETWORK_H

#include "base/status.h"
#include "runner/cuda/cublaslt.h"
#include "runner/cuda/kernels.h"
#include "runner/dense_network.h"

#include <stddef.h>
#include <stdint.h>

enum { NETWORK_BLOCKS_MAX = 2 * DENSE_LAYERS_MAX + 16 };

enum precision { PRECISION_FP32, PRECISION_TF32, PRECISION_FP16, PRECISION_BF16 };

struct network_layer {
    uint32_t in;     /* padded N */
    uint32_t out;    /* padded M */
    enum element to; /* of what it gives: FP32 the last, else that of the network */
    enum activation activation;
    void *weight; /* [out][in] */
    void *bias;   /* [out], as `to` */
};

struct network {
    const struct dense_network *model;
    enum precision precision;
    enum element element;
    uint32_t rows_max;
    struct network_layer layers[DENSE_LAYERS_MAX];
    uint32_t layer_count;
    void *converted;     /* [rows_max][in of layer 0] */
    void *between[2];    /* [rows_max][widest], taken in turns */
    struct cublaslt *lt; /* NULL: products by kernels of our own */
    void *workspace;
    size_t workspace_bytes;
    void *blocks[NETWORK_BLOCKS_MAX]; /* all that was taken of the device */
    uint32_t block_count;
    size_t bytes; /* of them */
    bool spilled; /* cuBLASLt lacks a kernel for some product: ours makes that one */
};

/** Reads fp32, tf32, fp16 or bf16. */
MUST_CHECK enum status
precision_parse(const char *text, enum precision *out, struct fault *fault);
const char *precision_name(enum precision precision);

/**
 * Uploads the weights and takes the buffers, on the current device.
 *
 * @param[in,out] n zeroed; released by network_fini(), also on error. Its owner may set
 *                lt before the first batch is enqueued
 * @param[in]     model borrowed while the network lives; its weights only now
 */
MUST_CHECK enum status network_init(struct network *n,
                                    const struct dense_network *model,
                                    enum precision precision,
                                    uint32_t rows_max,
                                    struct fault *fault);
void network_fini(struct network *n);

/** Takes memory of the device, zeroed, that lives as long as the network. */
MUST_CHECK enum status
network_take(struct network *n, size_t size, void **out, struct fault *fault);

/** Takes the workspace that the products of all these batch sizes would like. */
MUST_CHECK enum status network_take_workspace(struct network *n,
                                              const uint32_t *rows,
                                              uint32_t count,
                                              struct fault *fault);

/** Bytes of the input and the output of so many rows, as they are copied. */
size_t network_input_bytes(const struct network *n, uint32_t rows);
size_t network_output_bytes(const struct network *n, uint32_t rows);

/**
 * Puts the kernels for a batch into the stream, also while it is captured.
 *
 * @param[in]  rows ≤ rows_max
 * @param[in]  input as it came in the slot
 * @param[out] output [rows][M] FP32; with top.k the classes, and behind them, at
 *             dense_output_gap(rows), the scores
 */
MUST_CHECK enum status network_enqueue(struct network *n,
                                       uint32_t rows,
                                       const void *input,
                                       void *output,
                                       cudaStream_t stream,
                                       struct fault *fault);

#endif
