/* SPDX-License-Identifier: Apache-2.0 */
/* The dense layers against a naive twin in plain C, within 1e-5. */
#include "runner/dense_layer.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IN = 37, OUT = 19, ROWS = 33 };

static float weights[OUT][IN];
static float biases[OUT];
static float x[ROWS][IN];

static float
noise(void)
{
    static uint32_t state = 12345;
    state = state * 1664525U + 1013904223U;
    return (float)(state >> 8) / (float)(1 << 23) - 1.0F;
}

static void
make_numbers(void)
{
    for (size_t i = 0; i < OUT; i++) {
        biases[i] = noise();
        for (size_t j = 0; j < IN; j++) {
            weights[i][j] = noise() * 0.5F;
        }
    }
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < IN; j++) {
            x[i][j] = noise() * 4.0F;
        }
    }
}

/* The file of one layer `fc`; elements of `width` bytes. */
static struct span
make_file(const char *dtype, const void *weight, const void *bias, size_t width)
{
    char header[256];
    size_t weight_size = (size_t)OUT * IN * width;
    size_t bias_size = OUT * width;
    int length = snprintf(header, sizeof header,
                          "{\"fc.weight\":{\"dtype\":\"%s\",\"shape\":[%d,%d],"
                          "\"data_offsets\":[0,%zu]},\"fc.bias\":{\"dtype\":\"%s\","
                          "\"shape\":[%d],\"data_offsets\":[%zu,%zu]}}",
                          dtype, OUT, IN, weight_size, dtype, OUT, weight_size,
                          weight_size + bias_size);
    uint64_t size = (uint64_t)length;
    uint8_t *file = malloc(8 + size + weight_size + bias_size);
    memcpy(file, &size, 8);
    memcpy(file + 8, header, size);
    memcpy(file + 8 + size, weight, weight_size);
    memcpy(file + 8 + size + weight_size, bias, bias_size);
    return span_of(file, 8 + size + weight_size + bias_size);
}

static enum status
load(struct dense_layer *layer, struct span file, const char *text, struct fault *fault)
{
    struct safetensors s;
    cr_assert_eq(safetensors_parse(&s, file, fault), STATUS_OK, "%s", fault->text);
    enum status status = dense_layer_load(layer, &s, span_of_text(text), fault);
    free(s.tensors);
    return status;
}

static double
twin_activation(const char *name, double v)
{
    if (strcmp(name, "relu") == 0) {
        return v > 0.0 ? v : 0.0;
    }
    if (strcmp(name, "gelu") == 0) {
        return 0.5 * v * (1.0 + erf(v / sqrt(2.0)));
    }
    if (strcmp(name, "tanh") == 0) {
        return tanh(v);
    }
    return strcmp(name, "sigmoid") == 0 ? 1.0 / (1.0 + exp(-v)) : v;
}

static void
twin(const char *activation, const float *row, double y[OUT])
{
    double sum = 0.0;
    for (size_t i = 0; i < OUT; i++) {
        double v = (double)biases[i];
        for (size_t j = 0; j < IN; j++) {
            v += (double)weights[i][j] * (double)row[j];
        }
        y[i] = twin_activation(activation, v);
        sum += exp(v);
    }
    for (size_t i = 0; strcmp(activation, "softmax") == 0 && i < OUT; i++) {
        y[i] = exp(y[i]) / sum;
    }
}

Test(dense, equals_its_naive_twin_for_every_activation)
{
    static const char *const names[] = {"none", "relu",    "gelu",
                                        "tanh", "sigmoid", "softmax"};
    make_numbers();
    dense_layer_setup();
    struct span file = make_file("F32", weights, biases, 4);
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        struct dense_layer layer;
        struct fault fault;
        char text[32];
        static float y[ROWS][OUT];
        snprintf(text, sizeof text, "fc %s", names[n]);
        cr_assert_eq(load(&layer, file, text, &fault), STATUS_OK);
        dense_layer_run(&layer, ROWS, x[0], y[0]);
        for (size_t r = 0; r < ROWS; r++) {
            double expected[OUT];
            twin(names[n], x[r], expected);
            for (size_t i = 0; i < OUT; i++) {
                double scale = fmax(1.0, fabs(expected[i]));
                cr_assert_lt(fabs(expected[i] - (double)y[r][i]), 1e-5 * scale);
            }
        }
        dense_layer_fini(&layer);
    }
    free((void *)(uintptr_t)file.data);
}

Test(dense, answers_a_row_alike_alone_and_in_a_batch)
{
    make_numbers();
    dense_layer_setup();
    struct span file = make_file("F32", weights, biases, 4);
    struct dense_layer layer;
    struct fault fault;
    static float y[ROWS][OUT];
    cr_assert_eq(load(&layer, file, "fc softmax", &fault), STATUS_OK);
    dense_layer_run(&layer, ROWS, x[0], y[0]);
    for (size_t r = 0; r < ROWS; r++) {
        float alone[OUT];
        dense_layer_run(&layer, 1, x[r], alone);
        for (size_t i = 0; i < OUT; i++) {
            cr_assert_lt(fabsf(alone[i] - y[r][i]), 1e-5F);
        }
    }
    dense_layer_fini(&layer);
    free((void *)(uintptr_t)file.data);
}

Test(dense, keeps_softmax_finite_for_large_scores)
{
    make_numbers();
    biases[0] = 3e4F;
    biases[1] = -3e4F;
    struct span file = make_file("F32", weights, biases, 4);
    struct dense_layer layer;
    struct fault fault;
    float y[OUT];
    cr_assert_eq(load(&layer, file, "fc softmax", &fault), STATUS_OK);
    dense_layer_run(&layer, 1, x[0], y);
    cr_assert_float_eq(y[0], 1.0F, 1e-6F);
    cr_assert_float_eq(y[1], 0.0F, 1e-6F);
    dense_layer_fini(&layer);
    free((void *)(uintptr_t)file.data);
}

Test(dense, converts_half_and_bfloat_weights)
{
    static const struct {
        const char *dtype;
        uint16_t bits;
        float value;
    } cases[] = {
        {"F16", 0x3c00, 1.0F},      {"F16", 0xc100, -2.5F},
        {"F16", 0x7bff, 65504.0F},  {"F16", 0x0001, 0x1p-24F},
        {"F16", 0x8200, -0x1p-15F}, {"F16", 0x7c00, INFINITY},
        {"BF16", 0x3f80, 1.0F},     {"BF16", 0xc020, -2.5F},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        static uint16_t raw[OUT * IN];
        for (size_t i = 0; i < (size_t)OUT * IN; i++) {
            raw[i] = cases[c].bits;
        }
        struct span file = make_file(cases[c].dtype, raw, raw, 2);
        struct dense_layer layer;
        struct fault fault;
        cr_assert_eq(load(&layer, file, "fc", &fault), STATUS_OK);
        cr_assert_eq(memcmp(&layer.weight[IN], &cases[c].value, 4), 0, "case %zu", c);
        cr_assert_eq(memcmp(&layer.bias[1], &cases[c].value, 4), 0);
        dense_layer_fini(&layer);
        free((void *)(uintptr_t)file.data);
    }
}

Test(dense, says_which_part_of_a_layer_is_wrong)
{
    make_numbers();
    struct span file = make_file("F32", weights, biases, 4);
    struct dense_layer layer;
    struct fault fault;
    cr_assert_eq(load(&layer, file, "fd relu", &fault), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(fault.text, "fd.weight"));
    cr_assert_eq(load(&layer, file, "fc swish", &fault), STATUS_INVALID);
    cr_assert_not_null(strstr(fault.text, "swish"));
    cr_assert_eq(load(&layer, file, "", &fault), STATUS_INVALID);
    free((void *)(uintptr_t)file.data);
    file = make_file("I16", weights, biases, 2);
    cr_assert_eq(load(&layer, file, "fc relu", &fault), STATUS_UNSUPPORTED);
    free((void *)(uintptr_t)file.data);
}
