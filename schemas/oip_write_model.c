/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients of Triton ask about a model. Metadata shows shapes with the batch
 * dimension, the configuration without it, as perf_analyzer expects of both.
 */
#include "schemas/oip_write.h"

static void
write_specs(struct buf *b, const struct tensor_spec *specs, size_t count)
{
    buf_append_byte(b, '[');
    for (size_t i = 0; i < count; i++) {
        buf_append_text(b, i == 0 ? "{" : ",{");
        oip_write_key(b, "name");
        oip_write_text(specs[i].name, b);
        buf_append_byte(b, ',');
        oip_write_key(b, "datatype");
        oip_write_text(span_of_text(datatype_name(specs[i].datatype)), b);
        buf_append_byte(b, ',');
        oip_write_key(b, "shape");
        oip_write_shape(b, specs[i].shape, specs[i].rank);
        buf_append_byte(b, '}');
    }
    buf_append_byte(b, ']');
}

static void
write_versions(struct buf *b, const struct oip_names *names)
{
    buf_append_byte(b, '[');
    for (size_t i = 0; i < names->version_count; i++) {
        if (i > 0) {
            buf_append_byte(b, ',');
        }
        oip_write_text(names->versions[i], b);
    }
    buf_append(b, "],", 2);
}

void
oip_write_labels(const struct oip_label *labels, size_t count, struct buf *b)
{
    buf_append_byte(b, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            buf_append_byte(b, ',');
        }
        oip_write_text(labels[i].name, b);
        buf_append_byte(b, ':');
        oip_write_text(labels[i].version, b);
    }
    buf_append_byte(b, '}');
}

void
oip_write_model(const struct model_info *model,
                const struct oip_names *names,
                struct buf *b)
{
    buf_append_byte(b, '{');
    oip_write_key(b, "name");
    oip_write_text(model->model, b);
    buf_append_byte(b, ',');
    oip_write_key(b, "versions");
    write_versions(b, names);
    if (names->label_count > 0) {
        oip_write_key(b, "labels");
        oip_write_labels(names->labels, names->label_count, b);
        buf_append_byte(b, ',');
    }
    oip_write_key(b, "platform");
    oip_write_text(model->platform, b);
    buf_append_byte(b, ',');
    oip_write_key(b, "inputs");
    write_specs(b, model->inputs, model->input_count);
    buf_append_byte(b, ',');
    oip_write_key(b, "outputs");
    write_specs(b, model->outputs, model->output_count);
    buf_append_byte(b, '}');
}

/** The configuration's own names: TYPE_FP32, and TYPE_STRING for BYTES. */
static void
write_config_type(struct buf *b, enum datatype datatype)
{
    buf_append_text(b, "\"TYPE_");
    buf_append_text(b, datatype == DATATYPE_BYTES ? "STRING" : datatype_name(datatype));
    buf_append_byte(b, '"');
}

static void
write_config_specs(struct buf *b,
                   const struct tensor_spec *specs,
                   size_t count,
                   bool batching)
{
    buf_append_byte(b, '[');
    for (size_t i = 0; i < count; i++) {
        const struct tensor_spec *spec = &specs[i];
        uint32_t skipped = batching && spec->rank > 0 ? 1 : 0;
        buf_append_text(b, i == 0 ? "{" : ",{");
        oip_write_key(b, "name");
        oip_write_text(spec->name, b);
        buf_append_byte(b, ',');
        oip_write_key(b, "data_type");
        write_config_type(b, spec->datatype);
        buf_append_byte(b, ',');
        oip_write_key(b, "dims");
        oip_write_shape(b, spec->shape + skipped, spec->rank - skipped);
        buf_append_byte(b, '}');
    }
    buf_append_byte(b, ']');
}

void
oip_write_config(const struct model_info *model, struct buf *b)
{
    bool batching = model->max_batch_size > 0;
    buf_append_byte(b, '{');
    oip_write_key(b, "name");
    oip_write_text(model->model, b);
    buf_append_byte(b, ',');
    oip_write_key(b, "platform");
    oip_write_text(model->platform, b);
    buf_append_byte(b, ',');
    oip_write_key(b, "max_batch_size");
    oip_write_number(b, model->max_batch_size);
    buf_append_byte(b, ',');
    oip_write_key(b, "input");
    write_config_specs(b, model->inputs, model->input_count, batching);
    buf_append_byte(b, ',');
    oip_write_key(b, "output");
    write_config_specs(b, model->outputs, model->output_count, batching);
    if (batching) {
        buf_append_text(b, ",\"dynamic_batching\":{}");
    }
    buf_append_byte(b, '}');
}
