/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys `onnxruntime.…` of model.properties as ONNX Runtime's session options: which
 * provider computes, with what settings, on how many threads. One thread by default and
 * no spinning, since a machine's other batchers want the rest.
 */
#ifndef RUNNER_ORT_OPTIONS_H
#define RUNNER_ORT_OPTIONS_H

#include "base/status.h"
#include "runner/properties.h"

#include <stdbool.h>

struct OrtApi;
struct OrtSessionOptions;

enum ort_provider { ORT_PROVIDER_CPU, ORT_PROVIDER_CUDA, ORT_PROVIDER_TENSORRT };

struct ort_place {
    enum ort_provider provider;
    char device_id[12]; /* of a GPU, "0" */
};

/**
 * Where the model runs: `onnxruntime.provider`, else as the device says. Also refuses
 * unknown keys `onnxruntime.…`.
 *
 * @param[in] device "cpu", "cpu:N", "cuda" or "cuda:N"
 * @return STATUS_OK; STATUS_INVALID
 */
MUST_CHECK enum status ort_place_choose(struct ort_place *out,
                                        const struct properties *properties,
                                        const char *device,
                                        struct fault *fault);

/**
 * The options of a session; an environment has to exist already.
 *
 * @param[out] out set also on failure, maybe NULL
 * @return STATUS_OK; STATUS_INVALID, often in ONNX Runtime's words
 * @owner the caller, by ReleaseSessionOptions()
 */
MUST_CHECK enum status ort_options_make(struct OrtSessionOptions **out,
                                        const struct OrtApi *api,
                                        const struct ort_place *place,
                                        const struct properties *properties,
                                        struct fault *fault);

#endif
