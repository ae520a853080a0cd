/* SPDX-License-Identifier: Apache-2.0 */
/* See lane.h. */
#include "runner/cuda/lane.h"

#include "base/clock.h"
#include "runner/cuda/device_error.h"

#include <stdlib.h>

/* Waking a thread takes some 20 us; a processor is given up for longer waits only. */
#define SPIN_NS (2 * NS_PER_MS)

static enum status
fail(struct fault *fault, cudaError_t error, const char *what)
{
    return error == cudaSuccess ? STATUS_OK : device_error_fault(fault, error, what);
}

/* Streams of this kind do not wait for the device's default stream. */
static enum status
take_handles(struct lane *lane, struct fault *fault)
{
    cudaError_t error = cudaStreamCreateWithFlags(&lane->stream, cudaStreamNonBlocking);
    if (error == cudaSuccess) {
        error = cudaEventCreateWithFlags(&lane->computed, cudaEventDisableTiming);
    }
    if (error == cudaSuccess) {
        error = cudaEventCreateWithFlags(&lane->done, cudaEventDisableTiming |
                                                          cudaEventBlockingSync);
    }
    return fail(fault, error, "a stream");
}

/* Relaxed: cuBLASLt may load a kernel while we capture. */
static enum status
capture(struct lane *lane,
        struct network *network,
        uint32_t rows,
        cudaGraphExec_t *out,
        struct fault *fault)
{
    cudaError_t error =
        cudaStreamBeginCapture(lane->stream, cudaStreamCaptureModeRelaxed);
    if (error != cudaSuccess) {
        return fail(fault, error, "cudaStreamBeginCapture");
    }
    enum status status =
        network_enqueue(network, rows, lane->input, lane->output, lane->stream, fault);
    cudaGraph_t graph = NULL;
    error = cudaStreamEndCapture(lane->stream, &graph);
    if (error == cudaSuccess && status == STATUS_OK) {
        error = cudaGraphInstantiate(out, graph, 0);
    }
    if (graph != NULL) {
        cudaGraphDestroy(graph);
    }
    if (error == cudaSuccess && status == STATUS_OK) {
        error = cudaGraphUpload(*out, lane->stream);
    }
    return status != STATUS_OK ? status : fail(fault, error, "a graph");
}

/* First without a graph: that loads the kernels, which a capture should not. */
static enum status
run_and_capture(struct lane *lane,
                struct network *network,
                uint32_t rows,
                cudaGraphExec_t *out,
                struct fault *fault)
{
    enum status status =
        network_enqueue(network, rows, lane->input, lane->output, lane->stream, fault);
    if (status == STATUS_OK) {
        status = fail(fault, cudaStreamSynchronize(lane->stream), "the first batch");
    }
    return status == STATUS_OK ? capture(lane, network, rows, out, fault) : status;
}

enum status
lane_init(struct lane *lane,
          struct network *network,
          const struct buckets *buckets,
          struct fault *fault)
{
    uint32_t most = buckets->rows[buckets->count - 1];
    enum status status = take_handles(lane, fault);
    if (status == STATUS_OK) {
        status = network_take(network, network_input_bytes(network, most), &lane->input,
                              fault);
    }
    if (status == STATUS_OK) {
        status = network_take(network, network_output_bytes(network, most),
                              &lane->output, fault);
    }
    if (status == STATUS_OK) { /* the memory was zeroed in the default stream */
        status = fail(fault, cudaDeviceSynchronize(), "the device");
    }
    for (uint32_t i = 0; i < buckets->count && status == STATUS_OK; i++) {
        status =
            run_and_capture(lane, network, buckets->rows[i], &lane->graphs[i], fault);
    }
    return status == STATUS_OK
               ? fail(fault, cudaStreamSynchronize(lane->stream), "the graphs")
               : status;
}

void
lane_fini(struct lane *lane)
{
    if (lane->stream != NULL) {
        cudaStreamSynchronize(lane->stream);
    }
    for (uint32_t i = 0; i < BUCKETS_MAX; i++) {
        if (lane->graphs[i] != NULL) {
            cudaGraphExecDestroy(lane->graphs[i]);
        }
    }
    const cudaEvent_t events[] = {
        lane->computed,
        lane->done,
        lane->marks[LANE_BEGUN],
        lane->marks[LANE_UPLOADED],
        lane->marks[LANE_COMPUTED],
        lane->marks[LANE_DONE],
    };
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        if (events[i] != NULL) {
            cudaEventDestroy(events[i]);
        }
    }
    if (lane->stream != NULL) {
        cudaStreamDestroy(lane->stream);
    }
}

bool
lane_mark(struct lane *lane)
{
    lane->marked = true;
    for (unsigned i = 0; i < LANE_MARKS; i++) {
        lane->marked = lane->marked && cudaEventCreate(&lane->marks[i]) == cudaSuccess;
    }
    return lane->marked;
}

static cudaError_t
record(const struct lane *lane, enum lane_mark mark)
{
    return lane->marked ? cudaEventRecord(lane->marks[mark], lane->stream)
                        : cudaSuccess;
}

static cudaError_t
upload(const struct lane *lane, const struct lane_batch *batch)
{
    cudaError_t error = record(lane, LANE_BEGUN);
    if (error == cudaSuccess) {
        error = cudaMemcpyAsync(lane->input, batch->from, batch->input_bytes,
                                cudaMemcpyHostToDevice, lane->stream);
    }
    return error == cudaSuccess ? record(lane, LANE_UPLOADED) : error;
}

static cudaError_t
compute(const struct lane *lane, uint32_t bucket, const struct lane *before)
{
    cudaError_t error = cudaStreamWaitEvent(lane->stream, before->computed, 0);
    if (error == cudaSuccess) {
        error = cudaGraphLaunch(lane->graphs[bucket], lane->stream);
    }
    if (error == cudaSuccess) {
        error = cudaEventRecord(lane->computed, lane->stream);
    }
    return error == cudaSuccess ? record(lane, LANE_COMPUTED) : error;
}

static cudaError_t
download(const struct lane *lane, const struct lane_batch *batch)
{
    cudaError_t error = cudaMemcpyAsync(batch->to, lane->output, batch->output_bytes,
                                        cudaMemcpyDeviceToHost, lane->stream);
    if (error == cudaSuccess) {
        error = record(lane, LANE_DONE);
    }
    return error == cudaSuccess ? cudaEventRecord(lane->done, lane->stream) : error;
}

cudaError_t
lane_submit(struct lane *lane,
            const struct lane_batch *batch,
            const struct lane *before)
{
    cudaError_t error = upload(lane, batch);
    if (error == cudaSuccess) {
        error = compute(lane, batch->bucket, before);
    }
    if (error == cudaSuccess) {
        error = download(lane, batch);
    }
    if (error != cudaSuccess) {
        cudaStreamSynchronize(lane->stream);
    }
    return error;
}

cudaError_t
lane_wait(const struct lane *lane)
{
    int64_t until_ns = clock_mono_ns() + SPIN_NS;
    cudaError_t error = cudaEventQuery(lane->done);
    while (error == cudaErrorNotReady && clock_mono_ns() < until_ns) {
        error = cudaEventQuery(lane->done);
    }
    /* "Not ready" is kept per thread as an error, which a later launch would tell. */
    (void)cudaGetLastError();
    return error == cudaErrorNotReady ? cudaEventSynchronize(lane->done) : error;
}
