/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See ort_outcome.h. The numbers are cudaError_t's, whose documentation says of which
 * the process has to end ("the process must be terminated and relaunched"); cuBLAS and
 * cuDNN report an execution failure after such an error only.
 */
#include "runner/ort_outcome.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const char *const out_of_memory[] = {
    "Failed to allocate memory",       /* the arena, when its allocator has no more */
    "is smaller than requested bytes", /* the arena, over gpu_mem_limit */
    "out of memory",                   /* cudaErrorMemoryAllocation */
    "MemoryAllocation",                /* the same by its name */
    "CUBLAS_STATUS_ALLOC_FAILED",      /* its workspace */
    "CUDNN_STATUS_ALLOC_FAILED",       /* likewise */
    "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "bad_alloc", /* of the CPU */
};

static const char *const device_lost[] = {
    "CUDA failure 46:",  /* devices unavailable */
    "CUDA failure 100:", /* no device */
    "CUDA failure 214:", /* memory error that ECC could not correct */
    "CUDA failure 220:", /* NVLink */
    "CUDA failure 226:", /* contained */
    "CUDA failure 700:", /* illegal address */
    "CUDA failure 702:", /* launch timeout */
    "CUDA failure 710:", /* assert on the device */
    "CUDA failure 714:", /* hardware stack */
    "CUDA failure 715:", /* illegal instruction */
    "CUDA failure 716:", /* misaligned address */
    "CUDA failure 717:", /* invalid address space */
    "CUDA failure 718:", /* invalid program counter */
    "CUDA failure 719:", /* launch failure */
    "CUDA failure 721:", /* tensor memory leak */
    "CUDA failure 999:", /* unknown */
    "illegal memory access",
    "unspecified launch failure",
    "device-side assert",
    "uncorrectable ECC error",
    "misaligned address",
    "CUBLAS_STATUS_EXECUTION_FAILED",
    "CUDNN_STATUS_EXECUTION_FAILED",
};

static bool
says_one_of(const char *message, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasestr(message, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

enum slot_outcome
ort_outcome(const char *message)
{
    if (says_one_of(message, device_lost, sizeof device_lost / sizeof device_lost[0])) {
        return SLOT_DEVICE_LOST;
    }
    return says_one_of(message, out_of_memory,
                       sizeof out_of_memory / sizeof out_of_memory[0])
               ? SLOT_OUT_OF_MEMORY
               : SLOT_FAILED;
}

const char *
ort_outcome_words(const char *message)
{
    static const char tag[] = "[ONNXRuntimeError] : "; /* then "1 : FAIL : words" */
    const char *code = strstr(message, tag);
    const char *name = code == NULL ? NULL : strstr(code + sizeof tag - 1, " : ");
    const char *words = name == NULL ? NULL : strstr(name + 3, " : ");
    return words == NULL ? message : words + 3;
}

size_t
ort_outcome_told(const char *message)
{
    const char *end = strstr(message, " ; GPU=");
    return end != NULL ? (size_t)(end - message) : strlen(message);
}
