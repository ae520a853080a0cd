/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an error of CUDA's means for us: the device is lost to this process, memory was
 * short, nothing can be computed on this machine as it is, or a call of ours was wrong.
 * One table decides; nobody else compares codes.
 */
#ifndef RUNNER_CUDA_DEVICE_ERROR_H
#define RUNNER_CUDA_DEVICE_ERROR_H

#include "base/status.h"
#include "runner/batch.h"

#include <cuda_runtime_api.h>

enum device_error {
    DEVICE_ERROR_CALL,   /* this call failed; the next may work */
    DEVICE_ERROR_MEMORY, /* less may work, or the same later */
    DEVICE_ERROR_LOST,   /* sticky: every call of this process fails from now on */
    DEVICE_ERROR_SETUP,  /* driver or device do not suit; no retry helps */
};

/** @param[in] error not cudaSuccess */
enum device_error device_error_of(cudaError_t error);

/**
 * The fault of a load: STATUS_NO_MEMORY, STATUS_UNAVAILABLE (lost), STATUS_UNSUPPORTED
 * (set-up) or STATUS_INTERNAL, in words for whoever operates the machine.
 *
 * @param[in] what was tried, as "cuda:0: the weights"
 */
enum status
device_error_fault(struct fault *fault, cudaError_t error, const char *what);

/**
 * The outcome of a batch, with the reason in its slot: SLOT_DEVICE_LOST,
 * SLOT_OUT_OF_MEMORY or SLOT_FAILED. An error that the table does not know as sticky is
 * one all the same if the device goes on failing.
 */
enum slot_outcome
device_error_fail(struct batch *b, cudaError_t error, const char *what);

#endif
