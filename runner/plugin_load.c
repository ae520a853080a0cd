/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See plugin_load.h. What a plug-in tells is checked as if it came over a wire: names
 * that do not end, ranks over the most, more tensors than a slot holds.
 */
#include "runner/plugin_load.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *
plugin_property(const struct leat_load *lent, const char *key)
{
    const struct plugin_load *l = (const struct plugin_load *)(const void *)lent;
    return properties_text(l->source->properties, key);
}

static int
plugin_load_fail(struct leat_load *lent, const char *why)
{
    struct plugin_load *l = (struct plugin_load *)(void *)lent;
    if (l->fault.status == STATUS_OK) {
        (void)fault_set(&l->fault, STATUS_INVALID, "%.200s", why);
    }
    return LEAT_FAILED;
}

static void
plugin_memory(struct leat_load *lent, uint64_t bytes)
{
    struct plugin_load *l = (struct plugin_load *)(void *)lent;
    l->told.device_bytes = bytes;
}

static bool
shape_is_sound(const struct leat_tensor *t, bool batches)
{
    for (uint32_t i = 0; i < t->rank; i++) {
        if (t->shape[i] < -1) {
            return false;
        }
    }
    return !batches || (t->rank > 0 && t->shape[0] == -1);
}

/* A name goes into lines of text, where a blank ends it. */
static bool
name_is_sound(const char name[static LEAT_NAME_BYTES])
{
    size_t size = strnlen(name, LEAT_NAME_BYTES);
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)name[i] <= ' ') {
            return false;
        }
    }
    return size > 0 && size < LEAT_NAME_BYTES;
}

static bool
name_is_taken(const struct model_tensor *tensors, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(tensors[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* @return what is wrong with the next tensor, or NULL */
static const char *
judge_tensor(const struct plugin_load *l,
             const struct leat_tensor *t,
             const struct model_tensor *before,
             uint32_t count)
{
    if (count == LEAT_TENSORS_MAX) {
        return "a model has at most 32";
    }
    if (!name_is_sound(t->name)) {
        return "its name is empty, has blanks or does not end within 64 bytes";
    }
    if (t->datatype > LEAT_BYTES) {
        return "its datatype is none of enum leat_datatype";
    }
    if (t->rank > LEAT_RANK_MAX) {
        return "it has over 8 dimensions";
    }
    if (!shape_is_sound(t, l->told.max_batch_size > 0)) {
        return l->told.max_batch_size > 0
                   ? "the model batches (max.batch.size > 0), so the first dimension "
                     "must be -1, and the others -1 or more"
                   : "a dimension is below -1";
    }
    return name_is_taken(before, count, t->name) ? "its name stands twice" : NULL;
}

static int
tell(struct plugin_load *l,
     const char *side,
     const struct leat_tensor *t,
     struct model_tensor *tensors,
     uint32_t *count)
{
    const char *wrong = judge_tensor(l, t, tensors, *count);
    if (wrong != NULL && l->fault.status == STATUS_OK) {
        (void)fault_set(&l->fault, STATUS_INVALID,
                        "the plug-in told %s %" PRIu32 " (%.*s): %s", side, *count,
                        LEAT_NAME_BYTES, t->name, wrong);
    }
    if (wrong != NULL) {
        return LEAT_FAILED;
    }
    struct model_tensor *out = &tensors[(*count)++];
    memcpy(out->name, t->name, sizeof out->name);
    out->datatype = (enum datatype)t->datatype;
    out->rank = t->rank;
    memcpy(out->shape, t->shape, sizeof out->shape);
    return LEAT_OK;
}

static int
plugin_add_input(struct leat_load *lent, const struct leat_tensor *tensor)
{
    struct plugin_load *l = (struct plugin_load *)(void *)lent;
    return tell(l, "input", tensor, l->told.inputs, &l->told.input_count);
}

static int
plugin_add_output(struct leat_load *lent, const struct leat_tensor *tensor)
{
    struct plugin_load *l = (struct plugin_load *)(void *)lent;
    return tell(l, "output", tensor, l->told.outputs, &l->told.output_count);
}

static void
lend_tensors(struct leat_tensor *out, const struct model_tensor *tensors, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        memcpy(out[i].name, tensors[i].name, sizeof out[i].name);
        out[i].datatype = (uint32_t)tensors[i].datatype;
        out[i].rank = tensors[i].rank;
        memcpy(out[i].shape, tensors[i].shape, sizeof out[i].shape);
    }
}

void
plugin_load_init(struct plugin_load *out,
                 const struct model_source *source,
                 const struct model *model,
                 const struct leat_log *log)
{
    *out = (struct plugin_load){.lent = {.size = sizeof out->lent,
                                         .minor = LEAT_PLUGIN_MINOR,
                                         .max_batch_size = model->max_batch_size,
                                         .directory = source->directory,
                                         .device = source->device,
                                         .input_count = model->input_count,
                                         .output_count = model->output_count,
                                         .inputs = out->inputs,
                                         .outputs = out->outputs,
                                         .log = log,
                                         .property = plugin_property,
                                         .add_input = plugin_add_input,
                                         .add_output = plugin_add_output,
                                         .fail = plugin_load_fail,
                                         .memory = plugin_memory},
                                .source = source,
                                .told = {.max_batch_size = model->max_batch_size}};
    lend_tensors(out->inputs, model->inputs, model->input_count);
    lend_tensors(out->outputs, model->outputs, model->output_count);
}

static bool
is_same(const struct model_tensor *a, const struct model_tensor *b)
{
    return strcmp(a->name, b->name) == 0 && a->datatype == b->datatype &&
           a->rank == b->rank &&
           memcmp(a->shape, b->shape, a->rank * sizeof a->shape[0]) == 0;
}

/* What is told counts, and lines that say otherwise are a mistake of somebody's. */
static enum status
choose(const char *side,
       const struct model_tensor *told,
       uint32_t told_count,
       struct model_tensor *tensors,
       uint32_t *count,
       struct fault *fault)
{
    if (told_count == 0 && *count > 0) {
        return STATUS_OK;
    }
    if (told_count == 0) {
        return fault_set(fault, STATUS_INVALID,
                         "no %s.0 in model.properties, and the plug-in tells none",
                         side);
    }
    for (uint32_t i = 0; i < *count; i++) {
        if (i == told_count || !is_same(&told[i], &tensors[i])) {
            return fault_set(fault, STATUS_INVALID,
                             "%s.%" PRIu32 " of model.properties is not what the "
                             "plug-in tells (%s); the line may be left out",
                             side, i, i == told_count ? "none" : told[i].name);
        }
    }
    memcpy(tensors, told, told_count * sizeof *told);
    *count = told_count;
    return STATUS_OK;
}

enum status
plugin_load_end(const struct plugin_load *l,
                int outcome,
                struct model *model,
                struct fault *fault)
{
    static const char *const outcomes[] = {
        [LEAT_FAILED] = "the plug-in's load() failed without saying why",
        [LEAT_OUT_OF_MEMORY] = "the plug-in's load() found no memory",
        [LEAT_DEVICE_LOST] = "the plug-in's load() lost the device"};
    if (l->fault.status != STATUS_OK) {
        *fault = l->fault;
        return fault->status;
    }
    if (outcome < LEAT_OK || outcome > LEAT_DEVICE_LOST) {
        return fault_set(fault, STATUS_INVALID,
                         "the plug-in's load() returned %d, which is no outcome",
                         outcome);
    }
    if (outcome != LEAT_OK) {
        bool no_memory = outcome == LEAT_OUT_OF_MEMORY;
        return fault_set(fault, no_memory ? STATUS_NO_MEMORY : STATUS_INVALID, "%s",
                         outcomes[outcome]);
    }
    model->device_bytes = l->told.device_bytes;
    enum status status = choose("input", l->told.inputs, l->told.input_count,
                                model->inputs, &model->input_count, fault);
    return status != STATUS_OK ? status
                               : choose("output", l->told.outputs, l->told.output_count,
                                        model->outputs, &model->output_count, fault);
}
