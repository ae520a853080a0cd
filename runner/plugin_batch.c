/* SPDX-License-Identifier: Apache-2.0 */
/* See plugin_batch.h. */
#include "runner/plugin_batch.h"

#include <inttypes.h>
#include <string.h>

static struct plugin_batch *
view_of(struct leat_batch *lent)
{
    return (struct plugin_batch *)(void *)lent;
}

/* The first reason is the cause, later ones its consequence. */
static int
plugin_batch_fail(struct leat_batch *lent, const char *why)
{
    struct plugin_batch *view = view_of(lent);
    if (!view->failed) {
        batch_fail(view->batch, "%.200s", why);
    }
    view->failed = true;
    return LEAT_FAILED;
}

static void
judge_row(struct leat_batch *lent, uint32_t row, enum slot_row how, const char *why)
{
    struct batch *b = view_of(lent)->batch;
    if (row < b->rows) {
        batch_fail_row(b, row, how, "%.200s", why);
    } else {
        (void)plugin_batch_fail(lent,
                                "the plug-in failed a row that the batch has not");
    }
}

static void
plugin_fail_row(struct leat_batch *lent, uint32_t row, const char *why)
{
    judge_row(lent, row, SLOT_ROW_FAILED, why);
}

static void
plugin_refuse_row(struct leat_batch *lent, uint32_t row, const char *why)
{
    judge_row(lent, row, SLOT_ROW_REFUSED, why);
}

/* @return what is wrong with an output of that shape, or NULL */
static const char *
judge_output(const struct batch *b, uint32_t index, const int64_t *shape, size_t size)
{
    const struct model_tensor *spec = &b->model->outputs[index];
    uint64_t bytes = datatype_size(spec->datatype);
    for (uint32_t i = 0; i < spec->rank; i++) {
        bool is_rows = i == 0 && b->model->max_batch_size > 0;
        if (is_rows && shape[i] != (int64_t)b->rows) {
            return "its first dimension is not the rows of the batch";
        }
        if (shape[i] < 0 ||
            (!is_rows && spec->shape[i] >= 0 && shape[i] != spec->shape[i])) {
            return "its shape is not the one that the model told";
        }
        if (__builtin_mul_overflow(bytes, (uint64_t)shape[i], &bytes)) {
            return "its shape is too large";
        }
    }
    bool sized = spec->datatype != DATATYPE_BYTES;
    return sized && bytes != size ? "its size is not that of its shape" : NULL;
}

static void *
plugin_output(struct leat_batch *lent,
              uint32_t index,
              const int64_t *shape,
              size_t size)
{
    struct plugin_batch *view = view_of(lent);
    struct batch *b = view->batch;
    if (view->failed) {
        return NULL;
    }
    view->failed = true; /* unless all goes well */
    if (!view->runs) {
        batch_fail(b, "the plug-in took an output before run()");
        return NULL;
    }
    if (index != b->slot->output_count || index >= b->model->output_count) {
        batch_fail(b,
                   "the plug-in took output %" PRIu32 " after %" PRIu32 " of %" PRIu32
                   ": each once, in the model's order",
                   index, b->slot->output_count, b->model->output_count);
        return NULL;
    }
    const char *wrong = judge_output(b, index, shape, size);
    if (wrong != NULL) {
        batch_fail(b, "output %s of the plug-in: %s", b->model->outputs[index].name,
                   wrong);
        return NULL;
    }
    void *data = batch_output(b, index, shape, size);
    view->failed = data == NULL;
    return data;
}

void
plugin_batch_open(struct plugin_batch *view, struct batch *batch)
{
    const struct model *model = batch->model;
    view->batch = batch;
    view->runs = false;
    view->failed = false;
    view->lent = (struct leat_batch){
        .size = sizeof view->lent,
        .rows = batch->rows,
        .padded_rows = model_padded_rows(model, batch->rows),
        .warm_up = batch->warm_up,
        .input_count = model->input_count,
        .inputs = view->inputs,
        .output = plugin_output,
        .fail = plugin_batch_fail,
        .fail_row = plugin_fail_row,
        .refuse_row = plugin_refuse_row,
    };
    for (uint32_t i = 0; i < model->input_count; i++) {
        const struct batch_input *in = &batch->inputs[i];
        view->inputs[i] = (struct leat_input){
            .data = in->data.data, .size = in->data.size, .rank = in->rank};
        memcpy(view->inputs[i].shape, in->shape, in->rank * sizeof in->shape[0]);
    }
}

void
plugin_batch_run(struct plugin_batch *view)
{
    view->runs = true;
}

static enum slot_outcome
fail_if_silent(struct plugin_batch *view, enum slot_outcome outcome, const char *why)
{
    if (!view->failed) {
        batch_fail(view->batch, "%s", why);
    }
    return outcome;
}

enum slot_outcome
plugin_batch_end(struct plugin_batch *view, int outcome)
{
    struct batch *b = view->batch;
    switch (outcome) {
    case LEAT_OK:
        break;
    case LEAT_FAILED:
        return fail_if_silent(view, SLOT_FAILED, "the plug-in failed without a reason");
    case LEAT_OUT_OF_MEMORY:
        return fail_if_silent(view, SLOT_OUT_OF_MEMORY,
                              "the plug-in found no device memory");
    case LEAT_DEVICE_LOST:
        return fail_if_silent(view, SLOT_DEVICE_LOST, "the plug-in lost the device");
    default:
        return batch_fail(b, "the plug-in returned %d, which is no outcome", outcome);
    }
    if (view->failed) {
        return SLOT_FAILED;
    }
    if (view->runs && b->slot->output_count < b->model->output_count) {
        return batch_fail(b, "the plug-in gave %" PRIu32 " of %" PRIu32 " outputs",
                          b->slot->output_count, b->model->output_count);
    }
    return SLOT_SUCCEEDED;
}
