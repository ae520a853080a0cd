/* SPDX-License-Identifier: Apache-2.0 */
/* See device.h. */
#include "runner/cuda/device.h"

#include "runner/cuda/device_error.h"

#include <stdio.h>
#include <string.h>

enum { INDEX_MAX = 255, CAPABILITY_LEAST = 8 };

int
device_index(const char *text)
{
    if (strcmp(text, "cuda") == 0) {
        return 0;
    }
    if (strncmp(text, "cuda:", 5) != 0 || text[5] == '\0' || strlen(text) > 8) {
        return -1;
    }
    int index = 0;
    for (const char *at = text + 5; *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            return -1;
        }
        index = index * 10 + (*at - '0');
    }
    return index <= INDEX_MAX ? index : -1;
}

/* The kernels come as machine code for 9.0 and as PTX of 8.0, which newer ones take. */
static enum status
check_capability(const struct device *device, struct fault *fault)
{
    int major = 0;
    cudaError_t error = cudaDeviceGetAttribute(
        &major, cudaDevAttrComputeCapabilityMajor, device->index);
    if (error != cudaSuccess) {
        return device_error_fault(fault, error, device->name);
    }
    return major >= CAPABILITY_LEAST
               ? STATUS_OK
               : fault_set(
                     fault, STATUS_UNSUPPORTED,
                     "%s is an %s of compute capability %d; this build needs %d.0",
                     device->name, device->model, major, CAPABILITY_LEAST);
}

enum status
device_open(struct device *device, int index, struct fault *fault)
{
    struct device d = {.index = index};
    snprintf(d.name, sizeof d.name, "cuda:%d", index);
    int count = 0;
    cudaError_t error = cudaGetDeviceCount(&count);
    if (error != cudaSuccess) {
        return device_error_fault(fault, error, d.name);
    }
    if (index >= count) {
        return fault_set(fault, STATUS_UNSUPPORTED,
                         "%s: the NVIDIA driver sees %d GPU%s, counted from 0", d.name,
                         count, count == 1 ? "" : "s");
    }
    struct cudaDeviceProp properties;
    error = cudaSetDevice(index);
    if (error == cudaSuccess) {
        error = cudaGetDeviceProperties(&properties, index);
    }
    if (error != cudaSuccess) {
        return device_error_fault(fault, error, d.name);
    }
    snprintf(d.model, sizeof d.model, "%.*s", (int)sizeof d.model - 1, properties.name);
    enum status status = check_capability(&d, fault);
    if (status == STATUS_OK) {
        *device = d;
    }
    return status;
}

size_t
device_free_bytes(void)
{
    size_t free_bytes = 0;
    size_t all = 0;
    return cudaMemGetInfo(&free_bytes, &all) == cudaSuccess ? free_bytes : 0;
}
