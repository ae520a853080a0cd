/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Activations that the product did not fuse, and the way from padded rows to the
 * output's rows, which have no gaps. Bound by memory.
 */
#include "runner/cuda/element.cuh"

enum { THREADS = 256, UNROLL = 4 };

/* Equal strides: the gaps are activated too, which leaves them finite. */
template <typename T, enum activation A>
static __global__ void
__launch_bounds__(THREADS) activate_packs(const T *from, T *to, uint64_t packs)
{
    const pack<T> *read = reinterpret_cast<const pack<T> *>(from);
    pack<T> *write = reinterpret_cast<pack<T> *>(to);
    uint64_t first = (uint64_t)blockIdx.x * (THREADS * UNROLL) + threadIdx.x;
    pack<T> values[UNROLL];
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
#pragma unroll
            for (uint32_t j = 0; j < pack<T>::size; j++) {
                float x = to_float(values[u].at[j]);
                values[u].at[j] = from_float<T>(activated<A>(x));
            }
            write[i] = values[u];
        }
    }
}

template <typename T, enum activation A>
static __global__ void
__launch_bounds__(THREADS)
    activate_each(const T *from, T *to, struct kernel_activate a, uint64_t count)
{
    uint64_t i = (uint64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) {
        return;
    }
    uint64_t row = i / a.width;
    uint64_t column = i % a.width;
    float x = to_float(from[row * a.from_stride + column]);
    to[row * a.to_stride + column] = from_float<T>(activated<A>(x));
}

template <typename T> struct activate {
    const struct kernel_activate *a;
    const T *from;
    T *to;
    cudaStream_t stream;

    template <enum activation A> void run() const
    {
        uint64_t all = (uint64_t)a->rows * a->to_stride;
        if (a->from_stride == a->to_stride && all % pack<T>::size == 0) {
            uint64_t packs = all / pack<T>::size;
            LAUNCH((activate_packs<T, A>), blocks_of(packs, THREADS * UNROLL), THREADS,
                   stream, from, to, packs);
        } else {
            uint64_t count = (uint64_t)a->rows * a->width;
            LAUNCH((activate_each<T, A>), blocks_of(count, THREADS), THREADS, stream,
                   from, to, *a, count);
        }
    }
};

template <typename T>
static void
activate_of(const struct kernel_activate *a,
            const void *from,
            void *to,
            cudaStream_t stream)
{
    with_activation(a->activation, activate<T>{a, (const T *)from, (T *)to, stream});
}

cudaError_t
kernel_activate(const struct kernel_activate *a,
                const void *from,
                void *to,
                cudaStream_t stream)
{
    switch (a->element) {
    case ELEMENT_FP32:
        activate_of<float>(a, from, to, stream);
        break;
    case ELEMENT_FP16:
        activate_of<__half>(a, from, to, stream);
        break;
    case ELEMENT_BF16:
        activate_of<__nv_bfloat16>(a, from, to, stream);
        break;
    }
    return cudaGetLastError();
}
