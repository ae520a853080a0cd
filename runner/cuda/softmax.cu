/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Softmax over rows, and the k largest of it. LANES threads share a row; where it has
 * at most LANES × HELD values it is read once and stays in registers (HELD = 0: any
 * width, read again for each pass). Bound by memory: all loads of a row are under way
 * at once. The maximum is taken off first, so no exponential overflows.
 */
#include "runner/cuda/element.cuh"

#include <math_constants.h>

enum { WARP = 32, BLOCK = 256, WIDE_BLOCK = 1024 };

/* A block has several rows of a warp each, or one row. */
template <int LANES> struct shape {
    static constexpr int threads = LANES == WARP ? BLOCK : LANES;
    static constexpr int rows = threads / LANES;
};

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

/* What turns a value of the row into its share; held values become their exponential.
 */
struct shares {
    float most;
    float scale; /* 1 / the sum of all exponentials */
};

template <typename T, int LANES, int HELD>
static __device__ __forceinline__ struct shares
row_shares(row_values<T, LANES, HELD> &row, float *shared)
{
    float most = -CUDART_INF_F;
    row.each([&](uint32_t, float x) { most = fmaxf(most, x); });
    most = reduce<take_max, LANES>(most, shared);
    float sum = 0.0F;
    row.each([&](uint32_t, float &x) {
        x = expf(x - most);
        sum += x;
    });
    sum = reduce<take_sum, LANES>(sum, shared);
    return {most, 1.0F / sum};
}

/* The share of a value as each() gives it after row_shares(). */
template <int HELD>
static __device__ __forceinline__ float
share(const struct shares &s, float x)
{
    return (HELD > 0 ? x : expf(x - s.most)) * s.scale;
}

template <typename T, int LANES, int HELD>
static __device__ __forceinline__ row_values<T, LANES, HELD>
row_of_thread(const T *from, const struct kernel_activate &a, uint32_t *at)
{
    row_values<T, LANES, HELD> row;
    *at = blockIdx.x * shape<LANES>::rows + threadIdx.x / LANES;
    row.from = from + (uint64_t)*at * a.from_stride;
    row.width = *at < a.rows ? a.width : 0; /* the last block may have warps too many */
    row.lane = threadIdx.x % LANES;
    row.load();
    return row;
}

template <typename T, int LANES, int HELD>
static __global__ void
__launch_bounds__(shape<LANES>::threads, 1)
    softmax_rows(const T *from, T *to, struct kernel_activate a)
{
    __shared__ float shared[shape<LANES>::threads / WARP];
    uint32_t at = 0;
    auto row = row_of_thread<T, LANES, HELD>(from, a, &at);
    struct shares s = row_shares(row, shared);
    T *out = to + (uint64_t)at * a.to_stride;
    row.each([&](uint32_t column, float x) {
        out[column] = from_float<T>(share<HELD>(s, x));
    });
}

template <int LANES, int HELD>
static __global__ void
__launch_bounds__(shape<LANES>::threads, 1) softmax_top_rows(const float *from,
                                                             int32_t *classes,
                                                             float *scores,
                                                             struct kernel_activate a,
                                                             uint32_t k)
{
    __shared__ float shared[shape<LANES>::threads / WARP];
    __shared__ struct best shared_best[shape<LANES>::threads / WARP];
    uint32_t at = 0;
    auto row = row_of_thread<float, LANES, HELD>(from, a, &at);
    struct shares s = row_shares(row, shared);
    struct best last = {CUDART_INF_F, -1};
    for (uint32_t i = 0; i < k; i++) {
        struct best next = {CUDART_NAN_F, -1};
        row.each([&](uint32_t column, float x) {
            struct best one = {share<HELD>(s, x), (int32_t)column};
            bool left = i == 0 ? one.value == one.value : comes_before(last, one);
            next = left && comes_before(one, next) ? one : next;
        });
        last = reduce<take_best, LANES>(next, shared_best);
        if (row.width > 0 && row.lane == 0) {
            classes[(uint64_t)at * k + i] = last.index;
            scores[(uint64_t)at * k + i] = last.value;
        }
    }
}

template <typename T, int LANES, int HELD>
static void
softmax_by(const struct kernel_activate *a, const T *from, T *to, cudaStream_t stream)
{
    LAUNCH((softmax_rows<T, LANES, HELD>), blocks_of(a->rows, shape<LANES>::rows),
           shape<LANES>::threads, stream, from, to, *a);
}

/* Up to 1,024 values a warp a row, up to 16,384 a block a row, both in registers. */
template <typename T>
static void
softmax(const struct kernel_activate *a,
        const void *from,
        void *to,
        cudaStream_t stream)
{
    const T *read = (const T *)from;
    T *write = (T *)to;
    if (a->width <= WARP * 8) {
        softmax_by<T, WARP, 8>(a, read, write, stream);
    } else if (a->width <= WARP * 32) {
        softmax_by<T, WARP, 32>(a, read, write, stream);
    } else if (a->width <= BLOCK * 16) {
        softmax_by<T, BLOCK, 16>(a, read, write, stream);
    } else if (a->width <= WIDE_BLOCK * 16) {
        softmax_by<T, WIDE_BLOCK, 16>(a, read, write, stream);
    } else {
        softmax_by<T, WIDE_BLOCK, 0>(a, read, write, stream);
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
    if (a->width <= WARP * 32) {
        LAUNCH((softmax_top_rows<WARP, 32>), blocks_of(a->rows, BLOCK / WARP), BLOCK,
               stream, from, classes, scores, *a, k);
    } else if (a->width <= BLOCK * 16) {
        LAUNCH((softmax_top_rows<BLOCK, 16>), a->rows, BLOCK, stream, from, classes,
               scores, *a, k);
    } else if (a->width <= WIDE_BLOCK * 16) {
        LAUNCH((softmax_top_rows<WIDE_BLOCK, 16>), a->rows, WIDE_BLOCK, stream, from,
               classes, scores, *a, k);
    } else {
        LAUNCH((softmax_top_rows<WIDE_BLOCK, 0>), a->rows, WIDE_BLOCK, stream, from,
               classes, scores, *a, k);
    }
    return cudaGetLastError();
}
