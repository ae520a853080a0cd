/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps around a model of any platform (`steps=` of model.properties): a backend that
 * wraps another one, which does not know of it. The inner backend is given batches in a
 * slot of our own memory: its inputs stand there as the parent would have put them, or
 * stay where they are if no step changes them, and its outputs are read there. What the
 * outside sees, `model` of the instance, are the tensors of the whole chain. Images are
 * decoded in prepare(), while the batch before runs: hence two such slots.
 */
#include "runner/backend.h"
#include "runner/steps_answer.h"
#include "runner/steps_image.h"

#include <endian.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { LANES = 2, LENGTH_BYTES = 4 };

/* For an output whose size the model does not tell; costs nothing until it is used. */
static const uint64_t OUTPUT_BYTES_UNKNOWN = UINT64_C(1) << 28;

struct lane {
    const struct batch *of; /* the outer batch; set once */
    struct batch inner;
    struct slot_head *slot; /* mapped */
};

struct steps_backend {
    struct steps steps;
    const struct backend_ops *ops; /* the inner ones; NULL before its load() */
    void *state;
    struct model model; /* the inner one */
    struct steps_image image;
    struct steps_answer answer;
    uint64_t lane_bytes;
    struct lane lanes[LANES];
};

/* Loading. */

static uint64_t
align_up(uint64_t offset)
{
    return (offset + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
}

/* Bytes that a full batch of it takes; of BYTES and variable dimensions a guess. */
static uint64_t
output_bytes(const struct model *model, const struct model_tensor *t)
{
    uint64_t rows = model->max_batch_size > 0 ? model->max_batch_size : 1;
    uint64_t bytes = datatype_size(t->datatype) * rows;
    for (uint32_t i = model->max_batch_size > 0 ? 1 : 0; i < t->rank; i++) {
        bool fits = t->shape[i] >= 0 &&
                    !__builtin_mul_overflow(bytes, (uint64_t)t->shape[i], &bytes);
        bytes = fits ? bytes : 0;
    }
    return bytes == 0 ? OUTPUT_BYTES_UNKNOWN : bytes;
}

static enum status
map_lanes(struct steps_backend *s, struct fault *fault)
{
    const struct model *model = &s->model;
    uint64_t rows = model->max_batch_size > 0 ? model->max_batch_size : 1;
    uint64_t size = SLOT_DATA_OFFSET + align_up(rows * SLOT_ROW_ERROR_BYTES);
    if (s->steps.decodes) {
        size += align_up(rows * s->image.tensor.row_bytes);
    }
    for (uint32_t i = 0; i < model->output_count; i++) {
        size += align_up(output_bytes(model, &model->outputs[i]));
    }
    s->lane_bytes = size;
    for (size_t i = 0; i < LANES; i++) {
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) {
            return fault_set(fault, STATUS_NO_MEMORY,
                             "steps: no memory for batches of %llu bytes",
                             (unsigned long long)size);
        }
        s->lanes[i].slot = memory;
    }
    return STATUS_OK;
}

static enum status
load_inner(struct steps_backend *s,
           const struct model_source *source,
           const struct model *model,
           struct fault *fault)
{
    const struct backend_ops *ops = backend_find(source->platform);
    s->state = calloc(1, ops->state_size > 0 ? ops->state_size : 1);
    if (s->state == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory");
    }
    s->model = *model;
    s->ops = ops;
    return ops->load(s->state, source, &s->model, fault);
}

/* What the outside sees where images come in. */
static void
name_input(struct model *model)
{
    bool batches = model->max_batch_size > 0;
    model->input_count = 1;
    model->inputs[0] = (struct model_tensor){.name = "image",
                                             .datatype = DATATYPE_BYTES,
                                             .rank = batches ? 2 : 1,
                                             .shape = {batches ? -1 : 1, 1}};
}

static enum status
steps_load(void *state,
           const struct model_source *source,
           struct model *model,
           struct fault *fault)
{
    struct steps_backend *s = state;
    enum status status =
        steps_parse(properties_text(source->properties, "steps"), &s->steps, fault);
    if (status == STATUS_OK) {
        status = load_inner(s, source, model, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    *model = s->model;
    if (s->steps.decodes) {
        status = steps_image_init(&s->image, &s->steps, &s->model, fault);
        name_input(model);
        model->staged = true;
    }
    if (status == STATUS_OK) {
        status = steps_answer_fit(&s->answer, &s->steps, source, model, fault);
    }
    return status == STATUS_OK ? map_lanes(s, fault) : status;
}

static void
steps_unload(void *state)
{
    struct steps_backend *s = state;
    if (s->ops != NULL && s->ops->unload != NULL) {
        s->ops->unload(s->state);
    }
    free(s->state);
    steps_image_fini(&s->image);
    steps_answer_fini(&s->answer);
    for (size_t i = 0; i < LANES; i++) {
        if (s->lanes[i].slot != NULL) {
            munmap(s->lanes[i].slot, s->lane_bytes);
        }
    }
}

/* Before the model. */

/*
 * The lane of a batch, which keeps it for good: there are as many lanes as batches.
 * Each is given away by the thread that prepares its batch, before the other one has
 * it; and the second is looked at only by who does not own the first, one thread at a
 * time.
 */
static struct lane *
lane_of(struct steps_backend *s, const struct batch *b)
{
    size_t i = s->lanes[0].of == NULL || s->lanes[0].of == b ? 0 : 1;
    if (s->lanes[i].of == NULL) {
        s->lanes[i].of = b;
    }
    return &s->lanes[i];
}

/* A reason of the inner backend's becomes one of the outer batch. */
static enum slot_outcome
pass_on(struct batch *b, const struct batch *inner, enum slot_outcome outcome)
{
    if (outcome != SLOT_SUCCEEDED) {
        memcpy(b->slot->error, inner->slot->error, sizeof b->slot->error);
    }
    return outcome;
}

/* The next element of a BYTES tensor; false if it is cut short. */
static bool
next_element(struct span *data, struct span *out)
{
    uint32_t length = 0;
    if (data->size < LENGTH_BYTES) {
        return false;
    }
    memcpy(&length, data->data, LENGTH_BYTES);
    length = le32toh(length);
    if (length > data->size - LENGTH_BYTES) {
        return false;
    }
    *out = span_of(data->data + LENGTH_BYTES, length);
    *data = span_of(out->data + length, data->size - LENGTH_BYTES - length);
    return true;
}

/* Rows that are no images are told and left black. */
static enum slot_outcome
read_images(struct steps_backend *s, struct batch *b, uint8_t *rows)
{
    struct span data = b->inputs[0].data;
    size_t row_bytes = s->image.tensor.row_bytes;
    for (uint32_t i = 0; i < b->rows; i++) {
        struct span bytes;
        struct fault fault = {.text = ""};
        if (!next_element(&data, &bytes)) {
            return batch_fail(b, "the input image holds fewer elements than rows");
        }
        bytes = b->warm_up && bytes.size == 0 ? buf_span(&s->image.sample) : bytes;
        enum status status =
            steps_image_read(&s->image, bytes, rows + i * row_bytes, &fault);
        if (status != STATUS_OK) {
            bool ours = status == STATUS_NO_MEMORY;
            memset(rows + i * row_bytes, 0, row_bytes);
            batch_fail_row(b, i, ours ? SLOT_ROW_FAILED : SLOT_ROW_REFUSED, "%s",
                           fault.text);
        }
    }
    return SLOT_SUCCEEDED;
}

/* The images as the inner model's input, in its slot. */
static enum slot_outcome
put_images(struct steps_backend *s, struct batch *b, struct batch *inner)
{
    const struct steps_tensor *tensor = &s->image.tensor;
    struct slot_tensor *t = &inner->slot->inputs[0];
    struct batch_input *in = &inner->inputs[0];
    *t = (struct slot_tensor){.datatype = (uint32_t)tensor->datatype,
                              .rank = tensor->rank,
                              .offset = SLOT_DATA_OFFSET,
                              .size = tensor->row_bytes * b->rows};
    memcpy(t->name, s->model.inputs[0].name, sizeof t->name);
    memcpy(t->shape, tensor->shape, sizeof t->shape);
    if (s->model.max_batch_size > 0) {
        t->shape[0] = b->rows;
    }
    inner->slot->input_count = 1;
    inner->outputs_at = align_up(t->offset + t->size);
    in->rank = t->rank;
    memcpy(in->shape, t->shape, sizeof in->shape);
    in->data = span_of(slot_bytes_at(inner->slot, t->offset), t->size);
    return read_images(s, b, slot_bytes_at(inner->slot, t->offset));
}

/* Makes the inner batch. */
static enum slot_outcome
open_inner(struct steps_backend *s, struct batch *b)
{
    struct lane *lane = lane_of(s, b);
    struct batch *inner = &lane->inner;
    *inner = (struct batch){.slot = lane->slot,
                            .model = &s->model,
                            .slot_bytes = s->lane_bytes,
                            .outputs_at = SLOT_DATA_OFFSET,
                            .rows = b->rows,
                            .warm_up = b->warm_up};
    lane->slot->rows = b->rows;
    lane->slot->output_count = 0;
    lane->slot->row_errors = 0;
    lane->slot->error[0] = '\0';
    memset(lane->slot->row_failed, 0, b->rows);
    if (s->steps.decodes) {
        return put_images(s, b, inner);
    }
    memcpy(inner->inputs, b->inputs, sizeof inner->inputs);
    return SLOT_SUCCEEDED;
}

static enum slot_outcome
steps_prepare(void *state, struct batch *b)
{
    struct steps_backend *s = state;
    enum slot_outcome outcome = open_inner(s, b);
    if (outcome != SLOT_SUCCEEDED || !s->model.staged) {
        return outcome;
    }
    struct batch *inner = &lane_of(s, b)->inner;
    inner->slot->taken_ns = b->slot->taken_ns;
    return pass_on(b, inner, s->ops->prepare(s->state, inner));
}

/* Behind the model. */

static void
pass_on_rows(struct batch *b, const struct batch *inner)
{
    for (uint32_t i = 0; i < b->rows; i++) {
        uint8_t how = inner->slot->row_failed[i];
        if (how != SLOT_ROW_FINE) {
            batch_fail_row(b, i, (enum slot_row)how, "%s",
                           inner->row_errors == NULL
                               ? inner->slot->error
                               : inner->row_errors + (size_t)i * SLOT_ROW_ERROR_BYTES);
        }
    }
}

static enum slot_outcome
copy_outputs(struct batch *b, struct slot_head *from)
{
    for (uint32_t i = 0; i < from->output_count; i++) {
        const struct slot_tensor *t = &from->outputs[i];
        void *to = batch_output(b, i, t->shape, t->size);
        if (to == NULL) {
            return SLOT_FAILED;
        }
        memcpy(to, slot_bytes_at(from, t->offset), t->size);
    }
    return SLOT_SUCCEEDED;
}

static enum slot_outcome
steps_run(void *state, struct batch *b)
{
    struct steps_backend *s = state;
    enum slot_outcome outcome = b->model->staged ? SLOT_SUCCEEDED : open_inner(s, b);
    struct batch *inner = &lane_of(s, b)->inner;
    inner->slot->started_ns = b->slot->started_ns;
    if (outcome == SLOT_SUCCEEDED) {
        outcome = pass_on(b, inner, s->ops->run(s->state, inner));
    }
    if (outcome != SLOT_SUCCEEDED) {
        return outcome;
    }
    pass_on_rows(b, inner);
    bool changed = s->steps.softmax || s->steps.top > 0;
    return changed ? steps_answer_write(&s->answer, inner->slot,
                                        &inner->slot->outputs[0], b)
                   : copy_outputs(b, inner->slot);
}

const struct backend_ops backend_steps = {
    .platform = "steps",
    .state_size = sizeof(struct steps_backend),
    .load = steps_load,
    .unload = steps_unload,
    .prepare = steps_prepare,
    .run = steps_run,
};
