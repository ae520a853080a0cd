/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ONNX Runtime's shared library, looked for when a model first asks for it: nothing
 * links it, so Leat starts without. Its interface is a table that only grows; we ask
 * for the lowest version that has what we use (1.17). Once loaded it stays.
 */
#ifndef RUNNER_ORT_LIBRARY_H
#define RUNNER_ORT_LIBRARY_H

#include "base/status.h"

#include <stdbool.h>

struct OrtApi;
struct OrtStatus;

/**
 * Loads libonnxruntime.so.1: from $LEAT_ONNXRUNTIME (the file or its folder; then from
 * nowhere else), the loader's path, Leat's cache (scripts/get-onnxruntime), or pip's
 * package. All of the process use the one found first.
 *
 * @param[in]  gpu prefers the cached library that has the providers for GPUs
 * @param[out] out set only on STATUS_OK; valid as long as the process
 * @return STATUS_OK; STATUS_UNSUPPORTED, saying where it was looked for
 * @thread any
 */
MUST_CHECK enum status
ort_library_open(bool gpu, const struct OrtApi **out, struct fault *fault);

/**
 * Tells an error of ONNX Runtime in its own words and frees it.
 *
 * @param[in] said NULL: no error
 * @param[in] what in front of the words, such as "model.onnx"
 * @return STATUS_OK without an error, else STATUS_INVALID
 */
MUST_CHECK enum status ort_check(const struct OrtApi *api,
                                 struct OrtStatus *said,
                                 const char *what,
                                 struct fault *fault);

#endif
