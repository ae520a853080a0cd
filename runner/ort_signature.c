/* SPDX-License-Identifier: Apache-2.0 */
/* See ort_signature.h. */
#include "runner/ort_signature.h"

#include <inttypes.h>
#include <string.h>

enum { TENSOR_TEXT_BYTES = 160 };

/* "pixels FP32 -1,64", cut where it is long. */
static const char *
told(const struct model_tensor *t, char text[static TENSOR_TEXT_BYTES])
{
    struct buf b;
    buf_init(&b, TENSOR_TEXT_BYTES - 1);
    model_tensor_format(t, &b);
    memcpy(text, b.size > 0 ? (const char *)b.data : "", b.size);
    text[b.size] = '\0';
    buf_fini(&b);
    return text;
}

/* Index of the file's tensor of that name; side->count if it has none. */
static uint32_t
declared_named(const struct ort_side *side, const char *name)
{
    uint32_t i = 0;
    while (i < side->count && strcmp(side->tensors[i].tensor.name, name) != 0) {
        i++;
    }
    return i;
}

static const struct model_tensor *
file_tensor(const struct ort_side *side, uint32_t served)
{
    return &side->tensors[side->served[served]].tensor;
}

static bool
is_written(const struct model_tensor *tensors, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(tensors[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether what is written admits only what the file takes; `from` skips the batch. */
static bool
narrows(const struct model_tensor *written,
        const struct model_tensor *file,
        uint32_t from)
{
    if (written->datatype != file->datatype || written->rank != file->rank) {
        return false;
    }
    for (uint32_t i = from; i < file->rank; i++) {
        if (file->shape[i] >= 0 && written->shape[i] != file->shape[i]) {
            return false;
        }
    }
    return true;
}

/* What is written at `index` against the file's tensor of that name. */
static enum status
check_written(struct ort_side *side,
              const char *kind,
              uint32_t index,
              bool batches,
              const struct model_tensor *written,
              struct fault *fault)
{
    uint32_t at = declared_named(side, written->name);
    char ours[TENSOR_TEXT_BYTES];
    char theirs[TENSOR_TEXT_BYTES];
    if (at == side->count) {
        return fault_set(fault, STATUS_INVALID,
                         "%s.%" PRIu32 "=%s: the model has no such %s; its first is %s",
                         kind, index, told(written, ours), kind,
                         told(&side->tensors[0].tensor, theirs));
    }
    const struct ort_declared *file = &side->tensors[at];
    if (file->unusable[0] != '\0') {
        return fault_set(fault, STATUS_UNSUPPORTED, "the model's %s %s %s", kind,
                         file->tensor.name, file->unusable);
    }
    bool unsaid = file->tensor.rank == 0 && side->shapes_may_be_unsaid &&
                  file->tensor.datatype == written->datatype;
    if (!unsaid && !narrows(written, &file->tensor, batches ? 1 : 0)) {
        return fault_set(fault, STATUS_INVALID,
                         "%s.%" PRIu32 "=%s does not fit the model's %s %s", kind,
                         index, told(written, ours), kind, told(&file->tensor, theirs));
    }
    side->served[index] = at;
    return STATUS_OK;
}

/* Of one side, "input" or "output". */
static enum status
settle_side(struct ort_side *side,
            const char *kind,
            bool batches,
            struct model_tensor tensors[static SLOT_TENSORS_MAX],
            uint32_t *count,
            struct fault *fault)
{
    bool silent = *count == 0;
    *count = silent ? side->count : *count;
    for (uint32_t i = 0; i < *count; i++) {
        if (silent) {
            tensors[i] = side->tensors[i].tensor;
        }
        enum status status = check_written(side, kind, i, batches, &tensors[i], fault);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static enum status
all_inputs_served(const struct ort_side *side,
                  const struct model *model,
                  struct fault *fault)
{
    for (uint32_t i = 0; i < side->count; i++) {
        const struct model_tensor *t = &side->tensors[i].tensor;
        char text[TENSOR_TEXT_BYTES];
        if (!is_written(model->inputs, model->input_count, t->name)) {
            return fault_set(fault, STATUS_INVALID,
                             "the model also wants input %s; write all inputs or none",
                             told(t, text));
        }
    }
    return STATUS_OK;
}

/* The first dimension of an input says how many rows a batch has. */
static enum status
take_rows(struct ort_signature *s, const struct model_tensor *file, struct fault *fault)
{
    char text[TENSOR_TEXT_BYTES];
    if (file->rank == 0 || file->shape[0] == 0 || file->shape[0] > SLOT_ROWS_MAX) {
        return fault_set(fault, STATUS_INVALID,
                         "input %s has no batch dimension; set max.batch.size=0",
                         told(file, text));
    }
    uint32_t rows = file->shape[0] < 0 ? 0 : (uint32_t)file->shape[0];
    if (rows > 0 && s->fixed_rows > 0 && rows != s->fixed_rows) {
        return fault_set(fault, STATUS_INVALID,
                         "input %s: its first dimension is not the %" PRIu32
                         " of the others, so it is no batch; set max.batch.size=0",
                         told(file, text), s->fixed_rows);
    }
    s->fixed_rows = rows > 0 ? rows : s->fixed_rows;
    return STATUS_OK;
}

/* The first dimension of an output has to be the batch's. */
static enum status
check_rows(const struct ort_signature *s,
           const struct model_tensor *file,
           const struct model_tensor *served,
           struct fault *fault)
{
    char text[TENSOR_TEXT_BYTES];
    if (served->rank == 0) {
        return fault_set(
            fault, STATUS_INVALID,
            "output %s: the model does not say its shape, or it is one value "
            "for the whole batch; write output.0=NAME DATATYPE -1,..., or "
            "max.batch.size=0",
            told(file, text));
    }
    bool ours =
        file->rank == 0 || file->shape[0] < 0 || file->shape[0] == s->fixed_rows;
    return ours
               ? STATUS_OK
               : fault_set(fault, STATUS_INVALID,
                           "output %s: its first dimension is not that of a batch; set "
                           "max.batch.size=0, or serve the other outputs only",
                           told(file, text));
}

static enum status
settle_batch(struct ort_signature *s, struct model *model, struct fault *fault)
{
    for (uint32_t i = 0; i < model->input_count; i++) {
        struct model_tensor *t = &model->inputs[i];
        if (take_rows(s, file_tensor(&s->inputs, i), fault) != STATUS_OK) {
            return STATUS_INVALID;
        }
        t->shape[0] = -1;
    }
    if (s->fixed_rows > 0 && model->max_batch_size > s->fixed_rows) {
        return fault_set(fault, STATUS_INVALID,
                         "max.batch.size=%" PRIu32
                         ": the model's batches always have %" PRIu32
                         " rows; set max.batch.size=%" PRIu32,
                         model->max_batch_size, s->fixed_rows, s->fixed_rows);
    }
    for (uint32_t i = 0; i < model->output_count; i++) {
        struct model_tensor *t = &model->outputs[i];
        if (check_rows(s, file_tensor(&s->outputs, i), t, fault) != STATUS_OK) {
            return STATUS_INVALID;
        }
        t->shape[0] = -1;
    }
    return STATUS_OK;
}

enum status
ort_signature_settle(struct ort_signature *signature,
                     struct model *model,
                     struct fault *fault)
{
    bool batches = model->max_batch_size > 0;
    signature->fixed_rows = 0;
    enum status status = settle_side(&signature->inputs, "input", batches,
                                     model->inputs, &model->input_count, fault);
    if (status == STATUS_OK) {
        status = all_inputs_served(&signature->inputs, model, fault);
    }
    if (status == STATUS_OK) {
        status = settle_side(&signature->outputs, "output", batches, model->outputs,
                             &model->output_count, fault);
    }
    return status == STATUS_OK && batches ? settle_batch(signature, model, fault)
                                          : status;
}
