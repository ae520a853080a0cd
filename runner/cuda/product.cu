/* SPDX-License-Identifier: Apache-2.0 */
/*
 * y = activation(x · Wᵀ + b) without cuBLASLt: tensor cores through wmma for FP16, BF16
 * and TF32, plain arithmetic for FP32. A block makes a tile of TILE rows by TILE
 * outputs. What lies outside the matrices is read as zero, so their sizes may be any
 * whose strides are multiples of 16 bytes.
 */
#include "runner/cuda/element.cuh"

#include <cuda_pipeline.h>

#include <mma.h>

namespace wmma = nvcuda::wmma;

enum {
    TILE = 64,
    CHUNK = 16,                           /* bytes of one asynchronous copy */
    DEPTH_BYTES = 64,                     /* of a row of a tile, along N */
    ROW_CHUNKS = DEPTH_BYTES / CHUNK,     /* 4 */
    PITCH_BYTES = DEPTH_BYTES + CHUNK,    /* 8 rows then fall into all 32 banks */
    STAGE_BYTES = 2 * TILE * PITCH_BYTES, /* x, then W */
    STAGES = 3,                           /* one is multiplied, two are under way */
    WARP_TILE = 32,                       /* a warp makes 32 × 32, four a block */
    THREADS = 128,
    Y_PITCH = TILE + 4, /* floats; of the tile of y, which takes the stages' place */
};

template <typename T> struct tensor_core {
    using scalar = T;
    static constexpr int depth = 16;
    static __device__ __forceinline__ void round(T &)
    {
    }
};

template <> struct tensor_core<float> {
    using scalar = wmma::precision::tf32;
    static constexpr int depth = 8;
    static __device__ __forceinline__ void round(float &x)
    {
        x = wmma::__float_to_tf32(x);
    }
};

/* Starts the copy of a tile of `matrix` [limit][in]: TILE rows, DEPTH_BYTES from `at`.
 */
template <typename T>
static __device__ __forceinline__ void
copy_tile(unsigned char *tile,
          const T *matrix,
          uint32_t first,
          uint32_t limit,
          uint32_t in,
          uint32_t at)
{
    for (uint32_t i = threadIdx.x; i < TILE * ROW_CHUNKS; i += THREADS) {
        uint32_t row = first + i / ROW_CHUNKS;
        uint32_t column = at + i % ROW_CHUNKS * (uint32_t)(CHUNK / sizeof(T));
        bool inside = row < limit && column < in;
        const T *from = inside ? matrix + (uint64_t)row * in + column : matrix;
        __pipeline_memcpy_async(tile + i / ROW_CHUNKS * PITCH_BYTES +
                                    i % ROW_CHUNKS * CHUNK,
                                from, CHUNK, inside ? 0 : CHUNK);
    }
}

/* What a warp holds of y: 2 × 2 fragments of 16 × 16. */
template <int Depth> struct warp_tile {
    wmma::fragment<wmma::accumulator, 16, 16, Depth, float> at[2][2];
};

/* Adds the product of one stage's tiles. */
template <typename T>
static __device__ __forceinline__ void
multiply(const unsigned char *stage, warp_tile<tensor_core<T>::depth> &sum)
{
    using core = tensor_core<T>;
    constexpr int depth = core::depth;
    constexpr unsigned pitch = PITCH_BYTES / sizeof(T);
    uint32_t warp = threadIdx.x / 32;
    const T *x = reinterpret_cast<const T *>(stage) + warp / 2 * WARP_TILE * pitch;
    const T *w = reinterpret_cast<const T *>(stage + TILE * PITCH_BYTES) +
                 warp % 2 * WARP_TILE * pitch;
#pragma unroll
    for (int k = 0; k < (int)(DEPTH_BYTES / sizeof(T)); k += depth) {
        wmma::fragment<wmma::matrix_a, 16, 16, depth, typename core::scalar,
                       wmma::row_major>
            a[2];
        wmma::fragment<wmma::matrix_b, 16, 16, depth, typename core::scalar,
                       wmma::col_major>
            b[2];
#pragma unroll
        for (int i = 0; i < 2; i++) {
            wmma::load_matrix_sync(a[i], x + i * 16 * pitch + k, pitch);
            wmma::load_matrix_sync(b[i], w + i * 16 * pitch + k, pitch);
#pragma unroll
            for (int e = 0; e < (int)a[i].num_elements; e++) {
                core::round(a[i].x[e]);
            }
#pragma unroll
            for (int e = 0; e < (int)b[i].num_elements; e++) {
                core::round(b[i].x[e]);
            }
        }
#pragma unroll
        for (int i = 0; i < 4; i++) {
            wmma::mma_sync(sum.at[i / 2][i % 2], a[i / 2], b[i % 2],
                           sum.at[i / 2][i % 2]);
        }
    }
}

/* Writes the tile of sums, with bias and activation, to its place in y. */
template <typename U>
static __device__ __forceinline__ void
write_tile(const float *tile, const U *bias, U *y, const struct kernel_product &p)
{
    uint32_t first_row = blockIdx.y * TILE;
    uint32_t first_column = blockIdx.x * TILE;
    for (uint32_t i = threadIdx.x; i < TILE * TILE; i += THREADS) {
        uint32_t row = first_row + i / TILE;
        uint32_t column = first_column + i % TILE;
        if (row < p.rows && column < p.out) {
            float v = tile[i / TILE * Y_PITCH + i % TILE] + to_float(bias[column]);
            y[(uint64_t)row * p.out + column] =
                from_float<U>(activated_by(p.activation, v));
        }
    }
}

template <typename T, typename U>
static __global__ void
__launch_bounds__(THREADS) product_by_tensor_cores(
    const T *x, const T *weight, const U *bias, U *y, struct kernel_product p)
{
    static_assert(STAGES * STAGE_BYTES >= TILE * Y_PITCH * (int)sizeof(float),
                  "the tile of y takes the stages' place");
    __shared__ __align__(128) unsigned char stages[STAGES * STAGE_BYTES];
    constexpr uint32_t step = DEPTH_BYTES / sizeof(T);
    uint32_t steps = (p.in + step - 1) / step;
    auto fetch = [&](uint32_t at) {
        if (at < steps) {
            unsigned char *stage = stages + at % STAGES * STAGE_BYTES;
            copy_tile(stage, x, blockIdx.y * TILE, p.rows, p.in, at * step);
            copy_tile(stage + TILE * PITCH_BYTES, weight, blockIdx.x * TILE, p.out,
                      p.in, at * step);
        }
        __pipeline_commit(); /* also of nothing: the count of those under way stays */
    };
    warp_tile<tensor_core<T>::depth> sum;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        wmma::fill_fragment(sum.at[i / 2][i % 2], 0.0F);
    }
    for (uint32_t i = 0; i < STAGES - 1; i++) {
        fetch(i);
    }
    for (uint32_t i = 0; i < steps; i++) {
        __pipeline_wait_prior(STAGES - 2); /* stage i is there, of this thread */
        __syncthreads(); /* of all; and all are done with the stage fetched into next */
        fetch(i + STAGES - 1);
        multiply<T>(stages + i % STAGES * STAGE_BYTES, sum);
    }
    __pipeline_wait_prior(0);
    __syncthreads();
    float *tile = reinterpret_cast<float *>(stages);
    uint32_t warp = threadIdx.x / 32;
    float *mine = tile + warp / 2 * WARP_TILE * Y_PITCH + warp % 2 * WARP_TILE;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        wmma::store_matrix_sync(mine + i / 2 * 16 * Y_PITCH + i % 2 * 16,
                                sum.at[i / 2][i % 2], Y_PITCH, wmma::mem_row_major);
    }
    __syncthreads();
    write_tile(tile, bias, y, p);
}

enum { PLAIN_THREADS = 256, PLAIN_DEPTH = 16, PLAIN_PITCH = TILE + 4, EACH = 4 };

/* Four values of row `row` from column `at` on; zeros outside. */
static __device__ __forceinline__ float4
four_of(const float *matrix, uint32_t row, uint32_t limit, uint32_t in, uint32_t at)
{
    bool inside = row < limit && at < in;
    return inside ? *reinterpret_cast<const float4 *>(matrix + (uint64_t)row * in + at)
                  : make_float4(0.0F, 0.0F, 0.0F, 0.0F);
}

/* Each thread makes 4 × 4 of the tile, from tiles that stand transposed: [k][row]. */
static __global__ void
__launch_bounds__(PLAIN_THREADS) product_plain(const float *x,
                                               const float *weight,
                                               const float *bias,
                                               float *y,
                                               struct kernel_product p)
{
    __shared__ __align__(16) float tiles[2][PLAIN_DEPTH][PLAIN_PITCH];
    uint32_t row = threadIdx.x / EACH;       /* of the tile that this thread reads */
    uint32_t depth = threadIdx.x % EACH * 4; /* and where along N */
    uint32_t left = threadIdx.x % 16 * EACH; /* of what it makes: first output */
    uint32_t top = threadIdx.x / 16 * EACH;  /* and first row */
    float sum[EACH][EACH] = {};
    for (uint32_t at = 0; at < p.in; at += PLAIN_DEPTH) {
        float4 a = four_of(x, blockIdx.y * TILE + row, p.rows, p.in, at + depth);
        float4 b = four_of(weight, blockIdx.x * TILE + row, p.out, p.in, at + depth);
        __syncthreads(); /* all are done with the tiles before */
        tiles[0][depth][row] = a.x;
        tiles[0][depth + 1][row] = a.y;
        tiles[0][depth + 2][row] = a.z;
        tiles[0][depth + 3][row] = a.w;
        tiles[1][depth][row] = b.x;
        tiles[1][depth + 1][row] = b.y;
        tiles[1][depth + 2][row] = b.z;
        tiles[1][depth + 3][row] = b.w;
        __syncthreads();
#pragma unroll
        for (int k = 0; k < PLAIN_DEPTH; k++) {
            float4 u = *reinterpret_cast<const float4 *>(&tiles[0][k][top]);
            float4 v = *reinterpret_cast<const float4 *>(&tiles[1][k][left]);
            const float rows[EACH] = {u.x, u.y, u.z, u.w};
            const float columns[EACH] = {v.x, v.y, v.z, v.w};
#pragma unroll
            for (int i = 0; i < EACH * EACH; i++) {
                sum[i / EACH][i % EACH] += rows[i / EACH] * columns[i % EACH];
            }
        }
    }
#pragma unroll
    for (int i = 0; i < EACH * EACH; i++) {
        uint32_t to_row = blockIdx.y * TILE + top + i / EACH;
        uint32_t to = blockIdx.x * TILE + left + i % EACH;
        if (to_row < p.rows && to < p.out) {
            y[(uint64_t)to_row * p.out + to] =
                activated_by(p.activation, sum[i / EACH][i % EACH] + bias[to]);
        }
    }
}

template <typename T, typename U>
static void
launch(const struct kernel_product *p,
       const void *x,
       const void *weight,
       const void *bias,
       void *y,
       cudaStream_t stream)
{
    dim3 grid(blocks_of(p->out, TILE), blocks_of(p->rows, TILE));
    LAUNCH((product_by_tensor_cores<T, U>), grid, THREADS, stream, (const T *)x,
           (const T *)weight, (const U *)bias, (U *)y, *p);
}

cudaError_t
kernel_product(const struct kernel_product *p,
               const void *x,
               const void *weight,
               const void *bias,
               void *y,
               cudaStream_t stream)
{
    bool to_float = p->to == ELEMENT_FP32;
    if (p->element == ELEMENT_FP16) {
        (to_float ? launch<__half, float> : launch<__half, __half>)(p, x, weight, bias,
                                                                    y, stream);
    } else if (p->element == ELEMENT_BF16) {
        (to_float
             ? launch<__nv_bfloat16, float>
             : launch<__nv_bfloat16, __nv_bfloat16>)(p, x, weight, bias, y, stream);
    } else if (p->tf32) {
        launch<float, float>(p, x, weight, bias, y, stream);
    } else {
        dim3 grid(blocks_of(p->out, TILE), blocks_of(p->rows, TILE));
        LAUNCH(product_plain, grid, PLAIN_THREADS, stream, (const float *)x,
               (const float *)weight, (const float *)bias, (float *)y, *p);
    }
    return cudaGetLastError();
}
