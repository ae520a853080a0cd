/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CUDA device as a model's `device` names it: cuda or cuda:N. Opening it makes it the
 * current one of the calling thread; CUDA keeps that per thread, so every thread that
 * computes calls cudaSetDevice() with the index.
 */
#ifndef RUNNER_CUDA_DEVICE_H
#define RUNNER_CUDA_DEVICE_H

#include "base/status.h"

#include <cuda_runtime_api.h>

#include <stddef.h>

struct device {
    int index;      /* as the driver counts, after CUDA_VISIBLE_DEVICES */
    char name[16];  /* "cuda:0" */
    char model[96]; /* "NVIDIA H100 80GB HBM3" */
};

/** The index of cuda (0) or cuda:N, -1 for any other text. */
int device_index(const char *text);

/**
 * Opens the device, which the first time in a process takes some 100 ms.
 *
 * @param[out] device set only on STATUS_OK
 * @return STATUS_OK; STATUS_UNSUPPORTED without driver, GPU or that index, or if the
 *         GPU is older than compute capability 8.0; STATUS_NO_MEMORY; ...
 */
MUST_CHECK enum status
device_open(struct device *device, int index, struct fault *fault);

/** Memory of the device that nobody has taken; 0 if it cannot be asked. */
size_t device_free_bytes(void);

#endif
