/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backend that answers what it was asked: output N is input N, byte for byte. For
 * tests of the line and for measuring the line without a model.
 */
#include "runner/backend.h"

#include <inttypes.h>
#include <string.h>

static enum status
echo_load(void *state,
          const struct model_source *source,
          struct model *model,
          struct fault *fault)
{
    (void)state;
    (void)source;
    if (model->input_count == 0) {
        return fault_set(fault, STATUS_INVALID, "echo: no input.0 in the properties");
    }
    if (model->output_count == 0) {
        model->output_count = model->input_count;
        memcpy(model->outputs, model->inputs, sizeof model->inputs);
    }
    if (model->output_count != model->input_count) {
        return fault_set(fault, STATUS_INVALID,
                         "echo: %" PRIu32 " inputs but %" PRIu32 " outputs",
                         model->input_count, model->output_count);
    }
    for (uint32_t i = 0; i < model->input_count; i++) {
        const struct model_tensor *in = &model->inputs[i];
        const struct model_tensor *out = &model->outputs[i];
        if (in->datatype != out->datatype || in->rank != out->rank ||
            memcmp(in->shape, out->shape, in->rank * sizeof in->shape[0]) != 0) {
            return fault_set(fault, STATUS_INVALID,
                             "echo: output.%" PRIu32
                             " differs in datatype or shape from the input",
                             i);
        }
    }
    return STATUS_OK;
}

static enum slot_outcome
echo_run(void *state, struct batch *b)
{
    (void)state;
    for (uint32_t i = 0; i < b->model->input_count; i++) {
        const struct batch_input *in = &b->inputs[i];
        void *out = batch_output(b, i, in->shape, in->data.size);
        if (out == NULL) {
            return SLOT_FAILED;
        }
        memcpy(out, in->data.data, in->data.size);
    }
    return SLOT_SUCCEEDED;
}

const struct backend_ops backend_echo = {
    .platform = "echo",
    .load = echo_load,
    .run = echo_run,
};
