/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches as the pipeline gives them to the backend, two under way: what the host does
 * for one, how long the device is idle between two, and how much of a batch's upload
 * happens while the one before computes (from events on the device).
 */
#include "base/clock.h"
#include "check.h"
#include "runner/cuda/dense_cuda.h"
#include "timing.h"
#include "twin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCHES = 400, WARM_UP = 20, HOST_BAR_US = 60, IDLE_BAR_US = 20 };

struct timed_model {
    const char *name;
    uint32_t widths[WIDTHS_MAX];
    const char *text;
    uint32_t rows;
    bool copies; /* its upload takes about as long as its kernels: overlap must show */
};

static const struct timed_model models[] = {
    {"mlp 1024-4096-4096-1000 fp16",
     {1024, 4096, 4096, 1000},
     "layers=l0 relu,l1 gelu,l2 softmax\nprecision=fp16\n",
     64,
     false},
    {"mlp 1024-4096-4096-1000 fp16",
     {1024, 4096, 4096, 1000},
     "layers=l0 relu,l1 gelu,l2 softmax\nprecision=fp16\n",
     256,
     false},
    {"mlp 1024-4096-4096-1000 fp32",
     {1024, 4096, 4096, 1000},
     "layers=l0 relu,l1 gelu,l2 softmax\n",
     64,
     false},
    {"images u8 12288-4096-4096-1000 bf16",
     {12288, 4096, 4096, 1000},
     "layers=l0 relu,l1 relu,l2 softmax\nprecision=bf16\ntop.k=5\n"
     "normalize=0.007843137,-1\ninput.0=image UINT8 -1,3,64,64\n",
     512,
     true},
    {"digits 64-128-10 fp32", {64, 128, 10}, "layers=l0 relu,l1 softmax\n", 64, false},
};

/* Times of one batch in us: of the host, and on the device from a common moment. */
struct batch_times {
    double prepare;
    double marks[LANE_MARKS];
};

static struct dense_cuda *
cuda_of(const struct twin *t)
{
    struct dense_cuda *cuda = NULL;
    memcpy(&cuda, t->state,
           sizeof(struct dense_cuda *)); /* the first of struct dense */
    return cuda;
}

static double
now_us(void)
{
    return (double)clock_mono_ns() / 1e3;
}

static void
read_marks(const struct lane *lane, cudaEvent_t base, struct batch_times *out)
{
    for (unsigned i = 0; lane->marked && i < LANE_MARKS; i++) {
        float ms = 0.0F;
        cudaEventElapsedTime(&ms, base, lane->marks[i]);
        out->marks[i] = (double)ms * 1e3;
    }
}

/* Wall time of a batch in us, two under way. */
static double
run_batches(struct twin *t, const void *input, uint32_t rows, struct batch_times *times)
{
    struct dense_cuda *cuda = cuda_of(t);
    cudaEvent_t base;
    cudaEventCreate(&base);
    cudaEventRecord(base, cuda->lanes[0].stream);
    bool ok = true;
    for (unsigned i = 0; i < SLOTS_PER_INSTANCE; i++) { /* which a batcher does */
        ok = ok && twin_fill(t, i, rows, input);
    }
    double begin = 0.0;
    unsigned lane = cuda->run % LANES;
    for (unsigned i = 0; i <= BATCHES; i++) {
        if (i == WARM_UP) {
            begin = now_us();
        }
        if (i < BATCHES) {
            struct batch *b = &t->batches[i % 2];
            ok = ok && twin_open(t, i % 2, i % SLOTS_PER_INSTANCE);
            double from = now_us();
            ok = ok && backend_dense.prepare(t->state, b) == SLOT_SUCCEEDED;
            times[i].prepare = now_us() - from;
        }
        if (i > 0) {
            ok = ok && twin_run(t, (i - 1) % 2) == SLOT_SUCCEEDED;
            read_marks(&cuda->lanes[(lane + i - 1) % LANES], base, &times[i - 1]);
        }
    }
    double each = (now_us() - begin) / (BATCHES - WARM_UP);
    check(ok, "(the batches timed next succeeded)");
    cudaEventDestroy(base);
    return each;
}

/* Of the graph alone, one behind the other. */
static double
compute_us(const struct dense_cuda *cuda, uint32_t rows)
{
    const struct lane *lane = &cuda->lanes[0];
    cudaGraphExec_t graph = lane->graphs[buckets_find(&cuda->buckets, rows)];
    cudaEvent_t begin;
    cudaEvent_t end;
    float ms = 0.0F;
    cudaEventCreate(&begin);
    cudaEventCreate(&end);
    for (unsigned i = 0; i < WARM_UP; i++) {
        cudaGraphLaunch(graph, lane->stream);
    }
    cudaEventRecord(begin, lane->stream);
    for (unsigned i = 0; i < BATCHES; i++) {
        cudaGraphLaunch(graph, lane->stream);
    }
    cudaEventRecord(end, lane->stream);
    cudaEventSynchronize(end);
    cudaEventElapsedTime(&ms, begin, end);
    cudaEventDestroy(begin);
    cudaEventDestroy(end);
    return (double)ms * 1e3 / BATCHES;
}

static double
later(double a, double b)
{
    return a > b ? a : b;
}

static double
earlier(double a, double b)
{
    return a < b ? a : b;
}

/* The share of uploads that lies within the computing of the batch before. */
static double
overlap(const struct batch_times *times, double *upload)
{
    double inside = 0.0;
    double all = 0.0;
    for (unsigned i = WARM_UP; i < BATCHES; i++) {
        const double *mine = times[i].marks;
        const double *before = times[i - 1].marks;
        double begun = later(before[LANE_UPLOADED], times[i - 2].marks[LANE_COMPUTED]);
        double from = later(mine[LANE_BEGUN], begun);
        double to = earlier(mine[LANE_UPLOADED], before[LANE_COMPUTED]);
        inside += to > from ? to - from : 0.0;
        all += mine[LANE_UPLOADED] - mine[LANE_BEGUN];
    }
    *upload = all / (BATCHES - WARM_UP);
    return all > 0.0 ? inside / all : 0.0;
}

static void
judge_host(const struct timed_model *m, const struct batch_times *times)
{
    double host[BATCHES];
    for (unsigned i = WARM_UP; i < BATCHES; i++) {
        host[i - WARM_UP] = times[i].prepare;
    }
    double p50 = time_quantile(host, BATCHES - WARM_UP, 0.5);
    double p99 = time_quantile(host, BATCHES - WARM_UP, 0.99);
    check(p50 <= HOST_BAR_US,
          "%s, B=%u: host time a batch p50 %.1f us, p99 %.1f us (bar %d us at p50)",
          m->name, m->rows, p50, p99, HOST_BAR_US);
}

static void
judge(const struct timed_model *m, struct twin *t, const void *input)
{
    static struct batch_times times[BATCHES];
    struct dense_cuda *cuda = cuda_of(t);
    double each = run_batches(t, input, m->rows, times);
    judge_host(m, times);
    double compute = compute_us(cuda, m->rows);
    bool ok = lane_mark(&cuda->lanes[0]) && lane_mark(&cuda->lanes[1]);
    check(ok, "(moments can be recorded)");
    (void)run_batches(t, input, m->rows, times);
    double upload = 0.0;
    double share = overlap(times, &upload);
    double busy = later(compute, upload);
    tell("        %s, B=%u: %.1f us a batch at depth 2 (%.0f rows/s); kernels %.1f us, "
         "upload %.1f us",
         m->name, m->rows, each, m->rows * 1e6 / each, compute, upload);
    check(each - busy <= IDLE_BAR_US,
          "%s, B=%u: the busier of kernels and copies is idle %.1f us a batch (bar %d "
          "us)",
          m->name, m->rows, later(each - busy, 0.0), IDLE_BAR_US);
    if (m->copies) {
        check(share >= 0.5,
              "%s, B=%u: %.0f %% of the upload happens while the batch before computes "
              "(bar 50 %%)",
              m->name, m->rows, share * 100.0);
    } else {
        tell("        %.0f %% of the upload happens while the batch before computes",
             share * 100.0);
    }
}

void
time_batches(void)
{
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        const struct timed_model *m = &models[i];
        char folder[FOLDER_BYTES];
        struct twin t;
        struct fault fault = {.text = ""};
        twin_write(m->widths, folder);
        enum status status = twin_load(&t, folder, m->text, "cuda", m->rows, &fault);
        if (check(status == STATUS_OK, "%s loads %s", m->name,
                  status == STATUS_OK ? "" : fault.text)) {
            void *input = calloc((size_t)m->rows * m->widths[0], sizeof(float));
            judge(m, &t, input);
            free(input);
        }
        twin_unload(&t);
        twin_remove(folder);
    }
}
