/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runner/dense_cuda.h keeps to itself; here also for the programs that check and
 * time it on a device (tests/gpu).
 */
#ifndef RUNNER_CUDA_DENSE_CUDA_H
#define RUNNER_CUDA_DENSE_CUDA_H

#include "runner/cuda/device.h"
#include "runner/cuda/lane.h"
#include "runner/dense_cuda.h"

enum { LANES = 2 };

struct dense_cuda {
    struct device device;
    struct network network;
    struct buckets buckets;
    struct lane lanes[LANES];
    unsigned
        prepared; /* batches submitted; the lanes take turns. Of prepare()'s thread */
    unsigned run; /* batches waited for; of run()'s thread */
    void *pinned; /* the slab, where it could be page-locked; else NULL */
};

#endif
