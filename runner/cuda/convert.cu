/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UINT8 or FP32 as it came in the slot → x × scale + offset in the network's element.
 * Bound by memory: each thread has UNROLL independent loads under way before it writes,
 * and neighbours read and write neighbouring bytes.
 */
#include "runner/cuda/element.cuh"

enum { THREADS = 256, UNROLL = 4 };

/* Two roundings, as the CPU's: no fused multiply-add. */
static __device__ __forceinline__ float
scaled(float x, float scale, float offset)
{
    return __fadd_rn(__fmul_rn(x, scale), offset);
}

/* As many elements of the input as make 16 bytes of the output. */
template <typename From, uint32_t Size> struct alignas(sizeof(From) * Size) source {
    From at[Size];
};

/* Rows without gaps: one row of `packs` times 16 bytes. */
template <typename From, typename To>
static __global__ void
__launch_bounds__(THREADS)
    convert_packs(const From *from, To *to, uint64_t packs, float scale, float offset)
{
    constexpr uint32_t size = pack<To>::size;
    using in = source<From, size>;
    const in *read = reinterpret_cast<const in *>(from);
    pack<To> *write = reinterpret_cast<pack<To> *>(to);
    uint64_t first = (uint64_t)blockIdx.x * (THREADS * UNROLL) + threadIdx.x;
    in values[UNROLL];
#pragma unroll
    for (uint32_t u = 0; u < UNROLL; u++) {
        uint64_t i = first + (uint64_t)u * THREADS;
        if (i < packs) {
            values[u] = read[i];
        }
    }
#pragma unroll
    for (uint32_t u = 0; u < UNROLL; u++) {
        uint64_t i = first + (uint64_t)u * THREADS;
        if (i < packs) {
            pack<To> out;
#pragma unroll
            for (uint32_t j = 0; j < size; j++) {
                out.at[j] =
                    from_float<To>(scaled((float)values[u].at[j], scale, offset));
            }
            write[i] = out;
        }
    }
}

/* Rows of any width: a thread writes 16 bytes of a row, zeros beyond its width. */
template <typename From, typename To>
static __global__ void
__launch_bounds__(THREADS) convert_rows(const From *from,
                                        To *to,
                                        struct kernel_convert c,
                                        uint64_t packs,
                                        uint32_t row_packs)
{
    constexpr uint32_t size = pack<To>::size;
    uint64_t i = (uint64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= packs) {
        return;
    }
    uint64_t row = i / row_packs;
    uint32_t column = (uint32_t)(i % row_packs) * size;
    pack<To> out;
#pragma unroll
    for (uint32_t j = 0; j < size; j++) {
        bool inside = column + j < c.width;
        float x = inside ? (float)from[row * c.width + column + j] : 0.0F;
        out.at[j] = from_float<To>(inside ? scaled(x, c.scale, c.offset) : 0.0F);
    }
    reinterpret_cast<pack<To> *>(to)[i] = out;
}

template <typename From, typename To>
static void
convert(const struct kernel_convert *c, const void *from, void *to, cudaStream_t stream)
{
    const From *read = (const From *)from;
    To *write = (To *)to;
    uint32_t row_packs = c->stride / pack<To>::size;
    uint64_t packs = (uint64_t)c->rows * row_packs;
    if (c->stride == c->width) {
        LAUNCH((convert_packs<From, To>), blocks_of(packs, THREADS * UNROLL), THREADS,
               stream, read, write, packs, c->scale, c->offset);
    } else {
        LAUNCH((convert_rows<From, To>), blocks_of(packs, THREADS), THREADS, stream,
               read, write, *c, packs, row_packs);
    }
}

template <typename From>
static void
convert_from(const struct kernel_convert *c,
             const void *from,
             void *to,
             cudaStream_t stream)
{
    switch (c->to) {
    case ELEMENT_FP32:
        return convert<From, float>(c, from, to, stream);
    case ELEMENT_FP16:
        return convert<From, __half>(c, from, to, stream);
    case ELEMENT_BF16:
        return convert<From, __nv_bfloat16>(c, from, to, stream);
    }
}

cudaError_t
kernel_convert(const struct kernel_convert *c,
               const void *from,
               void *to,
               cudaStream_t stream)
{
    if (c->from_bytes) {
        convert_from<uint8_t>(c, from, to, stream);
    } else {
        convert_from<float>(c, from, to, stream);
    }
    return cudaGetLastError();
}
