/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands for the CUDA driver, with its soname, so that who opens that is given this one
 * once it is loaded: two devices, the second with memory that a test takes and gives.
 */
#include <stddef.h>

int cuInit(unsigned flags);
int cuDeviceGet(int *out, int ordinal);
int cuDevicePrimaryCtxRetain(void **context, int device);
int cuCtxPushCurrent_v2(void *context);
int cuCtxPopCurrent_v2(void **context);
int cuMemGetInfo_v2(size_t *free_bytes, size_t *all);

extern size_t driver_free_bytes;
size_t driver_free_bytes = (size_t)8 << 30;

static int contexts[2];
static int *current;

int
cuInit(unsigned flags)
{
    return flags == 0 ? 0 : 1;
}

int
cuDeviceGet(int *out, int ordinal)
{
    *out = ordinal;
    return ordinal >= 0 && ordinal < 2 ? 0 : 101;
}

int
cuDevicePrimaryCtxRetain(void **context, int device)
{
    *context = &contexts[device];
    return 0;
}

int
cuCtxPushCurrent_v2(void *context)
{
    current = context;
    return 0;
}

int
cuCtxPopCurrent_v2(void **context)
{
    *context = current;
    current = NULL;
    return 0;
}

int
cuMemGetInfo_v2(size_t *free_bytes, size_t *all)
{
    *all = (size_t)8 << 30;
    *free_bytes = driver_free_bytes;
    return current == &contexts[1] ? 0 : 201;
}
