/* SPDX-License-Identifier: Apache-2.0 */
/* See steps_tensor.h. */
#include "runner/steps_tensor.h"

#include "base/buf.h"
#include "runner/half.h"

#include <inttypes.h>
#include <string.h>

enum { IMAGE_RANK = 3 };

static bool
fits(const int64_t *shape, uint32_t rank, const int64_t *want)
{
    for (uint32_t i = 0; i < rank; i++) {
        if (shape[i] >= 0 && shape[i] != want[i]) {
            return false;
        }
    }
    return true;
}

/* Fills in what the model leaves open. */
static void
settle(struct steps_tensor *t, uint32_t first, const int64_t *want)
{
    for (uint32_t i = first; i < t->rank; i++) {
        t->shape[i] = want[i - first];
    }
}

/* Three dimensions: with planes first, unless the steps say otherwise. */
static bool
fit_image(struct steps_tensor *t, uint32_t first, const struct steps *s)
{
    const int64_t planes[] = {s->channels, s->height, s->width};
    const int64_t pixels[] = {s->height, s->width, s->channels};
    if (s->layout != STEPS_LAYOUT_NHWC && fits(t->shape + first, IMAGE_RANK, planes)) {
        t->planes = true;
        settle(t, first, planes);
        return true;
    }
    if (s->layout != STEPS_LAYOUT_NCHW && fits(t->shape + first, IMAGE_RANK, pixels)) {
        settle(t, first, pixels);
        return true;
    }
    return false;
}

static bool
fit_shape(struct steps_tensor *t, uint32_t first, const struct steps *s)
{
    const int64_t flat[] = {(int64_t)s->channels * s->height * s->width};
    const int64_t grey[] = {s->height, s->width};
    /* A batch dimension of its own in a model that does not batch. */
    while (t->rank - first > IMAGE_RANK &&
           (t->shape[first] == 1 || t->shape[first] < 0)) {
        t->shape[first++] = 1;
    }
    switch (t->rank - first) {
    case IMAGE_RANK:
        return fit_image(t, first, s);
    case 2:
        settle(t, first, grey);
        return s->channels == 1;
    case 1:
        t->planes = s->layout == STEPS_LAYOUT_NCHW;
        settle(t, first, flat);
        return true;
    default:
        return false;
    }
}

static void
fill_values(struct steps_tensor *t, const struct steps *s)
{
    for (uint32_t c = 0; c < s->channels; c++) {
        for (int i = 0; i < STEPS_BYTE_VALUES; i++) {
            float value = ((float)i * s->scale - s->mean[c]) / s->std[c];
            t->values[c][i] = value;
            t->halves[c][i] = half_from_float(value);
        }
    }
}

static enum status
refuse(const struct steps *s, const struct model *model, struct fault *fault)
{
    struct buf text;
    buf_init(&text, sizeof fault->text);
    model_tensor_format(&model->inputs[0], &text);
    enum status status =
        fault_set(fault, STATUS_INVALID,
                  "steps: they make images of %" PRIu32 "x%" PRIu32 " with %" PRIu32
                  " channel%s, which does not fit the model's input %.*s",
                  s->width, s->height, s->channels, s->channels == 1 ? "" : "s",
                  (int)text.size, (const char *)text.data);
    buf_fini(&text);
    return status;
}

enum status
steps_tensor_fit(struct steps_tensor *t,
                 const struct steps *steps,
                 const struct model *model,
                 struct fault *fault)
{
    const struct model_tensor *input = &model->inputs[0];
    if (model->input_count != 1) {
        return fault_set(fault, STATUS_INVALID,
                         "steps: decode is for models of one input, this one has "
                         "%" PRIu32,
                         model->input_count);
    }
    bool bytes = input->datatype == DATATYPE_UINT8;
    if ((!bytes && input->datatype != DATATYPE_FP16 &&
         input->datatype != DATATYPE_FP32) ||
        (bytes && steps->normalizes)) {
        return fault_set(fault, STATUS_INVALID,
                         "steps: the model's input %s is %s; images go into FP32, FP16 "
                         "or, without normalize, UINT8",
                         input->name, datatype_name(input->datatype));
    }
    *t = (struct steps_tensor){.datatype = input->datatype, .rank = input->rank};
    memcpy(t->shape, input->shape, sizeof t->shape);
    uint32_t first = model->max_batch_size > 0 ? 1 : 0;
    if (!fit_shape(t, first, steps) || !fits(input->shape, t->rank, t->shape)) {
        return refuse(steps, model, fault);
    }
    t->row_bytes = (size_t)steps->width * steps->height * steps->channels *
                   datatype_size(t->datatype);
    fill_values(t, steps);
    return STATUS_OK;
}

/* One channel of the image to every `stride`th place from `at` on. */
static void
write_channel(const struct steps_tensor *t,
              const struct image *image,
              uint32_t channel,
              void *row,
              size_t at,
              size_t stride)
{
    size_t count = (size_t)image->width * image->height;
    const uint8_t *from = image->pixels + channel;
    for (size_t i = 0; i < count; i++, at += stride, from += image->channels) {
        switch (t->datatype) {
        case DATATYPE_FP32:
            ((float *)row)[at] = t->values[channel][*from];
            break;
        case DATATYPE_FP16:
            ((uint16_t *)row)[at] = t->halves[channel][*from];
            break;
        default:
            ((uint8_t *)row)[at] = *from;
        }
    }
}

void
steps_tensor_write(const struct steps_tensor *t, const struct image *image, void *row)
{
    size_t plane = (size_t)image->width * image->height;
    for (uint32_t c = 0; c < image->channels; c++) {
        if (t->planes) {
            write_channel(t, image, c, row, c * plane, 1);
        } else {
            write_channel(t, image, c, row, c, image->channels);
        }
    }
}
