/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a load has taken of a CUDA device, for backends that cannot tell themselves: how
 * much less is free on it than before. An estimate, as others may use the device in the
 * meantime. It asks the driver, which is there wherever a GPU can be used, so a build
 * needs nothing of CUDA. The instances of a process share one count: all they took
 * together is told once, whatever the order in which they load.
 */
#ifndef RUNNER_DEVICE_MEMORY_H
#define RUNNER_DEVICE_MEMORY_H

#include <stdint.h>

/**
 * Notes what is free before anything is taken; the first call of the process does.
 * Nothing is noted of a device that is no CUDA device, or without a driver.
 *
 * @param[in] device "cuda", "cuda:1", "cpu", ...
 * @thread any; @blocks while the driver starts, up to seconds
 */
void device_memory_begin(const char *device);

/** Bytes taken since then that no call before has told; 0 if nothing was noted.
 * @thread any */
uint64_t device_memory_claim(void);

#endif
