/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of CUDA's runtime as Leat calls, on the CPU: one device with little memory,
 * whose streams run everything at once but what they capture. Each block of memory ends
 * at a page that may not be touched. A lost device stays lost.
 */
#include "emulate.h"

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <sys/mman.h>
#include <vector>

struct CUstream_st {
    bool capturing = false;
    std::vector<std::function<void()>> captured;
};
struct CUgraph_st {
    std::vector<std::function<void()>> work;
};
struct CUgraphExec_st {
    std::vector<std::function<void()>> work;
};
struct CUevent_st {
    std::chrono::steady_clock::time_point at;
    unsigned asked = 0;
};

namespace
{

constexpr size_t PAGE = 4096;
constexpr size_t MEMORY = (size_t)96 << 20;

std::mutex lock;
std::map<void *, std::pair<void *, size_t>> blocks; /* → mapping, its size */
size_t taken = 0;
std::atomic<int> lost{cudaSuccess};
thread_local cudaError_t last = cudaSuccess; /* told once, by cudaGetLastError() */

cudaError_t
state()
{
    return (cudaError_t)lost.load();
}

size_t
mapping_bytes(size_t size)
{
    return (size + PAGE - 1) / PAGE * PAGE + PAGE;
}

} // namespace

void
emulate_enqueue(cudaStream_t stream, std::function<void()> work)
{
    if (stream != nullptr && stream->capturing) {
        stream->captured.push_back(std::move(work));
    } else if (state() == cudaSuccess) {
        work();
    }
}

extern "C" {

/* What tests/gpu/lose_device.cu does to a real one. */
void
lose_device(void)
{
    lost = cudaErrorIllegalAddress;
}

cudaError_t
cudaMalloc(void **out, size_t size)
{
    std::lock_guard<std::mutex> guard(lock);
    if (state() != cudaSuccess) {
        return state();
    }
    if (taken + size > MEMORY) {
        last = cudaErrorMemoryAllocation;
        return last;
    }
    size_t all = mapping_bytes(size);
    char *map = (char *)mmap(nullptr, all, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) {
        return cudaErrorMemoryAllocation;
    }
    mprotect(map + all - PAGE, PAGE, PROT_NONE);
    *out = map + all - PAGE - (size + 15) / 16 * 16;
    memset(*out, 0xff, size); /* NaN, as memory of a device may be */
    blocks[*out] = {map, size};
    taken += size;
    return cudaSuccess;
}

cudaError_t
cudaFree(void *at)
{
    std::lock_guard<std::mutex> guard(lock);
    auto found = blocks.find(at);
    if (found != blocks.end()) {
        taken -= found->second.second;
        munmap(found->second.first, mapping_bytes(found->second.second));
        blocks.erase(found);
    } else if (at != nullptr) {
        return cudaErrorInvalidValue;
    }
    return state();
}

cudaError_t
cudaMemGetInfo(size_t *free_bytes, size_t *all)
{
    std::lock_guard<std::mutex> guard(lock);
    *free_bytes = MEMORY - taken;
    *all = MEMORY;
    return state();
}

cudaError_t
cudaMemset(void *at, int value, size_t size)
{
    memset(at, value, size);
    return state();
}

cudaError_t
cudaMemcpy(void *to, const void *from, size_t size, cudaMemcpyKind)
{
    memcpy(to, from, size);
    return state();
}

cudaError_t
cudaMemcpyAsync(
    void *to, const void *from, size_t size, cudaMemcpyKind, cudaStream_t stream)
{
    emulate_enqueue(stream, [=] { memcpy(to, from, size); });
    return state();
}

cudaError_t
cudaHostRegister(void *, size_t, unsigned)
{
    return state();
}

cudaError_t
cudaHostUnregister(void *)
{
    return state();
}

cudaError_t
cudaGetDeviceCount(int *count)
{
    *count = 1;
    return state();
}

cudaError_t
cudaSetDevice(int index)
{
    return index == 0 ? state() : cudaErrorInvalidDevice;
}

cudaError_t
cudaGetDeviceProperties(cudaDeviceProp *properties, int)
{
    memset(properties, 0, sizeof *properties);
    strcpy(properties->name, "emulated on the CPU");
    properties->multiProcessorCount = 1;
    return state();
}

cudaError_t
cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int)
{
    *value = attribute == cudaDevAttrComputeCapabilityMajor ? 9 : 0;
    return state();
}

cudaError_t
cudaDriverGetVersion(int *version)
{
    *version = 13000;
    return cudaSuccess;
}

cudaError_t
cudaDeviceSynchronize(void)
{
    return state();
}

cudaError_t
cudaGetLastError(void)
{
    cudaError_t error = state() != cudaSuccess ? state() : last;
    last = cudaSuccess;
    return error;
}

const char *
cudaGetErrorName(cudaError_t error)
{
    return error == cudaErrorIllegalAddress     ? "cudaErrorIllegalAddress"
           : error == cudaErrorMemoryAllocation ? "cudaErrorMemoryAllocation"
                                                : "another error";
}

const char *
cudaGetErrorString(cudaError_t error)
{
    return cudaGetErrorName(error);
}

cudaError_t
cudaStreamCreateWithFlags(cudaStream_t *out, unsigned)
{
    *out = new CUstream_st;
    return state();
}

cudaError_t
cudaStreamDestroy(cudaStream_t stream)
{
    delete stream;
    return state();
}

cudaError_t
cudaStreamSynchronize(cudaStream_t stream)
{
    return stream != nullptr && stream->capturing ? cudaErrorStreamCaptureUnsupported
                                                  : state();
}

cudaError_t
cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned)
{
    return state();
}

cudaError_t
cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode)
{
    stream->capturing = true;
    return state();
}

cudaError_t
cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *out)
{
    stream->capturing = false;
    *out = new CUgraph_st{std::move(stream->captured)};
    stream->captured.clear();
    return state();
}

cudaError_t
cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t graph, unsigned long long)
{
    *out = new CUgraphExec_st{graph->work};
    return state();
}

cudaError_t
cudaGraphDestroy(cudaGraph_t graph)
{
    delete graph;
    return state();
}

cudaError_t
cudaGraphExecDestroy(cudaGraphExec_t graph)
{
    delete graph;
    return state();
}

cudaError_t
cudaGraphUpload(cudaGraphExec_t, cudaStream_t)
{
    return state();
}

cudaError_t
cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream)
{
    for (const auto &work : graph->work) {
        emulate_enqueue(stream, work);
    }
    return state();
}

cudaError_t
cudaEventCreate(cudaEvent_t *out)
{
    *out = new CUevent_st;
    return state();
}

cudaError_t
cudaEventCreateWithFlags(cudaEvent_t *out, unsigned)
{
    return cudaEventCreate(out);
}

cudaError_t
cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return state();
}

cudaError_t
cudaEventRecord(cudaEvent_t event, cudaStream_t)
{
    event->at = std::chrono::steady_clock::now();
    return state();
}

cudaError_t
cudaEventQuery(cudaEvent_t event)
{
    if (event->asked++ % 3 == 0) {
        last = cudaErrorNotReady;
        return state() != cudaSuccess ? state() : last;
    }
    return state();
}

cudaError_t
cudaEventSynchronize(cudaEvent_t)
{
    return state();
}

cudaError_t
cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
    *ms = std::chrono::duration<float, std::milli>(to->at - from->at).count();
    return state();
}

} /* extern "C" */
