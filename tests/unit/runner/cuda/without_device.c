/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of dense on CUDA needs no device: which devices it serves, which bucket a batch
 * runs in, what an error means, where cuBLASLt is looked for, and what a load says on a
 * machine without driver. The kernels are checked in tests/gpu.
 */
#include "runner/backend.h"
#include "runner/cuda/buckets.h"
#include "runner/cuda/cublaslt.h"
#include "runner/cuda/cublaslt_library.h"
#include "runner/cuda/device.h"
#include "runner/cuda/device_error.h"
#include "runner/cuda/network.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

Test(cuda, takes_cuda_for_the_first_device_and_a_number_for_others)
{
    static const struct {
        const char *text;
        int index;
    } names[] = {
        {"cuda", 0},      {"cuda:0", 0},      {"cuda:7", 7},   {"cuda:255", 255},
        {"cuda:256", -1}, {"cuda:", -1},      {"cuda:-1", -1}, {"cuda:1x", -1},
        {"cuda1", -1},    {"cuda: 1", -1},    {"cpu", -1},     {"", -1},
        {"CUDA", -1},     {"cuda:00001", -1},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        cr_assert_eq(device_index(names[i].text), names[i].index, "%s", names[i].text);
    }
}

Test(cuda, pads_by_at_most_a_third_where_the_model_names_no_buckets)
{
    struct model model = {.max_batch_size = SLOT_ROWS_MAX};
    struct buckets b;
    buckets_init(&b, &model);
    cr_assert_leq(b.count, BUCKETS_MAX);
    cr_assert_eq(b.rows[b.count - 1], SLOT_ROWS_MAX);
    for (uint32_t rows = 1; rows <= SLOT_ROWS_MAX; rows++) {
        uint32_t at = buckets_find(&b, rows);
        cr_assert(b.rows[at] >= rows);
        cr_assert(at == 0 || b.rows[at - 1] < rows, "the smallest one");
        cr_assert(rows < 8 || (b.rows[at] - rows) * 3 <= b.rows[at], "%u in %u", rows,
                  b.rows[at]);
    }
}

Test(cuda, keeps_graphs_for_the_buckets_of_the_model_and_its_largest_batch)
{
    struct model model = {
        .max_batch_size = 20, .bucket_count = 3, .buckets = {1, 5, 16}};
    struct buckets b;
    buckets_init(&b, &model);
    cr_assert_eq(b.count, 4);
    cr_assert_eq(b.rows[buckets_find(&b, 1)], 1);
    cr_assert_eq(b.rows[buckets_find(&b, 2)], 5);
    cr_assert_eq(b.rows[buckets_find(&b, 17)], 20);
    model.buckets[2] = 20;
    buckets_init(&b, &model);
    cr_assert_eq(b.count, 3, "not twice");
}

Test(cuda, has_one_graph_where_the_model_does_not_batch)
{
    struct model model = {.max_batch_size = 0};
    struct buckets b;
    buckets_init(&b, &model);
    cr_assert_eq(b.count, 1);
    cr_assert_eq(buckets_find(&b, 1), 0);
}

Test(cuda, takes_every_error_that_stays_for_a_lost_device)
{
    static const cudaError_t lost[] = {
        cudaErrorIllegalAddress,
        cudaErrorLaunchTimeout,
        cudaErrorAssert,
        cudaErrorHardwareStackError,
        cudaErrorIllegalInstruction,
        cudaErrorMisalignedAddress,
        cudaErrorInvalidPc,
        cudaErrorLaunchFailure,
        cudaErrorECCUncorrectable,
        cudaErrorNvlinkUncorrectable,
        cudaErrorContained,
        cudaErrorUnknown,
    };
    for (size_t i = 0; i < sizeof lost / sizeof lost[0]; i++) {
        cr_assert_eq(device_error_of(lost[i]), DEVICE_ERROR_LOST, "%d", (int)lost[i]);
    }
    cr_assert_eq(device_error_of(cudaErrorMemoryAllocation), DEVICE_ERROR_MEMORY);
    cr_assert_eq(device_error_of(cudaErrorInsufficientDriver), DEVICE_ERROR_SETUP);
    cr_assert_eq(device_error_of(cudaErrorNoDevice), DEVICE_ERROR_SETUP);
    cr_assert_eq(device_error_of(cudaErrorInvalidValue), DEVICE_ERROR_CALL);
    cr_assert_eq(device_error_of(cudaErrorGraphExecUpdateFailure), DEVICE_ERROR_CALL);
}

Test(cuda, ends_a_batch_by_what_its_error_means)
{
    struct slot_head *slot = calloc(1, sizeof *slot);
    struct batch b = {.slot = slot};
    cr_assert_eq(device_error_fail(&b, cudaErrorIllegalAddress, "cuda:0"),
                 SLOT_DEVICE_LOST);
    cr_assert(strstr(slot->error, "cuda:0: ") == slot->error);
    cr_assert(strstr(slot->error, "cudaErrorIllegalAddress") != NULL);
    free(slot);
}

Test(cuda, reports_a_fault_by_what_its_error_means)
{
    struct fault fault;
    cr_assert_eq(device_error_fault(&fault, cudaErrorMemoryAllocation, "x"),
                 STATUS_NO_MEMORY);
    cr_assert_eq(device_error_fault(&fault, cudaErrorLaunchFailure, "x"),
                 STATUS_UNAVAILABLE);
    cr_assert_eq(device_error_fault(&fault, cudaErrorInvalidValue, "x"),
                 STATUS_INTERNAL);
    cr_assert_eq(device_error_fault(&fault, cudaErrorInsufficientDriver, "cuda:0"),
                 STATUS_UNSUPPORTED);
    cr_assert(strstr(fault.text, "no usable NVIDIA driver") != NULL, "%s", fault.text);
}

Test(cuda, looks_for_cublaslt_in_the_loaders_path_first_and_in_pythons_last)
{
    char place[4096];
    setenv("VIRTUAL_ENV", "/opt/env", 1);
    unsetenv("HOME");
    cr_assert(cublaslt_library_place(0, place, sizeof place));
    cr_assert_str_eq(place, "libcublasLt.so.13");
    cr_assert(cublaslt_library_place(1, place, sizeof place));
    cr_assert_str_eq(place, "/usr/local/cuda/lib64/libcublasLt.so.13");
    cr_assert(cublaslt_library_place(3, place, sizeof place));
    cr_assert_str_eq(place, "/opt/env/lib/python3*/site-packages/nvidia/cu13/lib/"
                            "libcublasLt.so.13");
    cr_assert(cublaslt_library_place(4, place, sizeof place));
    cr_assert_str_eq(place, "", "without HOME there is no such place");
    cr_assert_not(cublaslt_library_place(100, place, sizeof place));
}

Test(cuda, refuses_a_cublaslt_that_is_named_but_cannot_be_loaded)
{
    struct cublaslt_library library;
    struct fault fault;
    setenv("LEAT_CUBLASLT", "/nowhere/libcublasLt.so.13", 1);
    cr_assert_eq(cublaslt_library_open(&library, &fault), STATUS_INVALID);
    cr_assert(strstr(fault.text, "/nowhere/libcublasLt.so.13") != NULL, "%s",
              fault.text);
    setenv("LEAT_CUBLASLT", "none", 1);
    cr_assert_eq(cublaslt_library_open(&library, &fault), STATUS_NOT_FOUND);
}

Test(cuda, fuses_gelu_only_where_the_result_is_rounded_anyway)
{
    struct kernel_product p = {.activation = ACTIVATION_GELU, .to = ELEMENT_FP16};
    cr_assert(cublaslt_fuses(&p));
    p.to = ELEMENT_FP32;
    cr_assert_not(cublaslt_fuses(&p));
    p.activation = ACTIVATION_RELU;
    cr_assert(cublaslt_fuses(&p));
    p.activation = ACTIVATION_TANH;
    cr_assert_not(cublaslt_fuses(&p));
}

Test(cuda, reads_the_four_precisions_and_no_other)
{
    static const char *const names[] = {"fp32", "tf32", "fp16", "bf16"};
    enum precision precision = PRECISION_FP32;
    struct fault fault;
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(precision_parse(names[i], &precision, &fault), STATUS_OK);
        cr_assert_str_eq(precision_name(precision), names[i]);
    }
    cr_assert_eq(precision_parse("fp8", &precision, &fault), STATUS_INVALID);
    cr_assert_eq(precision_parse("", &precision, &fault), STATUS_INVALID);
}

Test(cuda, says_what_is_missing_where_a_device_cannot_be_opened)
{
    struct device device;
    struct fault fault = {.text = ""};
    enum status status = device_open(&device, 255, &fault);
    cr_assert_eq(status, STATUS_UNSUPPORTED, "%s", fault.text);
    cr_assert(strstr(fault.text, "NVIDIA driver") != NULL, "%s", fault.text);
}
