/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dense platform on a CUDA device (runner/cuda/; docs/gpu.md). Two batches are
 * under way at a time on two streams that take turns: prepare() puts upload, graph and
 * download of a batch into its stream and returns, run() waits for its end. So the
 * uploads and downloads of one batch overlap the computing of the other, and the device
 * finds the next batch in its queue when one ends. Batches compute one after the other,
 * in the order of their prepare().
 */
#ifndef RUNNER_DENSE_CUDA_H
#define RUNNER_DENSE_CUDA_H

#include "runner/backend.h"
#include "runner/dense_network.h"

struct dense_cuda;

/** Whether that is a device for these functions: cuda or cuda:N. */
bool dense_cuda_serves(const char *device);

/**
 * Uploads the network and captures a graph per bucket and stream.
 *
 * @param[in]     network borrowed until dense_cuda_unload(), but its weights only now
 * @param[in,out] model tensors settled; sets staged and device_bytes
 * @param[out]    out also set on error, unless NULL; released by dense_cuda_unload()
 * @return STATUS_OK; STATUS_INVALID for a property; STATUS_UNSUPPORTED without a usable
 *         driver and GPU, or where the build has no CUDA; STATUS_NO_MEMORY; ...
 */
MUST_CHECK enum status dense_cuda_load(struct dense_cuda **out,
                                       const struct dense_network *network,
                                       const struct model_source *source,
                                       struct model *model,
                                       struct fault *fault);
void dense_cuda_unload(struct dense_cuda *cuda);

/** As backend_ops.prepare() and backend_ops.run(). */
enum slot_outcome dense_cuda_prepare(struct dense_cuda *cuda, struct batch *b);
enum slot_outcome dense_cuda_run(struct dense_cuda *cuda, struct batch *b);

#endif
