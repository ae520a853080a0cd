/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one product of the CPU twin in plain C, so that the program needs no OpenBLAS on
 * a machine that has only a GPU. Sums are kept in double: a twin should be the better
 * one.
 */
#include <cblas.h>

#include <stddef.h>

void
openblas_set_num_threads(int count)
{
    (void)count;
}

/* y [m][n] += x [m][k] · Wᵀ, W [n][k]: what dense_layer.c asks for. */
void
cblas_sgemm(const enum CBLAS_ORDER order,
            const enum CBLAS_TRANSPOSE transpose_x,
            const enum CBLAS_TRANSPOSE transpose_w,
            const blasint m,
            const blasint n,
            const blasint k,
            const float alpha,
            const float *x,
            const blasint x_stride,
            const float *w,
            const blasint w_stride,
            const float beta,
            float *y,
            const blasint y_stride)
{
    (void)order;
    (void)transpose_x;
    (void)transpose_w;
    for (blasint i = 0; i < m * n; i++) {
        const float *row = x + (size_t)(i / n) * (size_t)x_stride;
        const float *column = w + (size_t)(i % n) * (size_t)w_stride;
        float *to = &y[(size_t)(i / n) * (size_t)y_stride + (size_t)(i % n)];
        double sum = (double)beta * (double)*to;
        for (blasint j = 0; j < k; j++) {
            sum += (double)alpha * (double)row[j] * (double)column[j];
        }
        *to = (float)sum;
    }
}
