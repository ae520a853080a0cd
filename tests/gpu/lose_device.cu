/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel that writes where nothing is: after it, every call of the process fails. */
#include <cuda_runtime.h>

static __global__ void
poke(int *at)
{
    *at = 1;
}

extern "C" void
lose_device(void)
{
    poke<<<1, 1>>>((int *)16);
    (void)cudaDeviceSynchronize();
}
