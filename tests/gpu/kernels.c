/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernels by themselves against plain C: UINT8 and FP32 to FP32 bit for bit, to
 * FP16 and BF16 within their rounding; softmax; top-k with equal values and NaN; the
 * product of our own at sizes around its tiles.
 */
#include "runner/cuda/kernels.h"

#include "check.h"
#include "runner/dense_top.h"
#include "twin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *
upload(const void *from, size_t size)
{
    void *to = NULL;
    if (cudaMalloc(&to, size) != cudaSuccess ||
        cudaMemcpy(to, from, size, cudaMemcpyHostToDevice) != cudaSuccess) {
        check(false, "memory for a kernel's check");
        exit(1);
    }
    return to;
}

/* What the kernel left in device memory, in a buffer of the caller. */
static void *
download(void *from, size_t size)
{
    void *to = malloc(size);
    bool ok = cudaDeviceSynchronize() == cudaSuccess &&
              cudaMemcpy(to, from, size, cudaMemcpyDeviceToHost) == cudaSuccess;
    if (!ok) {
        check(false, "a kernel ran: %s", cudaGetErrorString(cudaGetLastError()));
        exit(1);
    }
    cudaFree(from);
    return to;
}

static float
of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float
half_value(uint16_t bits)
{
    int exponent = (bits >> 10) & 0x1f;
    float fraction = (float)(bits & 0x3ff);
    float x = exponent == 0 ? ldexpf(fraction, -24)
                            : ldexpf(1024.0F + fraction, exponent - 25);
    return (bits & 0x8000) != 0 ? -x : x;
}

static float
value_at(const void *values, size_t at, enum element element)
{
    if (element == ELEMENT_FP32) {
        return ((const float *)values)[at];
    }
    uint16_t bits = ((const uint16_t *)values)[at];
    return element == ELEMENT_FP16 ? half_value(bits) : of_bits((uint32_t)bits << 16);
}

static size_t
bytes_of(enum element element)
{
    return element == ELEMENT_FP32 ? 4 : 2;
}

static const char *const element_names[] = {"fp32", "fp16", "bf16"};

/* 0 exact, 2^-11 and 2^-8 of the value: half a unit in the last place. */
static const float roundings[] = {0.0F, 0x1p-11F, 0x1p-8F};

static void
check_convert(uint32_t rows, uint32_t width, bool from_bytes, enum element to)
{
    struct kernel_convert c = {
        .rows = rows,
        .width = width,
        .stride = (width + 7) / 8 * 8,
        .from_bytes = from_bytes,
        .scale = 1.0F / 127.5F,
        .offset = -1.0F,
        .to = to,
    };
    size_t count = (size_t)rows * width;
    uint8_t *bytes = malloc(count);
    float *floats = malloc(count * sizeof *floats);
    for (size_t i = 0; i < count; i++) {
        bytes[i] = (uint8_t)(i * 7);
        floats[i] = 255.0F * twin_random();
    }
    size_t result_bytes = (size_t)rows * c.stride * bytes_of(to);
    void *blank = malloc(result_bytes);
    memset(blank, 0x5a, result_bytes);
    void *from = upload(from_bytes ? (void *)bytes : floats,
                        from_bytes ? count : count * sizeof(float));
    void *device = upload(blank, result_bytes);
    cudaError_t error = kernel_convert(&c, from, device, NULL);
    void *result = download(device, result_bytes);
    float worst = 0.0F;
    for (size_t i = 0; i < (size_t)rows * c.stride; i++) {
        size_t column = i % c.stride;
        size_t at = i / c.stride * width + column;
        float x = from_bytes ? (float)bytes[at < count ? at : 0]
                             : floats[at < count ? at : 0];
        float want = column < width ? x * c.scale + c.offset : 0.0F;
        float off = fabsf(value_at(result, i, to) - want);
        off =
            off - roundings[to] * fabsf(want) - (to == ELEMENT_FP16 ? 0x1p-25F : 0.0F);
        worst = off > worst || isnan(off) ? off : worst;
    }
    check(error == cudaSuccess && worst <= 0.0F, "convert %s [%u][%u] to %s: %s",
          from_bytes ? "uint8" : "fp32", rows, width, element_names[to],
          to == ELEMENT_FP32 ? "exact" : "rounded");
    cudaFree(from);
    free(result);
    free(blank);
    free(floats);
    free(bytes);
}

static void
check_converts(void)
{
    static const uint32_t shapes[][2] = {{1, 1},    {3, 7},     {5, 8},
                                         {64, 784}, {7, 12288}, {33, 1001}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        for (enum element to = ELEMENT_FP32; to <= ELEMENT_BF16; to++) {
            check_convert(shapes[i][0], shapes[i][1], true, to);
            check_convert(shapes[i][0], shapes[i][1], false, to);
        }
    }
}

/* Rows with equal values, and one of NaN alone. */
static void
check_top(uint32_t width, uint32_t k)
{
    enum { ROWS = 5 };
    struct kernel_activate a = {
        .rows = ROWS, .width = width, .from_stride = (width + 7) / 8 * 8};
    float *x = calloc((size_t)ROWS * a.from_stride, sizeof *x);
    for (size_t i = 0; i < (size_t)ROWS * a.from_stride; i++) {
        size_t row = i / a.from_stride;
        x[i] = row == 4 ? NAN : (float)((i * 7919) % (row == 0 ? 3 : 97)) * 0.25F;
    }
    size_t size = (size_t)ROWS * k * sizeof(float);
    void *blank = calloc(1, size);
    void *from = upload(x, (size_t)ROWS * a.from_stride * sizeof *x);
    void *classes_at = upload(blank, size);
    void *scores_at = upload(blank, size);
    cudaError_t error = kernel_softmax_top(&a, k, from, classes_at, scores_at, NULL);
    int32_t *classes = download(classes_at, size);
    float *scores = download(scores_at, size);
    bool ok = error == cudaSuccess;
    for (size_t row = 0; row < ROWS; row++) {
        const float *values = x + row * a.from_stride;
        int32_t want[32];
        float logits[32];
        dense_top(values, width, k, want, logits);
        double sum = 0.0;
        for (uint32_t i = 0; i < width; i++) {
            sum += exp((double)values[i] - (double)logits[0]);
        }
        for (uint32_t i = 0; i < k; i++) {
            double score = exp((double)logits[i] - (double)logits[0]) / sum;
            double off = fabs((double)scores[row * k + i] - score);
            bool is_nan = row == 4 && isnan(scores[row * k + i]);
            ok = ok && classes[row * k + i] == want[i] && (is_nan || off < 1e-6);
        }
    }
    check(ok, "softmax and the %u largest of %u, equal ones by index, NaN none", k,
          width);
    cudaFree(from);
    free(scores);
    free(classes);
    free(blank);
    free(x);
}

struct product_case {
    uint32_t rows;
    uint32_t in;
    uint32_t out;
};

static void *
random_values(size_t count, enum element element, float **exact)
{
    float *values = malloc(count * sizeof *values);
    uint16_t *halves = malloc(count * sizeof *halves);
    for (size_t i = 0; i < count; i++) {
        /* Few enough bits for every element: products and sums show errors of ours. */
        int steps = (int)(twin_random() * 64.0F) - 32;
        values[i] = (float)steps / 32.0F;
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        uint32_t exponent = (bits >> 23 & 0xff);
        uint32_t half = (exponent - 112) << 10 | (bits >> 13 & 0x3ff);
        half = values[i] == 0.0F ? 0 : half | (bits >> 16 & 0x8000);
        halves[i] = (uint16_t)(element == ELEMENT_FP16 ? half : bits >> 16);
    }
    void *at = upload(element == ELEMENT_FP32 ? (void *)values : halves,
                      count * bytes_of(element));
    free(halves);
    *exact = values;
    return at;
}

static void
check_product(const struct product_case *c, enum element element, bool tf32)
{
    struct kernel_product p = {
        .rows = c->rows,
        .in = c->in,
        .out = c->out,
        .element = element,
        .to = ELEMENT_FP32,
        .tf32 = tf32,
        .activation = ACTIVATION_RELU,
    };
    float *x;
    float *w;
    float *b;
    void *x_at = random_values((size_t)c->rows * c->in, element, &x);
    void *w_at = random_values((size_t)c->out * c->in, element, &w);
    void *b_at = random_values(c->out, ELEMENT_FP32, &b);
    float *blank = calloc((size_t)c->rows * c->out, sizeof *blank);
    void *y_at = upload(blank, (size_t)c->rows * c->out * sizeof *blank);
    cudaError_t error = kernel_product(&p, x_at, w_at, b_at, y_at, NULL);
    float *y = download(y_at, (size_t)c->rows * c->out * sizeof *y);
    double worst = 0.0;
    for (size_t i = 0; i < (size_t)c->rows * c->out; i++) {
        double sum = (double)b[i % c->out];
        for (size_t k = 0; k < c->in; k++) {
            sum +=
                (double)x[i / c->out * c->in + k] * (double)w[i % c->out * c->in + k];
        }
        double off = fabs((double)y[i] - (sum > 0.0 ? sum : 0.0));
        worst = off > worst || isnan(off) ? off : worst;
    }
    check(error == cudaSuccess && worst <= 1e-4, "product of ours %s%s %u x %u x %u",
          tf32 ? "tf32 of " : "", element_names[element], c->rows, c->in, c->out);
    cudaFree(x_at);
    cudaFree(w_at);
    cudaFree(b_at);
    free(x);
    free(w);
    free(b);
    free(blank);
    free(y);
}

void
check_kernels(void)
{
    static const struct product_case products[] = {
        {1, 8, 8},     {64, 64, 64}, {65, 72, 136},
        {3, 1000, 24}, {130, 16, 8}, {63, 200, 65 * 8},
    };
    check_converts();
    check_top(3, 3);
    check_top(100, 5);
    check_top(3000, 32);
    check_top(9001, 7);
    check_top(17001, 4);
    for (size_t i = 0; i < sizeof products / sizeof products[0]; i++) {
        check_product(&products[i], ELEMENT_FP32, false);
        check_product(&products[i], ELEMENT_FP32, true);
        check_product(&products[i], ELEMENT_FP16, false);
        check_product(&products[i], ELEMENT_BF16, false);
    }
}
