/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs on the device between and beside cuBLASLt's products: conversion of the
 * input, activations, softmax with top-k, and a product of our own where cuBLASLt is
 * not found. Letters: B rows, N inputs, M outputs. Activations lie in device memory as
 * [B][width], each row beginning `stride` elements after the one before; what lies
 * between width and stride is finite but means nothing.
 *
 * Every function puts one kernel into the stream and returns; also while the stream is
 * captured. They return cudaSuccess or why the kernel could not be launched.
 */
#ifndef RUNNER_CUDA_KERNELS_H
#define RUNNER_CUDA_KERNELS_H

#include "runner/activation.h"

#include <cuda_runtime_api.h>

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* TOP_MAX is of the property top.k. STRIDE_STEP: every stride but that of an output is
 * a multiple of it, so that rows begin at a multiple of 16 bytes. */
enum { KERNEL_TOP_MAX = 32, KERNEL_STRIDE_STEP = 8 };

enum element { ELEMENT_FP32, ELEMENT_FP16, ELEMENT_BF16 };

struct kernel_convert {
    uint32_t rows;
    uint32_t width;  /* N; of a row as it comes, without a gap to the next */
    uint32_t stride; /* of the result; what is beyond width becomes 0 */
    bool from_bytes; /* UINT8, else FP32 */
    float scale;     /* x × scale + offset, each rounded as on the CPU */
    float offset;
    enum element to;
};

/** The input as it came, converted. */
cudaError_t kernel_convert(const struct kernel_convert *c,
                           const void *from,
                           void *to,
                           cudaStream_t stream);

struct kernel_activate {
    uint32_t rows;
    uint32_t width;
    uint32_t from_stride;
    uint32_t to_stride;
    enum element element; /* of both sides */
    enum activation activation;
};

/** Any activation but softmax; `from` may be `to` where the strides are equal. */
cudaError_t kernel_activate(const struct kernel_activate *a,
                            const void *from,
                            void *to,
                            cudaStream_t stream);

/** Softmax over each row; `from` may be `to` where the strides are equal. */
cudaError_t kernel_softmax(const struct kernel_activate *a,
                           const void *from,
                           void *to,
                           cudaStream_t stream);

/**
 * The k largest of each row's softmax, descending; of equal ones the lower index first.
 *
 * @param[in]  from [rows][from_stride] FP32
 * @param[out] classes [rows][k]; -1 where only NaN is left
 * @param[out] scores [rows][k]
 */
cudaError_t kernel_softmax_top(const struct kernel_activate *a,
                               uint32_t k,
                               const float *from,
                               int32_t *classes,
                               float *scores,
                               cudaStream_t stream);

struct kernel_product {
    uint32_t rows;
    uint32_t in;                /* stride of x and of the weights */
    uint32_t out;               /* rows of the weights; stride of y */
    enum element element;       /* of x and the weights */
    enum element to;            /* of y and the bias: element or FP32 */
    bool tf32;                  /* FP32 by tensor cores, 10 bits of fraction */
    enum activation activation; /* any but softmax */
};

/** y = activation(x · Wᵀ + b): x [rows][in], weight [out][in], bias [out]. */
cudaError_t kernel_product(const struct kernel_product *p,
                           const void *x,
                           const void *weight,
                           const void *bias,
                           void *y,
                           cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
