/* SPDX-License-Identifier: Apache-2.0 */
/* Stands for runner/dense_cuda.h in a build without CUDA: a load says so. */
#include "runner/dense_cuda.h"

#include <string.h>

bool
dense_cuda_serves(const char *device)
{
    return strcmp(device, "cuda") == 0 || strncmp(device, "cuda:", 5) == 0;
}

enum status
dense_cuda_load(struct dense_cuda **out,
                const struct dense_network *network,
                const struct model_source *source,
                struct model *model,
                struct fault *fault)
{
    (void)network;
    (void)model;
    *out = NULL;
    return fault_set(fault, STATUS_UNSUPPORTED,
                     "device=%.60s: this leat-runner was built without CUDA "
                     "(docs/gpu.md)",
                     source->device);
}

void
dense_cuda_unload(struct dense_cuda *cuda)
{
    (void)cuda;
}

enum slot_outcome
dense_cuda_prepare(struct dense_cuda *cuda, struct batch *b)
{
    (void)cuda;
    return batch_fail(b, "built without CUDA");
}

enum slot_outcome
dense_cuda_run(struct dense_cuda *cuda, struct batch *b)
{
    (void)cuda;
    return batch_fail(b, "built without CUDA");
}
