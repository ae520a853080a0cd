/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of the device's limits the kernels reach. The limit of memory is what a copy
 * from device to device moves per second, measured first, bytes read and written. Each
 * kernel goes through as many buffers as make the second-level cache useless, in one
 * stream without a gap, and is timed by events.
 */
#include "check.h"
#include "runner/cuda/kernels.h"
#include "timing.h"

#include <stdio.h>
#include <stdlib.h>

enum { LAUNCHES = 60, SETS_MAX = 64, BAR_PERCENT = 80 };

static const size_t SPAN = (size_t)512 << 20; /* bytes that a kernel's buffers cover */

void *
time_take(size_t bytes)
{
    void *at = NULL;
    if (cudaMalloc(&at, bytes) != cudaSuccess ||
        cudaMemset(at, 0, bytes) != cudaSuccess) {
        check(false, "%zu bytes of device memory for a timing", bytes);
        exit(1);
    }
    return at;
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double
time_quantile(double *values, size_t count, double share)
{
    qsort(values, count, sizeof *values, by_value);
    return values[(size_t)(share * (double)(count - 1) + 0.5)];
}

/* One launch on the buffers of a set. */
struct work {
    cudaError_t (*launch)(const struct work *w, const void *from, void *to);
    size_t from_bytes;
    size_t to_bytes;
    struct kernel_convert convert;
    struct kernel_activate activate;
    struct kernel_product product;
    const void *weight;
    const void *bias;
    uint32_t top;
    cudaStream_t stream;
};

/* Microseconds a launch: the best of five rounds. */
static double
time_work(struct work *w)
{
    cudaEvent_t begin;
    cudaEvent_t end;
    size_t sets = SPAN / (w->from_bytes + w->to_bytes) + 1;
    sets = sets < SETS_MAX ? sets : SETS_MAX;
    void *from[SETS_MAX];
    void *to[SETS_MAX];
    for (size_t i = 0; i < sets; i++) {
        from[i] = time_take(w->from_bytes);
        to[i] = time_take(w->to_bytes);
    }
    cudaStreamCreateWithFlags(&w->stream, cudaStreamNonBlocking);
    cudaEventCreate(&begin);
    cudaEventCreate(&end);
    cudaDeviceSynchronize();
    float best = 0.0F;
    for (unsigned round = 0; round < 6; round++) {
        float ms = 0.0F;
        cudaEventRecord(begin, w->stream);
        for (size_t i = 0; i < LAUNCHES; i++) {
            w->launch(w, from[i % sets], to[i % sets]);
        }
        cudaEventRecord(end, w->stream);
        cudaEventSynchronize(end);
        cudaEventElapsedTime(&ms, begin, end);
        best = round > 0 && (best == 0.0F || ms < best) ? ms : best;
    }
    check(cudaGetLastError() == cudaSuccess, "(the launches timed next succeeded)");
    for (size_t i = 0; i < sets; i++) {
        cudaFree(from[i]);
        cudaFree(to[i]);
    }
    cudaEventDestroy(begin);
    cudaEventDestroy(end);
    cudaStreamDestroy(w->stream);
    return (double)best * 1000.0 / LAUNCHES;
}

static cudaError_t
launch_copy(const struct work *w, const void *from, void *to)
{
    return cudaMemcpyAsync(to, from, w->from_bytes, cudaMemcpyDeviceToDevice,
                           w->stream);
}

static cudaError_t
launch_convert(const struct work *w, const void *from, void *to)
{
    return kernel_convert(&w->convert, from, to, w->stream);
}

static cudaError_t
launch_activate(const struct work *w, const void *from, void *to)
{
    return kernel_activate(&w->activate, from, to, w->stream);
}

static cudaError_t
launch_softmax(const struct work *w, const void *from, void *to)
{
    return kernel_softmax(&w->activate, from, to, w->stream);
}

static cudaError_t
launch_top(const struct work *w, const void *from, void *to)
{
    int32_t *classes = to;
    return kernel_softmax_top(&w->activate, w->top, from, classes,
                              (float *)(void *)(classes + w->activate.rows * w->top),
                              w->stream);
}

static cudaError_t
launch_product(const struct work *w, const void *from, void *to)
{
    return kernel_product(&w->product, from, w->weight, w->bias, to, w->stream);
}

/* GB/s of a large copy, counting both sides. */
static double
copy_limit(void)
{
    struct work w = {
        .launch = launch_copy,
        .from_bytes = (size_t)256 << 20,
        .to_bytes = (size_t)256 << 20,
    };
    double us = time_work(&w);
    double rate = (double)(w.from_bytes + w.to_bytes) / us / 1e3;
    tell("memory limit: a copy moves %.0f GB/s, read and written", rate);
    return rate;
}

static void
judge(struct work *w, double limit, const char *name)
{
    double us = time_work(w);
    double rate = (double)(w->from_bytes + w->to_bytes) / us / 1e3;
    check(rate >= limit * BAR_PERCENT / 100.0,
          "%s: %.1f us, %.0f GB/s, %.0f %% of the memory limit (bar %d %%)", name, us,
          rate, 100.0 * rate / limit, BAR_PERCENT);
}

static void
time_convert(double limit, uint32_t rows, bool from_bytes, enum element to)
{
    static const char *const names[] = {"fp32", "fp16", "bf16"};
    enum { WIDTH = 3 * 224 * 224 };
    size_t count = (size_t)rows * WIDTH;
    struct work w = {
        .launch = launch_convert,
        .from_bytes = count * (from_bytes ? 1 : 4),
        .to_bytes = count * (to == ELEMENT_FP32 ? 4 : 2),
        .convert = {.rows = rows,
                    .width = WIDTH,
                    .stride = WIDTH,
                    .from_bytes = from_bytes,
                    .scale = 1.0F / 127.5F,
                    .offset = -1.0F,
                    .to = to},
    };
    char name[96];
    snprintf(name, sizeof name, "convert %s to %s, B=%u of 3x224x224",
             from_bytes ? "uint8" : "fp32", names[to], rows);
    judge(&w, limit, name);
}

static void
time_rows(double limit,
          cudaError_t (*launch)(const struct work *, const void *, void *),
          const struct kernel_activate *a,
          const char *what)
{
    size_t bytes = (size_t)a->rows * a->width * (a->element == ELEMENT_FP32 ? 4 : 2);
    struct work w = {
        .launch = launch,
        .from_bytes = bytes,
        .to_bytes = bytes,
        .activate = *a,
    };
    w.activate.from_stride = a->width;
    w.activate.to_stride = a->width;
    char name[96];
    snprintf(name, sizeof name, "%s, B=%u of %u", what, a->rows, a->width);
    judge(&w, limit, name);
}

static void
time_top(double limit, uint32_t rows, uint32_t width)
{
    struct work w = {
        .launch = launch_top,
        .from_bytes = (size_t)rows * width * 4,
        .to_bytes = (size_t)rows * 5 * 8,
        .activate = {.rows = rows, .width = width, .from_stride = width},
        .top = 5,
    };
    double us = time_work(&w);
    double rate = (double)(w.from_bytes + w.to_bytes) / us / 1e3;
    tell("        softmax and top 5, B=%u of %u: %.1f us, %.0f GB/s, %.0f %% (no bar)",
         rows, width, us, rate, 100.0 * rate / limit);
}

/* Ours stands in where cuBLASLt is missing: told, without a bar. */
static void
time_product(enum element element, bool tf32, uint32_t rows)
{
    static const char *const names[] = {"fp32", "fp16", "bf16"};
    enum { WIDTH = 4096 };
    size_t size = element == ELEMENT_FP32 ? 4 : 2;
    void *weight = time_take((size_t)WIDTH * WIDTH * size);
    void *bias = time_take(WIDTH * sizeof(float));
    struct work w = {
        .launch = launch_product,
        .from_bytes = (size_t)rows * WIDTH * size,
        .to_bytes = (size_t)rows * WIDTH * 4,
        .product = {.rows = rows,
                    .in = WIDTH,
                    .out = WIDTH,
                    .element = element,
                    .to = ELEMENT_FP32,
                    .tf32 = tf32},
        .weight = weight,
        .bias = bias,
    };
    double us = time_work(&w);
    tell("        product of ours, %s, B=%u of 4096 x 4096: %.1f us, %.1f TFLOP/s (no "
         "bar)",
         tf32 ? "tf32" : names[element], rows, us,
         2.0 * rows * WIDTH * WIDTH / us / 1e6);
    cudaFree(weight);
    cudaFree(bias);
}

void
time_kernels(void)
{
    static const struct kernel_activate softmaxes[] = {
        {.rows = 65536, .width = 200},
        {.rows = 16384, .width = 1000},
        {.rows = 4096, .width = 4096},
        {.rows = 2048, .width = 16384},
    };
    double limit = copy_limit();
    for (uint32_t rows = 64; rows <= 256; rows *= 2) {
        time_convert(limit, rows, true, ELEMENT_FP32);
        time_convert(limit, rows, true, ELEMENT_FP16);
        time_convert(limit, rows, false, ELEMENT_FP16);
    }
    time_rows(limit, launch_activate,
              &(struct kernel_activate){
                  .rows = 4096, .width = 8192, .activation = ACTIVATION_GELU},
              "gelu of fp32");
    time_rows(limit, launch_activate,
              &(struct kernel_activate){.rows = 4096,
                                        .width = 8192,
                                        .element = ELEMENT_FP16,
                                        .activation = ACTIVATION_SIGMOID},
              "sigmoid of fp16");
    for (size_t i = 0; i < sizeof softmaxes / sizeof softmaxes[0]; i++) {
        time_rows(limit, launch_softmax, &softmaxes[i], "softmax of fp32");
        time_top(limit, softmaxes[i].rows, softmaxes[i].width);
    }
    for (uint32_t rows = 64; rows <= 4096; rows *= 8) {
        time_product(ELEMENT_FP32, false, rows);
        time_product(ELEMENT_FP32, true, rows);
        time_product(ELEMENT_FP16, false, rows);
    }
}
