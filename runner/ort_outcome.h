/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an error of ONNX Runtime means for the batch. Its codes do not tell a device
 * that is full from one that is lost from a model that fails, only its words do: those
 * of its own allocator and of CUDA, cuBLAS, cuDNN and TensorRT as it passes them on.
 */
#ifndef RUNNER_ORT_OUTCOME_H
#define RUNNER_ORT_OUTCOME_H

#include "runner/protocol.h"

#include <stddef.h>

/**
 * @param[in] message the whole of it
 * @return SLOT_OUT_OF_MEMORY; SLOT_DEVICE_LOST, after which CUDA's context answers
 *         every call with an error until the process ends; else SLOT_FAILED
 */
enum slot_outcome ort_outcome(const char *message);

/** The message from its own words on, behind the function, code and name in front. */
const char *ort_outcome_words(const char *message);

/** Bytes of the message that a caller may read: CUDA's goes on with names of the host.
 */
size_t ort_outcome_told(const char *message);

#endif
