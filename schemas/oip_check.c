/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a request fits a model, before anything is produced. Where a model batches
 * (max_batch_size > 0), the first dimension of every input counts the rows of the
 * request; the other dimensions, and all of a model that does not batch, must be what
 * the model says, -1 standing for any of at least 1.
 */
#include "schemas/oip.h"
#include "schemas/oip_shape.h"

#include <inttypes.h>
#include <stdio.h>

enum { LENGTH_BYTES = 4, ROWS_UNKNOWN = -1 };

static const struct tensor_spec *
find_spec(const struct tensor_spec *specs, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(specs[i].name, name)) {
            return &specs[i];
        }
    }
    return NULL;
}

static enum status
refuse_name(struct fault *fault, const char *what, struct span name, const char *reason)
{
    return fault_set(fault, STATUS_INVALID, "%s \"%.*s\" %s", what,
                     name.size < NAME_MAX_BYTES / 2 ? (int)name.size
                                                    : NAME_MAX_BYTES / 2,
                     (const char *)name.data, reason);
}

static bool
shape_fits(const struct tensor *t, const struct tensor_spec *spec, bool batching)
{
    if (t->rank != spec->rank) {
        return false;
    }
    for (uint32_t i = batching ? 1 : 0; i < spec->rank; i++) {
        bool fits =
            spec->shape[i] < 0 ? t->shape[i] >= 1 : t->shape[i] == spec->shape[i];
        if (!fits) {
            return false;
        }
    }
    return true;
}

static enum status
check_rows(const struct tensor *t,
           const struct model_info *model,
           int64_t *rows,
           struct fault *fault)
{
    char reason[120];
    int64_t given = t->shape[0];
    if (given < 1 || given > model->max_batch_size) {
        (void)snprintf(reason, sizeof(reason),
                       "has %" PRId64 " rows, the model takes 1 to %" PRId32, given,
                       model->max_batch_size);
        return refuse_name(fault, "input", t->name, reason);
    }
    if (*rows != ROWS_UNKNOWN && *rows != given) {
        (void)snprintf(reason, sizeof(reason),
                       "has %" PRId64 " rows, the inputs before it %" PRId64, given,
                       *rows);
        return refuse_name(fault, "input", t->name, reason);
    }
    *rows = given;
    return STATUS_OK;
}

static enum status
check_input(const struct tensor *t,
            const struct model_info *model,
            int64_t *rows,
            struct fault *fault)
{
    const struct tensor_spec *spec =
        find_spec(model->inputs, model->input_count, t->name);
    if (spec == NULL) {
        return refuse_name(fault, "input", t->name, "is unknown to the model");
    }
    char reason[2 * OIP_SHAPE_TEXT + 40];
    if (t->datatype != spec->datatype) {
        (void)snprintf(reason, sizeof(reason), "is %s, the model wants %s",
                       datatype_name(t->datatype), datatype_name(spec->datatype));
        return refuse_name(fault, "input", t->name, reason);
    }
    bool batching = model->max_batch_size > 0;
    if (!shape_fits(t, spec, batching)) {
        char given[OIP_SHAPE_TEXT];
        char wanted[OIP_SHAPE_TEXT];
        oip_shape_format(t->shape, t->rank, given);
        oip_shape_format(spec->shape, spec->rank, wanted);
        (void)snprintf(reason, sizeof(reason), "has shape %s, the model wants %s",
                       given, wanted);
        return refuse_name(fault, "input", t->name, reason);
    }
    return batching && t->rank > 0 ? check_rows(t, model, rows, fault) : STATUS_OK;
}

static size_t
count_input(const struct oip_request *request, struct span name)
{
    size_t count = 0;
    for (size_t i = 0; i < request->input_count; i++) {
        count += span_equal(request->inputs[i].name, name);
    }
    return count;
}

static enum status
check_outputs(const struct oip_request *request,
              const struct model_info *model,
              struct fault *fault)
{
    for (size_t i = 0; i < request->output_count; i++) {
        struct span name = request->outputs[i];
        if (find_spec(model->outputs, model->output_count, name) == NULL) {
            return refuse_name(fault, "output", name, "is unknown to the model");
        }
        for (size_t k = 0; k < i; k++) {
            if (span_equal(request->outputs[k], name)) {
                return refuse_name(fault, "output", name, "is asked for twice");
            }
        }
    }
    return STATUS_OK;
}

enum status
oip_check_model(const struct oip_request *request,
                const struct model_info *model,
                int64_t *rows,
                struct fault *fault)
{
    int64_t common = ROWS_UNKNOWN;
    if (model->input_count == 0) {
        /* It was never loaded, so nobody knows: whoever loads it checks. */
        *rows = 1;
        return STATUS_OK;
    }
    for (size_t i = 0; i < request->input_count; i++) {
        enum status status = check_input(&request->inputs[i], model, &common, fault);
        if (status != STATUS_OK) {
            return status;
        }
    }
    for (size_t i = 0; i < model->input_count; i++) {
        size_t given = count_input(request, model->inputs[i].name);
        if (given != 1) {
            return refuse_name(fault, "input", model->inputs[i].name,
                               given == 0 ? "is missing" : "is given twice");
        }
    }
    enum status status = check_outputs(request, model, fault);
    if (status == STATUS_OK) {
        *rows = common == ROWS_UNKNOWN ? 1 : common;
    }
    return status;
}

/** A whole body as the one BYTES element it is. */
static enum status
fit_bytes(struct tensor *t, struct span body, struct arena *arena, struct fault *fault)
{
    if (body.size > UINT32_MAX) {
        return fault_set(fault, STATUS_TOO_LARGE, "a BYTES element of over 4 GiB");
    }
    uint8_t *element = arena_alloc(arena, LENGTH_BYTES + body.size);
    if (element == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the data");
    }
    for (int i = 0; i < LENGTH_BYTES; i++) {
        element[i] = (uint8_t)(body.size >> (8 * i));
    }
    memcpy(element + LENGTH_BYTES, body.data, body.size);
    t->data = span_of(element, LENGTH_BYTES + body.size);
    return STATUS_OK;
}

/**
 * Sets the shape of one row, with the variable dimension that the size asks for.
 *
 * @return STATUS_OK; STATUS_INVALID if there are several variable dimensions
 */
static enum status
fit_shape(struct tensor *t, const struct tensor_spec *spec, bool batching)
{
    uint32_t variable = spec->rank;
    t->rank = spec->rank;
    for (uint32_t i = 0; i < spec->rank; i++) {
        t->shape[i] = spec->shape[i] < 0 ? 1 : spec->shape[i];
        if (spec->shape[i] >= 0 || (batching && i == 0)) {
            continue;
        }
        if (variable != spec->rank) {
            return STATUS_INVALID;
        }
        variable = i;
    }
    int64_t known = 0;
    enum status status = tensor_elements(t->shape, t->rank, &known);
    size_t size = datatype_size(spec->datatype);
    if (status == STATUS_OK && variable != spec->rank && size > 0 && known > 0) {
        t->shape[variable] = (int64_t)(t->data.size / size) / known;
    }
    return status;
}

enum status
oip_fit_raw(struct oip_request *request,
            const struct model_info *model,
            struct arena *arena,
            struct fault *fault)
{
    if (!request->raw) {
        return STATUS_OK;
    }
    if (model->input_count != 1) {
        return fault_set(fault, STATUS_INVALID,
                         "a raw body is for models of one input, this one has %zu",
                         model->input_count);
    }
    struct tensor *t = arena_alloc(arena, sizeof(*t));
    if (t == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
    }
    const struct tensor_spec *spec = &model->inputs[0];
    *t = (struct tensor){.name = spec->name,
                         .datatype = spec->datatype,
                         .data = request->inputs[0].data};
    if (fit_shape(t, spec, model->max_batch_size > 0) != STATUS_OK) {
        return refuse_name(fault, "input", spec->name,
                           "has more than one variable dimension");
    }
    if (t->datatype == DATATYPE_BYTES) {
        enum status status = fit_bytes(t, t->data, arena, fault);
        if (status != STATUS_OK) {
            return status;
        }
    }
    struct fault reason = {.status = STATUS_OK};
    enum status status = tensor_check(t, &reason);
    if (status != STATUS_OK) {
        return refuse_name(fault, "input", spec->name, reason.text);
    }
    request->inputs = t;
    return STATUS_OK;
}
