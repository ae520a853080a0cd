/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inputs of a request. Data that comes before its shape or datatype is passed over
 * first and read once the object is complete.
 */
#include "schemas/oip_read.h"

static struct oip_input *
last_input(struct oip_reader *r)
{
    return &r->inputs[r->input_count - 1];
}

static void
read_name(struct oip_reader *r)
{
    last_input(r)->tensor.name = oip_read_name(r);
}

static void
read_datatype(struct oip_reader *r)
{
    struct oip_input *in = last_input(r);
    struct span name = json_read_text(&r->json);
    if (datatype_from_name(name, &in->tensor.datatype) != STATUS_OK) {
        json_read_refuse(&r->json, STATUS_INVALID, "unknown datatype \"%.*s\"",
                         name.size < 40 ? (int)name.size : 40, (const char *)name.data);
    }
    in->has_datatype = true;
}

static void
read_shape(struct oip_reader *r)
{
    struct json_read *j = &r->json;
    struct tensor *t = &last_input(r)->tensor;
    json_read_enter(j, VALUE_ARRAY);
    while (json_read_element(j)) {
        if (t->rank == TENSOR_RANK_MAX) {
            json_read_refuse(j, STATUS_INVALID, "more than %d dimensions",
                             TENSOR_RANK_MAX);
            return;
        }
        t->shape[t->rank++] = oip_read_count(r, INT64_MAX);
    }
    int64_t elements = 0;
    if (tensor_elements(t->shape, t->rank, &elements) != STATUS_OK) {
        json_read_refuse(j, STATUS_INVALID, "more than 2^63 elements");
    }
    last_input(r)->has_shape = true;
}

static void
read_data(struct oip_reader *r)
{
    struct json_read *j = &r->json;
    struct oip_input *in = last_input(r);
    if (json_read_peek(j) != VALUE_ARRAY) {
        json_read_refuse(j, STATUS_INVALID, "expected an array");
        return;
    }
    in->data_at = j->at;
    if (in->has_shape && in->has_datatype) {
        oip_read_data(j, &in->tensor);
        in->data_read = true;
    } else {
        json_read_skip(j);
    }
}

static void
read_binary_size(struct oip_reader *r)
{
    last_input(r)->binary_size = oip_read_count(r, INT64_MAX);
}

static const struct oip_member input_parameters[] = {
    {"binary_data_size", read_binary_size},
    {"shared_memory_region", oip_read_shared_memory},
};

static void
read_parameters(struct oip_reader *r)
{
    oip_read_object(r, input_parameters,
                    sizeof(input_parameters) / sizeof(*input_parameters),
                    OIP_UNKNOWN_SKIPPED);
}

static const struct oip_member input_members[] = {
    {"name", read_name}, {"shape", read_shape},           {"datatype", read_datatype},
    {"data", read_data}, {"parameters", read_parameters},
};

/** Goes back to data that was passed over; its object was left just before. */
static void
read_late_data(struct json_read *j, struct oip_input *in)
{
    const uint8_t *behind = j->at;
    j->steps[j->depth++].key = span_of_text("data");
    j->at = in->data_at;
    oip_read_data(j, &in->tensor);
    if (j->status == STATUS_OK) {
        j->depth--;
        j->at = behind;
    }
}

/** The name of what a complete input lacks, or NULL. */
static const char *
missing_member(const struct oip_input *in)
{
    if (in->tensor.name.size == 0) {
        return "name";
    }
    if (!in->has_shape) {
        return "shape";
    }
    return in->has_datatype ? NULL : "datatype";
}

/** What can be said about an input only when all its members are known. */
static void
settle(struct json_read *j, struct oip_input *in)
{
    struct span name = in->tensor.name;
    const char *missing = missing_member(in);
    if (missing != NULL) {
        json_read_refuse(j, STATUS_INVALID, "input without a %s", missing);
    } else if (in->data_at == NULL && in->binary_size == OIP_NO_BINARY) {
        json_read_refuse(j, STATUS_INVALID,
                         "input \"%.*s\" has neither data nor "
                         "parameters.binary_data_size",
                         (int)name.size, (const char *)name.data);
    } else if (in->data_at != NULL && in->binary_size != OIP_NO_BINARY) {
        json_read_refuse(j, STATUS_INVALID,
                         "input \"%.*s\" has both data and "
                         "parameters.binary_data_size",
                         (int)name.size, (const char *)name.data);
    } else if (in->data_at != NULL && !in->data_read) {
        read_late_data(j, in);
    }
}

void
oip_read_inputs(struct oip_reader *r)
{
    struct json_read *j = &r->json;
    json_read_enter(j, VALUE_ARRAY);
    while (json_read_element(j)) {
        if (r->input_count == TENSORS_MAX) {
            json_read_refuse(j, STATUS_TOO_LARGE, "more than %d inputs", TENSORS_MAX);
            return;
        }
        r->inputs[r->input_count++] = (struct oip_input){.binary_size = OIP_NO_BINARY};
        oip_read_object(r, input_members,
                        sizeof(input_members) / sizeof(*input_members),
                        OIP_UNKNOWN_SKIPPED);
        if (j->status == STATUS_OK) {
            settle(j, last_input(r));
        }
    }
}
