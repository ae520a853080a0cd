/* SPDX-License-Identifier: Apache-2.0 */
/* Words of ONNX Runtime's providers, as its issues quote them, and what they mean. */
#include "runner/ort_outcome.h"

#include <criterion/criterion.h>

#include <string.h>

Test(ort_outcome, tells_a_full_device_from_a_lost_one_from_a_model_that_fails)
{
    static const struct {
        const char *said;
        enum slot_outcome means;
    } cases[] = {
        {"Non-zero status code returned while running FusedMatMul node. Status "
         "Message: "
         "bfc_arena.cc:331 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, "
         "bool) "
         "Failed to allocate memory for requested buffer of size 8388608000",
         SLOT_OUT_OF_MEMORY},
        {"BFCArena::AllocateRawInternal Available memory of 0 is smaller than "
         "requested "
         "bytes of 64",
         SLOT_OUT_OF_MEMORY},
        {"CUDA failure 2: out of memory ; GPU=0 ; expr=cudaMalloc((void**)&p, size);",
         SLOT_OUT_OF_MEMORY},
        {"CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0", SLOT_OUT_OF_MEMORY},
        {"std::bad_alloc", SLOT_OUT_OF_MEMORY},
        {"CUDA failure 700: an illegal memory access was encountered ; GPU=0",
         SLOT_DEVICE_LOST},
        {"CUDA failure 719: unspecified launch failure ; GPU=0", SLOT_DEVICE_LOST},
        {"CUDA error cudaErrorIllegalAddress:an illegal memory access was encountered",
         SLOT_DEVICE_LOST},
        {"CUDNN failure 8: CUDNN_STATUS_EXECUTION_FAILED ; GPU=0", SLOT_DEVICE_LOST},
        {"CUDA failure 1: invalid argument ; GPU=0", SLOT_FAILED},
        {"indices element out of data bounds, idx=7 must be within the inclusive range",
         SLOT_FAILED},
        {"", SLOT_FAILED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert_eq(ort_outcome(cases[i].said), cases[i].means, "%s", cases[i].said);
    }
}

Test(ort_outcome, keeps_the_host_s_name_from_callers)
{
    cr_assert_eq(ort_outcome_told("CUDA failure 2: out of memory ; GPU=0 ; hostname=x"),
                 strlen("CUDA failure 2: out of memory"));
    cr_assert_eq(ort_outcome_told("short"), 5);
}

Test(ort_outcome, finds_the_words_behind_function_code_and_name)
{
    cr_assert_str_eq(
        ort_outcome_words("bridge.cc:2043 Provider& Get() [ONNXRuntimeError] "
                          ": 1 : FAIL : Failed to load library x.so"),
        "Failed to load library x.so");
    cr_assert_str_eq(ort_outcome_words("no such : thing"), "no such : thing");
    cr_assert_str_eq(ort_outcome_words("[ONNXRuntimeError] : 1"),
                     "[ONNXRuntimeError] : 1");
}
