/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tensor cores for the emulation: the first lane of a warp holds a fragment whole and
 * does the work of all.
 */
#ifndef TESTS_GPU_MMA_H
#define TESTS_GPU_MMA_H

#include "emulate.h"

#include <type_traits>

namespace nvcuda
{
namespace wmma
{

struct matrix_a {
};
struct matrix_b {
};
struct accumulator {
};
struct row_major {
};
struct col_major {
};
enum layout_t { mem_row_major, mem_col_major };
namespace precision
{
struct tf32 {
};
} // namespace precision

template <typename T> struct storage {
    using type = T;
};
template <> struct storage<precision::tf32> {
    using type = float;
};

/* rows × columns of this use of a tile of m × n × k. */
template <typename Use, int M, int N, int K> struct extent;
template <int M, int N, int K> struct extent<matrix_a, M, N, K> {
    static constexpr int rows = M, columns = K;
};
template <int M, int N, int K> struct extent<matrix_b, M, N, K> {
    static constexpr int rows = K, columns = N;
};
template <int M, int N, int K> struct extent<accumulator, M, N, K> {
    static constexpr int rows = M, columns = N;
};

template <typename Use, int M, int N, int K, typename T, typename Layout = void>
struct fragment {
    using element = typename storage<T>::type;
    static constexpr int rows = extent<Use, M, N, K>::rows;
    static constexpr int columns = extent<Use, M, N, K>::columns;
    static constexpr int num_elements = rows * columns;
    element x[num_elements]; /* [rows][columns] */
};

static inline bool
works()
{
    return threadIdx.x % 32 == 0;
}

static inline float
__float_to_tf32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof x);
    bits = (bits + 0x1000U) & ~0x1fffU; /* 10 bits of fraction, ties away from zero */
    memcpy(&x, &bits, sizeof x);
    return x;
}

template <typename F>
static inline void
fill_fragment(F &f, float value)
{
    for (auto &x : f.x) {
        x = value;
    }
}

template <typename Use, int M, int N, int K, typename T, typename Layout>
static inline void
load_matrix_sync(fragment<Use, M, N, K, T, Layout> &f,
                 const typename storage<T>::type *from,
                 unsigned pitch)
{
    constexpr bool by_row = std::is_same<Layout, row_major>::value;
    if ((uintptr_t)from % 32 != 0 || pitch * sizeof *from % 16 != 0) {
        abort(); /* a device would refuse */
    }
    for (int i = 0; works() && i < f.rows; i++) {
        for (int j = 0; j < f.columns; j++) {
            f.x[i * f.columns + j] = by_row ? from[i * pitch + j] : from[j * pitch + i];
        }
    }
    emulate_meet();
}

template <int M, int N, int K, typename T, typename LA, typename LB>
static inline void
mma_sync(fragment<accumulator, M, N, K, float> &d,
         const fragment<matrix_a, M, N, K, T, LA> &a,
         const fragment<matrix_b, M, N, K, T, LB> &b,
         const fragment<accumulator, M, N, K, float> &c)
{
    for (int i = 0; works() && i < M * N; i++) {
        float sum = c.x[i];
        for (int k = 0; k < K; k++) {
            sum += (float)a.x[i / N * K + k] * (float)b.x[k * N + i % N];
        }
        d.x[i] = sum;
    }
}

template <int M, int N, int K>
static inline void
store_matrix_sync(float *to,
                  const fragment<accumulator, M, N, K, float> &f,
                  unsigned pitch,
                  layout_t)
{
    for (int i = 0; works() && i < M * N; i++) {
        to[i / N * pitch + i % N] = f.x[i];
    }
}

} // namespace wmma
} // namespace nvcuda

#endif
