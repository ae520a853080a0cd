/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gpu_check [--time|--kernels]: checks what runs on a CUDA device, with --time also how
 * fast, with --kernels the kernels alone (compute-sanitizer is slow). Prints the
 * report; exits 0 if all holds, 1 if not, 77 without a usable device.
 */
#include "check.h"

#include <cuda_runtime_api.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_NO_DEVICE = 77 };

static unsigned checked;
static unsigned failed;

bool
check(bool ok, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("%s", ok ? "ok      " : "FAILED  ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
    fflush(stdout);
    checked++;
    failed += ok ? 0 : 1;
    return ok;
}

void
tell(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    printf("\n");
    va_end(args);
    fflush(stdout);
}

unsigned
check_failures(void)
{
    return failed;
}

static bool
tell_device(void)
{
    struct cudaDeviceProp properties;
    int count = 0;
    int driver = 0;
    cudaError_t error = cudaGetDeviceCount(&count);
    if (error == cudaSuccess) {
        error = cudaGetDeviceProperties(&properties, 0);
    }
    if (error != cudaSuccess) {
        tell("no usable CUDA device: %s", cudaGetErrorString(error));
        return false;
    }
    (void)cudaDriverGetVersion(&driver);
    tell(
        "device: %s, compute capability %d.%d, %d multiprocessors, %zu MiB, L2 %d MiB, "
        "driver for CUDA %d.%d",
        properties.name, properties.major, properties.minor,
        properties.multiProcessorCount, properties.totalGlobalMem >> 20,
        properties.l2CacheSize >> 20, driver / 1000, driver % 1000 / 10);
    return true;
}

int
main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--runner") == 0) {
        return faults_runner(atoi(argv[2]), atoi(argv[3]));
    }
    bool timed = argc == 2 && strcmp(argv[1], "--time") == 0;
    bool kernels_only = argc == 2 && strcmp(argv[1], "--kernels") == 0;
    if (argc > 1 && !timed && !kernels_only) {
        fprintf(stderr, "usage: gpu_check [--time|--kernels]\n");
        return 2;
    }
    if (!tell_device()) {
        return EXIT_NO_DEVICE;
    }
    check_kernels();
    if (!kernels_only) {
        check_networks();
        check_faults();
    }
    if (timed) {
        time_kernels();
        time_batches();
    }
    tell("%u checks, %u failed", checked, failed);
    return failed == 0 ? 0 : 1;
}
