/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream with what one batch under way needs: its input and output in the device's
 * memory, a graph of the network's kernels per bucket, and the events that tell how far
 * it is. A model has two, which take turns.
 */
#ifndef RUNNER_CUDA_LANE_H
#define RUNNER_CUDA_LANE_H

#include "base/status.h"
#include "runner/cuda/buckets.h"
#include "runner/cuda/network.h"

#include <cuda_runtime_api.h>

#include <stdbool.h>
#include <stddef.h>

/* Moments of a batch on the device; recorded only where somebody measures. */
enum lane_mark { LANE_BEGUN, LANE_UPLOADED, LANE_COMPUTED, LANE_DONE, LANE_MARKS };

struct lane {
    cudaStream_t stream;
    void *input;
    void *output;
    cudaGraphExec_t graphs[BUCKETS_MAX];
    cudaEvent_t computed; /* the kernels are through */
    cudaEvent_t done;     /* the output is in the slot */
    bool marked;
    cudaEvent_t marks[LANE_MARKS];
};

/** What is copied for one batch. */
struct lane_batch {
    uint32_t bucket;
    const void *from; /* in the slot */
    size_t input_bytes;
    void *to; /* in the slot */
    size_t output_bytes;
};

/**
 * Takes stream, events and memory, runs each bucket once and captures its graph.
 *
 * @param[in,out] lane zeroed; released by lane_fini(), also on error
 * @param[in]     network its memory is taken, also for this lane
 * @blocks until the device has run them
 */
MUST_CHECK enum status lane_init(struct lane *lane,
                                 struct network *network,
                                 const struct buckets *buckets,
                                 struct fault *fault);
void lane_fini(struct lane *lane);

/** From now on the moments of each batch are recorded. @return whether that works */
bool lane_mark(struct lane *lane);

/**
 * Puts upload, graph and download into the stream; the graph runs when that of the lane
 * before is through.
 *
 * @return cudaSuccess; else nothing of it is under way any more
 * @blocks never, but after an error until the stream is empty
 */
cudaError_t lane_submit(struct lane *lane,
                        const struct lane_batch *batch,
                        const struct lane *before);

/**
 * Waits for the end of what was submitted last.
 *
 * @blocks until then; at first without giving up the processor, as most batches are
 *         short
 */
cudaError_t lane_wait(const struct lane *lane);

#endif
