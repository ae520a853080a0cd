/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes g++ take the kernels of runner/cuda, to be run on the CPU: included before
 * each of them. The threads of a block are fibers that are switched at every point
 * where threads wait for each other; blocks run one after the other, so __shared__ is
 * static. It shows whether indices, bounds and arithmetic are right, not how fast or
 * how well ordered the accesses of a real device are.
 */
#ifndef TESTS_GPU_EMULATE_H
#define TESTS_GPU_EMULATE_H

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <vector_functions.h>

#undef __launch_bounds__
#define __launch_bounds__(...)
#undef __shared__
#define __shared__ static

extern uint3 threadIdx;
extern uint3 blockIdx;

/** Runs it now, or keeps it for the graph that the stream is capturing. */
void emulate_enqueue(cudaStream_t stream, std::function<void()> work);

/** Runs `thread` for every thread of every block. */
void emulate_grid(dim3 grid, dim3 block, const std::function<void()> &thread);

/** Ends when all threads of the block have come here, or returned. */
void emulate_meet();

/** The value that thread `from` of the block has brought. */
uint64_t emulate_exchange(uint64_t mine, unsigned from);

template <typename Kernel, typename... Args>
static inline void
emulate_launch(dim3 grid, dim3 block, cudaStream_t stream, Kernel kernel, Args... args)
{
    emulate_enqueue(stream,
                    [=] { emulate_grid(grid, block, [=] { kernel(args...); }); });
}

#define LAUNCH(kernel, grid, block, stream, ...)                                       \
    emulate_launch(dim3(grid), dim3(block), stream, kernel, __VA_ARGS__)

static inline void
__syncthreads()
{
    emulate_meet();
}

template <typename T>
static inline T
__shfl_xor_sync(unsigned, T x, int lane_mask)
{
    uint64_t bits = 0;
    memcpy(&bits, &x, sizeof x);
    bits = emulate_exchange(bits, threadIdx.x ^ (unsigned)lane_mask);
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline float
__fmul_rn(float a, float b)
{
    volatile float product = a * b;
    return product;
}

static inline float
__fadd_rn(float a, float b)
{
    return a + b;
}

static inline float
__int_as_float(unsigned bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#endif
