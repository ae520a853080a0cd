/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See device_error.h. Which errors are sticky is told in CUDA's driver_types.h ("leaves
 * the process in an inconsistent state ... must be terminated and relaunched"); to
 * these come a device that hardware or a supervisor took away.
 */
#include "runner/cuda/device_error.h"

static const struct {
    cudaError_t error;
    enum device_error kind;
} kinds[] = {
    {cudaErrorMemoryAllocation, DEVICE_ERROR_MEMORY},
    {cudaErrorLaunchPendingCountExceeded, DEVICE_ERROR_MEMORY},

    {cudaErrorIllegalAddress, DEVICE_ERROR_LOST},
    {cudaErrorLaunchTimeout, DEVICE_ERROR_LOST},
    {cudaErrorContextIsDestroyed, DEVICE_ERROR_LOST},
    {cudaErrorAssert, DEVICE_ERROR_LOST},
    {cudaErrorHardwareStackError, DEVICE_ERROR_LOST},
    {cudaErrorIllegalInstruction, DEVICE_ERROR_LOST},
    {cudaErrorMisalignedAddress, DEVICE_ERROR_LOST},
    {cudaErrorInvalidAddressSpace, DEVICE_ERROR_LOST},
    {cudaErrorInvalidPc, DEVICE_ERROR_LOST},
    {cudaErrorLaunchFailure, DEVICE_ERROR_LOST},
    {cudaErrorTensorMemoryLeak, DEVICE_ERROR_LOST},
    {cudaErrorECCUncorrectable, DEVICE_ERROR_LOST},
    {cudaErrorNvlinkUncorrectable, DEVICE_ERROR_LOST},
    {cudaErrorContained, DEVICE_ERROR_LOST},
    {cudaErrorExternalDevice, DEVICE_ERROR_LOST},
    {cudaErrorMpsClientTerminated, DEVICE_ERROR_LOST},
    {cudaErrorMpsRpcFailure, DEVICE_ERROR_LOST},
    {cudaErrorCudartUnloading, DEVICE_ERROR_LOST},
    {cudaErrorUnknown, DEVICE_ERROR_LOST},

    {cudaErrorInsufficientDriver, DEVICE_ERROR_SETUP},
    {cudaErrorCallRequiresNewerDriver, DEVICE_ERROR_SETUP},
    {cudaErrorStubLibrary, DEVICE_ERROR_SETUP},
    {cudaErrorInitializationError, DEVICE_ERROR_SETUP},
    {cudaErrorNoDevice, DEVICE_ERROR_SETUP},
    {cudaErrorInvalidDevice, DEVICE_ERROR_SETUP},
    {cudaErrorDevicesUnavailable, DEVICE_ERROR_SETUP},
    {cudaErrorIncompatibleDriverContext, DEVICE_ERROR_SETUP},
    {cudaErrorInvalidDeviceFunction, DEVICE_ERROR_SETUP},
    {cudaErrorInvalidKernelImage, DEVICE_ERROR_SETUP},
    {cudaErrorNoKernelImageForDevice, DEVICE_ERROR_SETUP},
    {cudaErrorInvalidPtx, DEVICE_ERROR_SETUP},
    {cudaErrorUnsupportedPtxVersion, DEVICE_ERROR_SETUP},
    {cudaErrorJitCompilerNotFound, DEVICE_ERROR_SETUP},
    {cudaErrorJitCompilationDisabled, DEVICE_ERROR_SETUP},
    {cudaErrorOperatingSystem, DEVICE_ERROR_SETUP},
    {cudaErrorNotPermitted, DEVICE_ERROR_SETUP},
    {cudaErrorNotSupported, DEVICE_ERROR_SETUP},
    {cudaErrorSystemNotReady, DEVICE_ERROR_SETUP},
    {cudaErrorSystemDriverMismatch, DEVICE_ERROR_SETUP},
    {cudaErrorCompatNotSupportedOnDevice, DEVICE_ERROR_SETUP},
    {cudaErrorMpsConnectionFailed, DEVICE_ERROR_SETUP},
    {cudaErrorMpsServerNotReady, DEVICE_ERROR_SETUP},
};

enum device_error
device_error_of(cudaError_t error)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].error == error) {
            return kinds[i].kind;
        }
    }
    return DEVICE_ERROR_CALL;
}

/* Where CUDA's own words do not say what to do. */
static const char *
explain(cudaError_t error)
{
    switch (error) {
    case cudaErrorInsufficientDriver: /* also where there is none at all */
        return "no usable NVIDIA driver on this machine (needs 580 or newer, for CUDA "
               "13.0)";
    case cudaErrorNoDevice:
        return "the NVIDIA driver sees no GPU (CUDA_VISIBLE_DEVICES may hide it)";
    case cudaErrorMemoryAllocation:
        return "not enough memory on the device";
    default:
        return cudaGetErrorString(error);
    }
}

enum status
device_error_fault(struct fault *fault, cudaError_t error, const char *what)
{
    static const enum status statuses[] = {
        [DEVICE_ERROR_CALL] = STATUS_INTERNAL,
        [DEVICE_ERROR_MEMORY] = STATUS_NO_MEMORY,
        [DEVICE_ERROR_LOST] = STATUS_UNAVAILABLE,
        [DEVICE_ERROR_SETUP] = STATUS_UNSUPPORTED,
    };
    (void)cudaGetLastError(); /* kept per thread, and told by the next launch */
    return fault_set(fault, statuses[device_error_of(error)], "%s: %s (%s)", what,
                     explain(error), cudaGetErrorName(error));
}

/* Clears what can be cleared and looks whether the device still answers. */
static bool
goes_on_failing(void)
{
    (void)cudaGetLastError();
    return cudaDeviceSynchronize() != cudaSuccess;
}

enum slot_outcome
device_error_fail(struct batch *b, cudaError_t error, const char *what)
{
    enum device_error kind = device_error_of(error);
    (void)batch_fail(b, "%s: %s (%s)", what, explain(error), cudaGetErrorName(error));
    if (kind == DEVICE_ERROR_LOST || goes_on_failing()) {
        return SLOT_DEVICE_LOST;
    }
    return kind == DEVICE_ERROR_MEMORY ? SLOT_OUT_OF_MEMORY : SLOT_FAILED;
}
