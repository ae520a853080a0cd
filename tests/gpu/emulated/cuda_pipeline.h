/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies that are asynchronous on a device: they arrive as late as they may, when they
 * are waited for, so that a kernel that reads before that is found out.
 */
#ifndef TESTS_GPU_CUDA_PIPELINE_H
#define TESTS_GPU_CUDA_PIPELINE_H

#include <cstddef>

/** As those of CUDA's header of this name. */
void __pipeline_memcpy_async(void *to, const void *from, size_t size, size_t zeros = 0);
void __pipeline_commit();
void __pipeline_wait_prior(size_t groups);

#endif
