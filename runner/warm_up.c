/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See warm_up.h. A size's first batch is not measured, it pays for what is made once
 * (buffers, a library's choice of kernel); of several measured ones the shortest
 * counts, since nothing makes a batch faster than it is.
 */
#include "runner/warm_up.h"

#include "base/clock.h"

#include <inttypes.h>

#define SWEEP_NS (2 * NS_PER_S)
#define CHEAP_NS (50 * NS_PER_MS)

enum { RUNS_MAX = 3 };

static void
list_sizes(struct warm_up *w, const struct model *model)
{
    uint32_t most = model->max_batch_size > 0 ? model->max_batch_size : 1;
    w->count = 0;
    for (uint32_t i = 0; i < model->bucket_count; i++) {
        if (model->buckets[i] < most) {
            w->costs[w->count++].rows = model->buckets[i];
        }
    }
    for (uint32_t rows = 1; model->bucket_count == 0 && rows < most; rows *= 2) {
        w->costs[w->count++].rows = rows;
    }
    w->costs[w->count++].rows = most;
    for (size_t i = 0; i < w->count; i++) {
        w->costs[i].prepare_ns = 0;
        w->costs[i].run_ns = 0;
    }
}

static struct slot_head *
slot_of(const struct pipeline *p, unsigned index)
{
    return slot_at(p->slab->base, p->slab->slot_bytes, index);
}

static enum status
run_zeros(struct pipeline *p,
          struct slot_head *slot,
          uint32_t rows,
          struct fault *fault)
{
    enum status status =
        batch_fill_zeros(slot, p->slab->slot_bytes, p->model, rows, fault);
    if (status != STATUS_OK) {
        return status;
    }
    enum slot_outcome outcome = pipeline_warm(p, slot);
    if (outcome == SLOT_SUCCEEDED) {
        return STATUS_OK;
    }
    return fault_set(
        fault, outcome == SLOT_OUT_OF_MEMORY ? STATUS_NO_MEMORY : STATUS_MODEL_FAILED,
        "warm-up with %" PRIu32 " rows: %s", rows, slot->error);
}

static void
keep_shorter(int64_t *best_ns, int64_t ns)
{
    *best_ns = *best_ns == 0 || ns < *best_ns ? ns : *best_ns;
}

/* Once, and again while that is cheap. */
static enum status
measure(struct pipeline *p, struct warm_up_cost *c, struct fault *fault)
{
    struct slot_head *slot = slot_of(p, 0);
    int64_t until_ns = clock_mono_ns() + CHEAP_NS;
    unsigned runs = 0;
    do {
        enum status status = run_zeros(p, slot, c->rows, fault);
        if (status != STATUS_OK) {
            return status;
        }
        keep_shorter(&c->prepare_ns, slot->prepared_ns - slot->taken_ns);
        keep_shorter(&c->run_ns, slot->completed_ns - slot->started_ns);
    } while (++runs < RUNS_MAX && clock_mono_ns() < until_ns);
    return STATUS_OK;
}

/* Of a size that has not run yet. */
static enum status
measure_first(struct pipeline *p, struct warm_up_cost *c, struct fault *fault)
{
    enum status status = run_zeros(p, slot_of(p, 0), c->rows, fault);
    return status == STATUS_OK ? measure(p, c, fault) : status;
}

enum status
warm_up_run(struct warm_up *w, struct pipeline *p, struct fault *fault)
{
    list_sizes(w, p->model);
    size_t last = w->count - 1;
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < SLOTS_PER_INSTANCE && status == STATUS_OK; i++) {
        status = run_zeros(p, slot_of(p, i), w->costs[last].rows, fault);
    }
    int64_t until_ns = clock_mono_ns() + SWEEP_NS;
    if (status == STATUS_OK) {
        status = measure(p, &w->costs[last], fault);
    }
    for (size_t i = 0; i < last && status == STATUS_OK; i++) {
        bool time_left = clock_mono_ns() < until_ns && !atomic_load(&p->stopping);
        if (i == 0 || time_left) {
            status = measure_first(p, &w->costs[i], fault);
        }
    }
    return status;
}
