/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer's product by cuBLASLt, with the bias and, where that is exact enough, the
 * activation fused. One handle belongs to one model instance and is used while it
 * loads: what it launches is captured into graphs.
 */
#ifndef RUNNER_CUDA_CUBLASLT_H
#define RUNNER_CUDA_CUBLASLT_H

#include "base/status.h"
#include "runner/cuda/kernels.h"

#include <stdbool.h>
#include <stddef.h>

struct cublaslt;

/**
 * @param[out] out set only on STATUS_OK; released by cublaslt_close()
 * @return as cublaslt_library_open(); STATUS_INTERNAL if the library refuses to start
 * @thread that of the device
 */
MUST_CHECK enum status cublaslt_open(struct cublaslt **out, struct fault *fault);
void cublaslt_close(struct cublaslt *lt);

/** Such as 130100 for 13.1.0. */
size_t cublaslt_version(const struct cublaslt *lt);

/**
 * Whether the activation is fused. ReLU always; GELU, which cuBLASLt computes by tanh
 * (off by at most 5e-4 from that by erf), only where the result is rounded to FP16 or
 * BF16 anyway.
 */
bool cublaslt_fuses(const struct kernel_product *p);

/** What a product reads, writes and may use; all of the device's. */
struct cublaslt_operands {
    const void *x;
    const void *weight;
    const void *bias;
    void *y;
    void *workspace;
    size_t workspace_bytes;
};

/**
 * Bytes of workspace that the product would like, at most 32 MiB.
 *
 * @return STATUS_OK; STATUS_UNSUPPORTED: cuBLASLt has no kernel for it
 */
MUST_CHECK enum status cublaslt_workspace(struct cublaslt *lt,
                                          const struct kernel_product *p,
                                          const struct cublaslt_operands *o,
                                          size_t *bytes);

/**
 * Puts the product into the stream. Chooses the same kernel each time.
 *
 * @return STATUS_OK; STATUS_UNSUPPORTED, and nothing is in the stream; STATUS_INTERNAL
 */
MUST_CHECK enum status cublaslt_product(struct cublaslt *lt,
                                        const struct kernel_product *p,
                                        const struct cublaslt_operands *o,
                                        cudaStream_t stream,
                                        struct fault *fault);

#endif
