/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One fully connected layer, y = activation(x · Wᵀ + b), on the CPU. Letters: B rows of
 * a batch, N inputs, M outputs. Rows do not meet, so a row's answer does not depend on
 * its batch-mates beyond the rounding of BLAS.
 */
#ifndef RUNNER_DENSE_LAYER_H
#define RUNNER_DENSE_LAYER_H

#include "base/span.h"
#include "base/status.h"
#include "runner/activation.h"
#include "runner/safetensors.h"

#include <stdint.h>

struct dense_layer {
    uint32_t in;   /* N */
    uint32_t out;  /* M */
    float *weight; /* [M][N] */
    float *bias;   /* [M] */
    enum activation activation;
};

/**
 * Reads NAME.weight [M][N] and NAME.bias [M] (FP32, FP16 or BF16) of the file.
 *
 * @param[in]  text `NAME ACTIVATION`, as one entry of the property layers
 * @param[out] layer released by dense_layer_fini(), also on error
 * @return STATUS_OK; STATUS_INVALID; STATUS_NOT_FOUND; STATUS_UNSUPPORTED;
 *         STATUS_NO_MEMORY
 */
MUST_CHECK enum status dense_layer_load(struct dense_layer *layer,
                                        const struct safetensors *file,
                                        struct span text,
                                        struct fault *fault);
void dense_layer_fini(struct dense_layer *layer);

/** Frees the weights alone: they are elsewhere. in and out stay known. */
void dense_layer_drop(struct dense_layer *layer);

/**
 * Runs the layer over a batch.
 *
 * @param[in]  x [rows][in]
 * @param[out] y [rows][out], no part of x
 * @thread any, also several at once
 */
void dense_layer_run(const struct dense_layer *layer,
                     uint32_t rows,
                     const float *x,
                     float *y);

/** Before the first run: from then on BLAS computes in the thread that calls it.
 * @thread any; more than once is harmless */
void dense_layer_setup(void);

#endif
