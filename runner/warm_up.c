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

enum { RUNS_MAX = 3, WARM_UP_RUNS_MAX = 1000 };

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

/* A user's own row has to be one that the model answers. */
static enum status
check_rows(const struct warm_up *w, struct slot_head *slot, struct fault *fault)
{
    uint32_t row = 0;
    size_t input = 0;
    while (row < slot->rows && slot->row_failed[row] == SLOT_ROW_FINE) {
        row++;
    }
    while (input < w->inputs.count && w->inputs.items[input].kind != WARM_UP_FILE) {
        input++;
    }
    if (row == slot->rows || input == w->inputs.count) {
        return STATUS_OK;
    }
    uint64_t texts = (uint64_t)slot->row_errors * SLOT_ALIGN;
    const char *why = texts == 0 ? slot->error
                                 : (const char *)slot_bytes_at(slot, texts) +
                                       (size_t)row * SLOT_ROW_ERROR_BYTES;
    return fault_set(fault, STATUS_MODEL_FAILED,
                     "warmup.input.%zu: the model does not answer this row: %.120s",
                     input, why);
}

static enum status
run_sample(struct warm_up *w,
           struct pipeline *p,
           unsigned index,
           uint32_t rows,
           struct fault *fault)
{
    struct slot_head *slot = slot_of(p, index);
    enum status status = warm_up_inputs_fill(&w->inputs, p->model, slot,
                                             p->slab->slot_bytes, rows, fault);
    if (status != STATUS_OK) {
        return status;
    }
    enum slot_outcome outcome = pipeline_warm(p, slot);
    if (outcome == SLOT_SUCCEEDED) {
        return check_rows(w, slot, fault);
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

static void
keep_times(struct warm_up_cost *c, const struct slot_head *slot)
{
    keep_shorter(&c->prepare_ns, slot->prepared_ns - slot->taken_ns);
    keep_shorter(&c->run_ns, slot->completed_ns - slot->started_ns);
}

/* Once, and again while that is cheap. */
static enum status
measure(struct warm_up *w,
        struct pipeline *p,
        struct warm_up_cost *c,
        struct fault *fault)
{
    int64_t until_ns = clock_mono_ns() + CHEAP_NS;
    unsigned runs = 0;
    do {
        enum status status = run_sample(w, p, 0, c->rows, fault);
        if (status != STATUS_OK) {
            return status;
        }
        keep_times(c, slot_of(p, 0));
    } while (++runs < RUNS_MAX && clock_mono_ns() < until_ns);
    return STATUS_OK;
}

/* Of a size that has not run yet. */
static enum status
measure_first(struct warm_up *w,
              struct pipeline *p,
              struct warm_up_cost *c,
              struct fault *fault)
{
    enum status status = run_sample(w, p, 0, c->rows, fault);
    return status == STATUS_OK ? measure(w, p, c, fault) : status;
}

/* As often as is useful. */
static enum status
run_briefly(struct warm_up *w, struct pipeline *p, struct fault *fault)
{
    size_t last = w->count - 1;
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < SLOTS_PER_INSTANCE && status == STATUS_OK; i++) {
        status = run_sample(w, p, i, w->costs[last].rows, fault);
    }
    int64_t until_ns = clock_mono_ns() + SWEEP_NS;
    if (status == STATUS_OK) {
        status = measure(w, p, &w->costs[last], fault);
    }
    for (size_t i = 0; i < last && status == STATUS_OK; i++) {
        bool time_left = clock_mono_ns() < until_ns && !atomic_load(&p->stopping);
        if (i == 0 || time_left) {
            status = measure_first(w, p, &w->costs[i], fault);
        }
    }
    return status;
}

/* As often as the model says, in all slots in turn; the first run counts only if it is
 * the only one. */
static enum status
run_size(struct warm_up *w,
         struct pipeline *p,
         struct warm_up_cost *c,
         struct fault *fault)
{
    enum status status = STATUS_OK;
    for (int64_t i = 0; i < w->runs && !atomic_load(&p->stopping); i++) {
        unsigned slot = (unsigned)i % SLOTS_PER_INSTANCE;
        status = run_sample(w, p, slot, c->rows, fault);
        if (status != STATUS_OK) {
            return status;
        }
        if (i > 0 || w->runs == 1) {
            keep_times(c, slot_of(p, slot));
        }
    }
    return status;
}

/* The most rows first: whether they fit is to be known early. */
static enum status
run_as_told(struct warm_up *w, struct pipeline *p, struct fault *fault)
{
    enum status status = STATUS_OK;
    for (size_t i = w->count; i > 0 && status == STATUS_OK; i--) {
        status = run_size(w, p, &w->costs[i - 1], fault);
    }
    return status;
}

enum status
warm_up_run(struct warm_up *w,
            struct pipeline *p,
            const struct model_source *source,
            struct fault *fault)
{
    static const int64_t runs[] = {0, WARM_UP_RUNS_MAX};
    w->runs = -1;
    w->count = 0;
    enum status status =
        properties_int(source->properties, "warmup.runs", runs, &w->runs, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = warm_up_inputs_read(&w->inputs, p->model, source->properties,
                                 source->directory, fault);
    if (status == STATUS_OK && w->runs != 0) {
        list_sizes(w, p->model);
        status = w->runs < 0 ? run_briefly(w, p, fault) : run_as_told(w, p, fault);
    }
    warm_up_inputs_fini(&w->inputs);
    return status;
}
