/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernels share: how the three kinds of elements are read and written, 16
 * bytes at a time, and the activations. Nothing here is compiled with fast-math: erf,
 * tanh and exp are those of CUDA's library, within 2 units in the last place.
 */
#ifndef RUNNER_CUDA_ELEMENT_CUH
#define RUNNER_CUDA_ELEMENT_CUH

#include "runner/cuda/kernels.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

/* tests/gpu runs the same kernels on the CPU and says itself how one is launched. */
#ifndef LAUNCH
#define LAUNCH(kernel, grid, block, stream, ...)                                       \
    kernel<<<(grid), (block), 0, (stream)>>>(__VA_ARGS__)
#endif

static __device__ __forceinline__ float
to_float(float x)
{
    return x;
}

static __device__ __forceinline__ float
to_float(__half x)
{
    return __half2float(x);
}

static __device__ __forceinline__ float
to_float(__nv_bfloat16 x)
{
    return __bfloat162float(x);
}

template <typename T> __device__ __forceinline__ T from_float(float x);

template <>
__device__ __forceinline__ float
from_float<float>(float x)
{
    return x;
}

template <>
__device__ __forceinline__ __half
from_float<__half>(float x)
{
    return __float2half_rn(x);
}

template <>
__device__ __forceinline__ __nv_bfloat16
from_float<__nv_bfloat16>(float x)
{
    return __float2bfloat16_rn(x);
}

/* As many elements as one access of 16 bytes moves. */
template <typename T> struct alignas(16) pack {
    static constexpr uint32_t size = 16 / sizeof(T);
    T at[size];
};

template <enum activation A>
__device__ __forceinline__ float
activated(float x)
{
    switch (A) {
    case ACTIVATION_RELU:
        return x > 0.0F ? x : 0.0F; /* of NaN 0, as on the CPU */
    case ACTIVATION_GELU:
        return 0.5F * x * (1.0F + erff(x * 0.707106781186547524F));
    case ACTIVATION_TANH:
        return tanhf(x);
    case ACTIVATION_SIGMOID:
        return 1.0F / (1.0F + expf(-x));
    default:
        return x;
    }
}

/* Of an activation that is known only when it runs; the whole block takes one branch.
 */
static __device__ __forceinline__ float
activated_by(enum activation a, float x)
{
    switch (a) {
    case ACTIVATION_RELU:
        return activated<ACTIVATION_RELU>(x);
    case ACTIVATION_GELU:
        return activated<ACTIVATION_GELU>(x);
    case ACTIVATION_TANH:
        return activated<ACTIVATION_TANH>(x);
    case ACTIVATION_SIGMOID:
        return activated<ACTIVATION_SIGMOID>(x);
    default:
        return x;
    }
}

/* Calls fn.template run<A>() for the activation. */
template <typename Fn>
static void
with_activation(enum activation a, const Fn &fn)
{
    switch (a) {
    case ACTIVATION_RELU:
        return fn.template run<ACTIVATION_RELU>();
    case ACTIVATION_GELU:
        return fn.template run<ACTIVATION_GELU>();
    case ACTIVATION_TANH:
        return fn.template run<ACTIVATION_TANH>();
    case ACTIVATION_SIGMOID:
        return fn.template run<ACTIVATION_SIGMOID>();
    default:
        return fn.template run<ACTIVATION_NONE>();
    }
}

static inline uint32_t
blocks_of(uint64_t count, uint64_t each)
{
    return (uint32_t)((count + each - 1) / each);
}

#endif
