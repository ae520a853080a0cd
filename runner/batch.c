/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See batch.h. The parent is our own program and trusted in meaning, but a wrong size
 * here would be a wild read in a process that other models share: so each offset, size
 * and shape is checked, at some ten nanoseconds a tensor.
 */
#include "runner/batch.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum slot_outcome
batch_fail(struct batch *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(b->slot->error, sizeof b->slot->error, format, args);
    va_end(args);
    return SLOT_FAILED;
}

static uint64_t
align_up(uint64_t offset)
{
    return (offset + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
}

/* A place for all rows' texts behind what was written so far; NULL without room. */
static char *
take_row_errors(struct batch *b)
{
    uint64_t size = (uint64_t)b->rows * SLOT_ROW_ERROR_BYTES;
    uint64_t offset = align_up(b->outputs_at);
    if (offset > b->slot_bytes || size > b->slot_bytes - offset ||
        offset / SLOT_ALIGN > UINT32_MAX) {
        return NULL;
    }
    char *texts = slot_bytes_at(b->slot, offset);
    memset(texts, 0, size);
    b->outputs_at = offset + size;
    b->slot->row_errors = (uint32_t)(offset / SLOT_ALIGN);
    return texts;
}

void
batch_fail_row(
    struct batch *b, uint32_t row, enum slot_row how, const char *format, ...)
{
    if (b->slot->row_failed[row] != SLOT_ROW_FINE) {
        return;
    }
    b->slot->row_failed[row] = (uint8_t)how;
    if (b->row_errors == NULL) {
        b->row_errors = take_row_errors(b);
    }
    char *text = b->row_errors == NULL
                     ? b->slot->error
                     : b->row_errors + (size_t)row * SLOT_ROW_ERROR_BYTES;
    va_list args;
    va_start(args, format);
    vsnprintf(text, SLOT_ROW_ERROR_BYTES, format, args);
    va_end(args);
}

static bool
shape_fits(const struct batch *b,
           const struct model_tensor *want,
           const struct slot_tensor *t)
{
    if (t->rank != want->rank) {
        return false;
    }
    for (uint32_t i = 0; i < want->rank; i++) {
        bool is_batch = i == 0 && b->model->max_batch_size > 0;
        int64_t expected = is_batch ? (int64_t)b->rows : want->shape[i];
        if (t->shape[i] < 0 || (expected >= 0 && t->shape[i] != expected)) {
            return false;
        }
    }
    return true;
}

/* Whether the size is what datatype and shape ask for; BYTES say their own. */
static bool
size_fits(const struct slot_tensor *t)
{
    uint64_t size = datatype_size((enum datatype)t->datatype);
    if (t->datatype == DATATYPE_BYTES) {
        return true;
    }
    for (uint32_t i = 0; i < t->rank; i++) {
        if (__builtin_mul_overflow(size, (uint64_t)t->shape[i], &size)) {
            return false;
        }
    }
    return size == t->size;
}

static bool
place_fits(const struct batch *b, const struct slot_tensor *t)
{
    return t->offset >= SLOT_DATA_OFFSET && t->offset % SLOT_ALIGN == 0 &&
           t->offset <= b->outputs_at && t->size <= b->outputs_at - t->offset;
}

static enum status
open_input(struct batch *b, uint32_t at, const struct slot_tensor *t)
{
    const struct model_tensor *want = &b->model->inputs[at];
    const char *wrong = NULL;
    if (t->datatype != (uint32_t)want->datatype) {
        wrong = "the datatype is not the model's";
    } else if (!shape_fits(b, want, t)) {
        wrong = "the shape is not the model's";
    } else if (!size_fits(t)) {
        wrong = "the size is not that of the shape";
    } else if (!place_fits(b, t)) {
        wrong = "the data lies outside the slot";
    } else if (b->inputs[at].data.data != NULL) {
        wrong = "it stands twice";
    }
    if (wrong != NULL) {
        batch_fail(b, "input %s: %s", want->name, wrong);
        return STATUS_INVALID;
    }
    struct batch_input *in = &b->inputs[at];
    in->rank = t->rank;
    memcpy(in->shape, t->shape, sizeof in->shape);
    in->data = span_of(slot_bytes_at(b->slot, t->offset), t->size);
    return STATUS_OK;
}

/* Index of the model's input of that name, looked for first where it should stand. */
static uint32_t
input_named(const struct model *model, uint32_t guess, const char *name)
{
    if (guess < model->input_count &&
        strncmp(model->inputs[guess].name, name, SLOT_NAME_BYTES) == 0) {
        return guess;
    }
    uint32_t i = 0;
    while (i < model->input_count &&
           strncmp(model->inputs[i].name, name, SLOT_NAME_BYTES) != 0) {
        i++;
    }
    return i;
}

static enum status
open_inputs(struct batch *b, uint32_t count)
{
    const struct model *model = b->model;
    if (count != model->input_count) {
        batch_fail(b, "the slot has %" PRIu32 " inputs, the model %" PRIu32, count,
                   model->input_count);
        return STATUS_INVALID;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct slot_tensor t = b->slot->inputs[i];
        uint32_t at = input_named(model, i, t.name);
        if (at == model->input_count) {
            batch_fail(b, "the model has no input %.*s", SLOT_NAME_BYTES, t.name);
            return STATUS_INVALID;
        }
        if (open_input(b, at, &t) != STATUS_OK) {
            return STATUS_INVALID;
        }
    }
    return STATUS_OK;
}

enum status
batch_open(struct batch *b,
           struct slot_head *slot,
           uint64_t slot_bytes,
           const struct model *model)
{
    bool batches = model->max_batch_size > 0;
    b->slot = slot;
    b->model = model;
    b->slot_bytes = slot_bytes;
    b->outputs_at = slot->inputs_end;
    b->rows = batches ? slot->rows : 1;
    b->warm_up = false;
    for (uint32_t i = 0; i < model->input_count; i++) {
        b->inputs[i].data = span_of(NULL, 0);
    }
    b->row_errors = NULL;
    slot->output_count = 0;
    slot->row_errors = 0;
    slot->error[0] = '\0';
    if (b->rows == 0 || (batches && b->rows > model->max_batch_size)) {
        batch_fail(b, "%" PRIu32 " rows, the model takes 1 to %" PRIu32, b->rows,
                   model->max_batch_size);
        return STATUS_INVALID;
    }
    memset(slot->row_failed, 0, b->rows);
    if (b->outputs_at < SLOT_DATA_OFFSET || b->outputs_at > slot_bytes) {
        batch_fail(b, "inputs_end lies outside the slot");
        return STATUS_INVALID;
    }
    return open_inputs(b, slot->input_count);
}

void *
batch_output(struct batch *b, uint32_t index, const int64_t *shape, size_t size)
{
    const struct model_tensor *spec = &b->model->outputs[index];
    uint64_t offset = align_up(b->outputs_at);
    if (offset > b->slot_bytes || size > b->slot_bytes - offset) {
        batch_fail(b,
                   "output %s of %zu bytes does not fit what the inputs leave of the "
                   "slot's %" PRIu64,
                   spec->name, size, b->slot_bytes);
        return NULL;
    }
    struct slot_tensor *t = &b->slot->outputs[index];
    if (b->slot->output_count <= index) {
        b->slot->output_count = index + 1;
    }
    memcpy(t->name, spec->name, sizeof t->name);
    t->datatype = (uint32_t)spec->datatype;
    t->rank = spec->rank;
    memcpy(t->shape, shape, spec->rank * sizeof *shape);
    t->offset = offset;
    t->size = size;
    b->outputs_at = offset + size;
    return slot_bytes_at(b->slot, offset);
}
