/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Softmax over rows, and the k largest of it. LANES threads share a row; where it has
 * at most LANES × HELD values it is read once and stays in registers (HELD = 0: any
 * width, read again from the cache for each pass). The maximum is taken off first, so
 * no exponential overflows.
 */
#include "runner/cuda/element.cuh"

#include <math_constants.h>

enum { THREADS = 256, WARP = 32 };

/* A value and where it stands; -1: none. */
struct best {
    float value;
    int32_t index;
};

/* Larger first, then the lower index. */
static __device__ __forceinline__ bool
comes_before(const struct best &a, const struct best &b)
{
    if (a.index < 0 || b.index < 0) {
        return a.index >= 0;
    }
    return a.value > b.value || (a.value == b.value && a.index < b.index);
}

struct take_max {
    static __device__ __forceinline__ float of(float a, float b)
    {
        return fmaxf(a, b);
    }
    static __device__ __forceinline__ float from(float x, int lane_mask)
    {
        return __shfl_xor_sync(0xffffffffU, x, lane_mask);
    }
};

struct take_sum {
    static __device__ __forceinline__ float of(float a, float b)
    {
        return a + b;
    }
    static __device__ __forceinline__ float from(float x, int lane_mask)
    {
        return __shfl_xor_sync(0xffffffffU, x, lane_mask);
    }
};

struct take_best {
    static __device__ __forceinline__ struct best of(struct best a, struct best b)
    {
        return comes_before(b, a) ? b : a;
    }
    static __device__ __forceinline__ struct best from(struct best x, int lane_mask)
    {
        x.value = __shfl_xor_sync(0xffffffffU, x.value, lane_mask);
        x.index = __shfl_xor_sync(0xffffffffU, x.index, lane_mask);
        return x;
    }
};

/* Of all LANES threads of the row, in each of them. All threads of the block call it.
 */
template <typename Take, int LANES, typename V>
static __device__ __forceinline__ V
reduce(V x, V *shared)
{
#pragma unroll
    for (int mask = WARP / 2; mask > 0; mask /= 2) {
        x = Take::of(x, Take::from(x, mask));
    }
    if (LANES > WARP) {
        if (threadIdx.x % WARP == 0) {
            shared[threadIdx.x / WARP] = x;
        }
        __syncthreads();
        x = shared[0];
#pragma unroll
        for (int warp = 1; warp < LANES / WARP; warp++) {
            x = Take::of(x, shared[warp]);
        }
        __syncthreads();
    }
    return x;
}

/* A row as the threads that share it see it. */
template <typename T, int LANES, int HELD> struct row_values {
    const T *from;
    uint32_t width;
    uint32_t lane;
    float held[HELD > 0 ? HELD : 1];

    __device__ __forceinline__ void load()
    {
#pragma unroll
        for (int i = 0; i < HELD; i++) {
            uint32_t column = (uint32_t)i * LANES + lane;
            held[i] = column < width ? to_float(from[column]) : -CUDART_INF_F;
        }
    }

    /* fn(column, value) for each value of this thread; it may change those held. */
    template <typename Fn> __device__ __forceinline__ void each(Fn fn)
    {
        if (HELD > 0) {
#pragma unroll
            for (int i = 0; i < HELD; i++) {
                uint32_t column = (uint32_t)i * LANES + lane;
                if (column < width) {
                    fn(column, held[i]);
                }
            }
        } else {
            for (uint32_t column = lane; column < width; column += LANES) {
                float x = to_float(from[column]);
                fn(column, x);
            }
        }
    }
};

template <typename T, int LANES, int HELD>
static __device__ __forceinline__ void
row_totals(row_values<T, LANES, HELD> &row, float *shared, float *most, float *sum)
{
    float high = -CUDART_INF_F;
    row.each([&](uint32_t, float x) { high = fmaxf(high, x); });
    high = reduce<take_max, LANES>(high, shared);
    float total = 0.0F;
    row.each([&](uint32_t, float x) { total += expf(x - high); });
    *sum = reduce<take_sum, LANES>(total, shared);
    *most = high;
}

template <typename T, int LANES, int HELD>
static __global__ void
__launch_bounds__(THREADS) softmax_rows(const T *from, T *to, struct kernel_activate a)
{
    __shared__ float shared[THREADS / WARP];
    uint32_t at = blockIdx.x * (THREADS / LANES) + threadIdx.x / LANES;
    bool exists = at < a.rows; /* the last block may have threads without a row */
    row_values<T, LANES, HELD> row;
    row.from = from + (uint64_t)at * a.from_stride;
    row.width = exists ? a.width : 0;
    row.lane = threadIdx.x % LANES;
    row.load();
    float most = 0.0F;
    float sum = 0.0F;
    row_totals(row, shared, &most, &sum);
    T *out = to + (uint64_t)at * a.to_stride;
    row.each([&](uint32_t column, float x) {
        out[column] = from_float<T>(expf(x - most) / sum);
    });
}

template <int LANES, int HELD>
static __global__ void
__launch_bounds__(THREADS) softmax_top_rows(const float *from,
                                            int32_t *classes,
                                            float *scores,
                                            struct kernel_activate a,
                                            uint32_t k)
{
    __shared__ float shared[THREADS / WARP];
    __shared__ struct best shared_best[THREADS / WARP];
    uint32_t at = blockIdx.x * (THREADS / LANES) + threadIdx.x / LANES;
    bool exists = at < a.rows;
    row_values<float, LANES, HELD> row;
    row.from = from + (uint64_t)at * a.from_stride;
    row.width = exists ? a.width : 0;
    row.lane = threadIdx.x % LANES;
    row.load();
    float most = 0.0F;
    float sum = 0.0F;
    row_totals(row, shared, &most, &sum);
    row.each([&](uint32_t, float &x) { x = expf(x - most) / sum; });
    struct best last = {CUDART_INF_F, -1};
    for (uint32_t i = 0; i < k; i++) {
        struct best next = {CUDART_NAN_F, -1};
        row.each([&](uint32_t column, float x) {
            float score = HELD > 0 ? x : expf(x - most) / sum;
            struct best one = {score, (int32_t)column};
            bool left = i == 0 ? score == score : comes_before(last, one);
            next = left && comes_before(one, next) ? one : next;
        });
        last = reduce<take_best, LANES>(next, shared_best);
        if (exists && row.lane == 0) {
            classes[(uint64_t)at * k + i] = last.index;
            scores[(uint64_t)at * k + i] = last.value;
        }
    }
}

/* Up to 512 values a warp a row, up to 4,096 a block a row, both in registers. */
template <typename T>
static void
softmax(const struct kernel_activate *a,
        const void *from,
        void *to,
        cudaStream_t stream)
{
    const T *read = (const T *)from;
    T *write = (T *)to;
    if (a->width <= WARP * 4) {
        LAUNCH((softmax_rows<T, WARP, 4>), blocks_of(a->rows, THREADS / WARP), THREADS,
               stream, read, write, *a);
    } else if (a->width <= WARP * 16) {
        LAUNCH((softmax_rows<T, WARP, 16>), blocks_of(a->rows, THREADS / WARP), THREADS,
               stream, read, write, *a);
    } else if (a->width <= THREADS * 4) {
        LAUNCH((softmax_rows<T, THREADS, 4>), a->rows, THREADS, stream, read, write,
               *a);
    } else if (a->width <= THREADS * 16) {
        LAUNCH((softmax_rows<T, THREADS, 16>), a->rows, THREADS, stream, read, write,
               *a);
    } else {
        LAUNCH((softmax_rows<T, THREADS, 0>), a->rows, THREADS, stream, read, write,
               *a);
    }
}

cudaError_t
kernel_softmax(const struct kernel_activate *a,
               const void *from,
               void *to,
               cudaStream_t stream)
{
    switch (a->element) {
    case ELEMENT_FP32:
        softmax<float>(a, from, to, stream);
        break;
    case ELEMENT_FP16:
        softmax<__half>(a, from, to, stream);
        break;
    case ELEMENT_BF16:
        softmax<__nv_bfloat16>(a, from, to, stream);
        break;
    }
    return cudaGetLastError();
}

cudaError_t
kernel_softmax_top(const struct kernel_activate *a,
                   uint32_t k,
                   const float *from,
                   int32_t *classes,
                   float *scores,
                   cudaStream_t stream)
{
    if (a->width <= WARP * 16) {
        LAUNCH((softmax_top_rows<WARP, 16>), blocks_of(a->rows, THREADS / WARP),
               THREADS, stream, from, classes, scores, *a, k);
    } else if (a->width <= THREADS * 16) {
        LAUNCH((softmax_top_rows<THREADS, 16>), a->rows, THREADS, stream, from, classes,
               scores, *a, k);
    } else {
        LAUNCH((softmax_top_rows<THREADS, 0>), a->rows, THREADS, stream, from, classes,
               scores, *a, k);
    }
    return cudaGetLastError();
}
