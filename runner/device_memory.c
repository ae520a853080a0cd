/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's primary context is the one that CUDA's runtime uses, too. It is made
 * before the first look, so what CUDA takes for itself counts for nobody, and kept for
 * the life of the process, as to make it anew would take longer than all else here.
 */
#include "runner/device_memory.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* As in CUDA's cuda.h; 0 is success. */
struct driver {
    int (*init)(unsigned flags);
    int (*device)(int *out, int ordinal);
    int (*retain)(void **context, int device);
    int (*push)(void *context);
    int (*pop)(void **context);
    int (*free_bytes)(size_t *free_bytes, size_t *all);
};

static struct {
    pthread_mutex_t lock; /* of all below */
    struct driver driver;
    void *context; /* NULL = nothing is noted */
    size_t before; /* bytes free then */
    uint64_t told;
} device_memory = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* POSIX has a symbol's address fit a pointer to a function. */
static bool
find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static bool
driver_open(struct driver *d)
{
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    return library != NULL && find(library, "cuInit", &d->init) &&
           find(library, "cuDeviceGet", &d->device) &&
           find(library, "cuDevicePrimaryCtxRetain", &d->retain) &&
           find(library, "cuCtxPushCurrent_v2", &d->push) &&
           find(library, "cuCtxPopCurrent_v2", &d->pop) &&
           find(library, "cuMemGetInfo_v2", &d->free_bytes);
}

static bool
look(size_t *free_bytes)
{
    const struct driver *d = &device_memory.driver;
    size_t all = 0;
    void *popped = NULL;
    if (d->push(device_memory.context) != 0) {
        return false;
    }
    bool known = d->free_bytes(free_bytes, &all) == 0;
    return d->pop(&popped) == 0 && known;
}

static void
note(int ordinal)
{
    const struct driver *d = &device_memory.driver;
    int device = 0;
    if (driver_open(&device_memory.driver) && d->init(0) == 0 &&
        d->device(&device, ordinal) == 0 &&
        d->retain(&device_memory.context, device) == 0 &&
        !look(&device_memory.before)) {
        device_memory.context = NULL;
    }
}

void
device_memory_begin(const char *device)
{
    if (strncmp(device, "cuda", 4) != 0) {
        return;
    }
    pthread_mutex_lock(&device_memory.lock);
    if (device_memory.context == NULL) {
        note(device[4] == ':' ? (int)strtol(device + 5, NULL, 10) : 0);
    }
    pthread_mutex_unlock(&device_memory.lock);
}

uint64_t
device_memory_claim(void)
{
    size_t left = 0;
    uint64_t claimed = 0;
    pthread_mutex_lock(&device_memory.lock);
    if (device_memory.context != NULL && look(&left) && left < device_memory.before) {
        uint64_t taken = device_memory.before - left;
        claimed = taken > device_memory.told ? taken - device_memory.told : 0;
        device_memory.told += claimed;
    }
    pthread_mutex_unlock(&device_memory.lock);
    return claimed;
}
