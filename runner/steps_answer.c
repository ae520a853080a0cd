/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See steps_answer.h. A NaN counts as the greatest value, so that it is not hidden
 * behind the best K: the parent looks for it.
 */
#include "runner/steps_answer.h"

#include "runner/half.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 4 }; /* in front of a BYTES element */

/* Fitting. */

static enum status
read_labels(struct steps_answer *a,
            const struct model_source *source,
            struct fault *fault)
{
    const char *name = properties_text(source->properties, "labels");
    if (name == NULL) {
        return STATUS_OK;
    }
    char path[4096];
    int size = snprintf(path, sizeof path, "%s/%s", source->directory, name);
    if (size < 0 || (size_t)size >= sizeof path) {
        return fault_set(fault, STATUS_INVALID, "labels: the path is too long");
    }
    enum status status = labels_read(&a->labels, path, fault);
    if (status == STATUS_OK && a->labels.count != a->width) {
        return fault_set(fault, STATUS_INVALID,
                         "labels=%.60s has %zu lines, the model's output %" PRIu32
                         " values a row",
                         name, a->labels.count, a->width);
    }
    return status;
}

static enum status
fit_output(struct steps_answer *a, const struct model *model, struct fault *fault)
{
    const struct model_tensor *output = &model->outputs[0];
    if (model->output_count != 1) {
        return fault_set(fault, STATUS_INVALID,
                         "steps: softmax and topk are for models of one output, this "
                         "one has %" PRIu32,
                         model->output_count);
    }
    bool fixed = true;
    for (uint32_t i = model->max_batch_size > 0 ? 1 : 0; i < output->rank; i++) {
        fixed = fixed && output->shape[i] > 0;
    }
    int64_t width = model_row_elements(model, output);
    a->value_bytes = datatype_size(output->datatype);
    if ((output->datatype != DATATYPE_FP32 && output->datatype != DATATYPE_FP16 &&
         output->datatype != DATATYPE_FP64) ||
        !fixed || width > INT32_MAX) {
        return fault_set(fault, STATUS_INVALID,
                         "steps: softmax and topk need an output FP32, FP16 or FP64 of "
                         "a known size, %s is not; output.0 in the properties may say "
                         "its size",
                         output->name);
    }
    a->width = (uint32_t)width;
    if (a->top > a->width) {
        return fault_set(fault, STATUS_INVALID,
                         "steps: topk:%" PRIu32 " of an output of %" PRIu32
                         " values a row",
                         a->top, a->width);
    }
    return STATUS_OK;
}

static void
name_output(struct model *model, const char *name, enum datatype datatype, uint32_t top)
{
    struct model_tensor *t = &model->outputs[model->output_count++];
    *t = (struct model_tensor){.datatype = datatype};
    memcpy(t->name, name, strlen(name));
    if (model->max_batch_size > 0) {
        t->shape[t->rank++] = -1;
    }
    t->shape[t->rank++] = top;
}

static void
name_outputs(const struct steps_answer *a, struct model *model)
{
    if (a->top == 0) {
        model->outputs[0].datatype = DATATYPE_FP32;
        return;
    }
    model->output_count = 0;
    if (a->labels.count > 0) {
        name_output(model, "label", DATATYPE_BYTES, a->top);
    }
    name_output(model, "score", DATATYPE_FP32, a->top);
    name_output(model, "index", DATATYPE_INT32, a->top);
}

enum status
steps_answer_fit(struct steps_answer *a,
                 const struct steps *steps,
                 const struct model_source *source,
                 struct model *model,
                 struct fault *fault)
{
    *a = (struct steps_answer){.softmax = steps->softmax, .top = steps->top};
    if (!a->softmax && a->top == 0) {
        return STATUS_OK;
    }
    enum status status = fit_output(a, model, fault);
    if (status == STATUS_OK && a->top > 0) {
        status = read_labels(a, source, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    size_t rows = model->max_batch_size > 0 ? model->max_batch_size : 1;
    a->values = malloc(rows * a->width * sizeof *a->values);
    a->best = malloc(rows * (a->top > 0 ? a->top : 1) * sizeof *a->best);
    if (a->values == NULL || a->best == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "steps: no memory for %zu rows",
                         rows);
    }
    name_outputs(a, model);
    return STATUS_OK;
}

void
steps_answer_fini(struct steps_answer *a)
{
    labels_fini(&a->labels);
    free(a->values);
    free(a->best);
    *a = (struct steps_answer){.top = 0};
}

/* Computing. */

static void
read_values(const struct steps_answer *a,
            const void *data,
            enum datatype datatype,
            size_t count)
{
    const float *floats = data;
    const double *doubles = data;
    const uint16_t *halves = data;
    for (size_t i = 0; i < count; i++) {
        a->values[i] = datatype == DATATYPE_FP32   ? floats[i]
                       : datatype == DATATYPE_FP64 ? (float)doubles[i]
                                                   : half_to_float(halves[i]);
    }
}

static void
soften(float *row, uint32_t width)
{
    float most = row[0];
    for (uint32_t i = 1; i < width; i++) {
        most = row[i] > most ? row[i] : most;
    }
    double sum = 0.0;
    for (uint32_t i = 0; i < width; i++) {
        row[i] = expf(row[i] - most);
        sum += (double)row[i];
    }
    for (uint32_t i = 0; i < width; i++) {
        row[i] = (float)((double)row[i] / sum);
    }
}

/* Of equal values the first is the better one. */
static bool
is_better(float a, float b)
{
    return isnan(a) ? !isnan(b) : a > b;
}

static void
find_best(const float *row, uint32_t width, uint32_t *best, uint32_t top)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < width; i++) {
        if (count == top && !is_better(row[i], row[best[top - 1]])) {
            continue;
        }
        uint32_t at = count < top ? count++ : top - 1;
        while (at > 0 && is_better(row[i], row[best[at - 1]])) {
            best[at] = best[at - 1];
            at--;
        }
        best[at] = i;
    }
}

/* Writing. */

/* An output of K a row: where to write it; NULL after batch_fail(). */
static void *
take_output(const struct steps_answer *a, struct batch *b, uint32_t index, size_t size)
{
    int64_t shape[2] = {b->rows, a->top};
    bool batches = b->model->max_batch_size > 0;
    return batch_output(b, index, batches ? shape : shape + 1, size);
}

static bool
write_labels(const struct steps_answer *a, struct batch *b, uint32_t index)
{
    size_t count = (size_t)b->rows * a->top;
    size_t size = count * LENGTH_BYTES;
    for (size_t i = 0; i < count; i++) {
        size += a->labels.lines[a->best[i]].size;
    }
    uint8_t *to = take_output(a, b, index, size);
    for (size_t i = 0; to != NULL && i < count; i++) {
        struct span label = a->labels.lines[a->best[i]];
        uint32_t length = (uint32_t)label.size;
        memcpy(to, &length, LENGTH_BYTES);
        memcpy(to + LENGTH_BYTES, label.data, label.size);
        to += LENGTH_BYTES + label.size;
    }
    return to != NULL;
}

static enum slot_outcome
write_best(const struct steps_answer *a, struct batch *b)
{
    size_t count = (size_t)b->rows * a->top;
    uint32_t index = 0;
    if (a->labels.count > 0 && !write_labels(a, b, index++)) {
        return SLOT_FAILED;
    }
    float *scores = take_output(a, b, index++, count * sizeof *scores);
    int32_t *numbers =
        scores == NULL ? NULL : take_output(a, b, index, count * sizeof *numbers);
    if (numbers == NULL) {
        return SLOT_FAILED;
    }
    for (size_t i = 0; i < count; i++) {
        numbers[i] = (int32_t)a->best[i];
        scores[i] = a->values[i / a->top * a->width + a->best[i]];
    }
    return SLOT_SUCCEEDED;
}

static enum slot_outcome
write_all(const struct steps_answer *a, const int64_t *shape, struct batch *b)
{
    size_t size = (size_t)b->rows * a->width * sizeof *a->values;
    void *to = batch_output(b, 0, shape, size);
    if (to == NULL) {
        return SLOT_FAILED;
    }
    memcpy(to, a->values, size);
    return SLOT_SUCCEEDED;
}

enum slot_outcome
steps_answer_write(const struct steps_answer *a,
                   struct slot_head *from,
                   const struct slot_tensor *t,
                   struct batch *b)
{
    size_t count = (size_t)b->rows * a->width;
    if (t->size != count * a->value_bytes) {
        return batch_fail(b, "the model's output %s is not of the size it said",
                          t->name);
    }
    read_values(a, slot_bytes_at(from, t->offset), (enum datatype)t->datatype, count);
    for (uint32_t row = 0; row < b->rows; row++) {
        float *values = a->values + (size_t)row * a->width;
        if (a->softmax) {
            soften(values, a->width);
        }
        if (a->top > 0) {
            find_best(values, a->width, a->best + (size_t)row * a->top, a->top);
        }
    }
    return a->top > 0 ? write_best(a, b) : write_all(a, t->shape, b);
}
