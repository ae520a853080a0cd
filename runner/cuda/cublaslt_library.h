/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcublasLt.so.13, found and opened when the first model needs it: nothing links it,
 * since it is half a gigabyte and comes with CUDA or with pip. Looked for, in this
 * order: the file named by LEAT_CUBLASLT, and then no other (`none`: none at all); the
 * loader's path; /usr/local/cuda*; the Python environment and the Pythons of the user
 * and of the machine.
 */
#ifndef RUNNER_CUDA_CUBLASLT_LIBRARY_H
#define RUNNER_CUDA_CUBLASLT_LIBRARY_H

#include "base/status.h"

#include <cublasLt.h>
#include <stdbool.h>
#include <stddef.h>

/* The functions that we call, under the names of cublasLt.h. */
struct cublaslt_library {
    void *handle;
    size_t (*get_version)(void);
    __typeof__(&cublasLtCreate) create;
    __typeof__(&cublasLtDestroy) destroy;
    __typeof__(&cublasLtGetStatusString) status_string;
    __typeof__(&cublasLtMatmul) matmul;
    __typeof__(&cublasLtMatmulAlgoGetHeuristic) get_heuristic;
    __typeof__(&cublasLtMatmulDescCreate) desc_create;
    __typeof__(&cublasLtMatmulDescDestroy) desc_destroy;
    __typeof__(&cublasLtMatmulDescSetAttribute) desc_set;
    __typeof__(&cublasLtMatmulPreferenceCreate) preference_create;
    __typeof__(&cublasLtMatmulPreferenceDestroy) preference_destroy;
    __typeof__(&cublasLtMatmulPreferenceSetAttribute) preference_set;
    __typeof__(&cublasLtMatrixLayoutCreate) layout_create;
    __typeof__(&cublasLtMatrixLayoutDestroy) layout_destroy;
};

/**
 * The place number `index` of the search, as a pattern for glob(3) or a bare name for
 * the loader's path.
 *
 * @param[out] out "" where that place does not exist here (no such environment
 * variable)
 * @return false beyond the last place
 */
bool cublaslt_library_place(size_t index, char *out, size_t size);

/**
 * @param[out] library released by cublaslt_library_close()
 * @return STATUS_OK; STATUS_NOT_FOUND if there is none, or none is wanted;
 *         STATUS_INVALID if LEAT_CUBLASLT names what cannot be loaded, or what was
 * found lacks a function
 */
MUST_CHECK enum status
cublaslt_library_open(struct cublaslt_library *library, struct fault *fault);
void cublaslt_library_close(struct cublaslt_library *library);

#endif
