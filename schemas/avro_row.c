/* SPDX-License-Identifier: Apache-2.0 */
/* A field is read element by element into bytes of the tensor's datatype; one that the
 * model does not want is read into nothing.
 */
#include "schemas/avro_row.h"

#include "schemas/avro_read.h"
#include "schemas/avro_text.h"

#include <string.h>

enum {
    DATA_MAX = 256 * 1024 * 1024,
    ELEMENTS_MAX = 64 * 1024 * 1024,
    LENGTH_BYTES = 4
};

struct row {
    struct avro_reader reader;
    const struct avro_field *field;
    const struct tensor_spec *spec; /* NULL: the field is passed over */
    struct buf data;                /* of the tensor */
    size_t elements;
    struct span text;    /* the last text read */
    bool null;           /* a null was met */
    struct fault *fault; /* why the row is no request; its status is OK at first */
};

static void
put(struct row *w, const void *value, size_t size)
{
    buf_append(&w->data, value, size); /* x86-64 and aarch64 are little-endian */
    w->elements++;
}

/* The row is read on, as the next one stands behind it. */
static void
refuse(struct row *w, enum status status, const char *what)
{
    if (w->fault->status == STATUS_OK) {
        (void)fault_set(w->fault, status, "%.*s: %s for an input of %s",
                        (int)w->field->name.size, (const char *)w->field->name.data,
                        what, datatype_name(w->spec->datatype));
    }
}

/* The range of each integer datatype. */
static const struct {
    int64_t min;
    int64_t max;
} ranges[DATATYPE_COUNT] = {
    [DATATYPE_UINT8] = {0, UINT8_MAX},
    [DATATYPE_UINT16] = {0, UINT16_MAX},
    [DATATYPE_UINT32] = {0, UINT32_MAX},
    [DATATYPE_UINT64] = {0, INT64_MAX},
    [DATATYPE_INT8] = {INT8_MIN, INT8_MAX},
    [DATATYPE_INT16] = {INT16_MIN, INT16_MAX},
    [DATATYPE_INT32] = {INT32_MIN, INT32_MAX},
    [DATATYPE_INT64] = {INT64_MIN, INT64_MAX},
};

static void
put_real(struct row *w, double value)
{
    float single = (float)value;
    if (w->spec->datatype == DATATYPE_FP32) {
        put(w, &single, sizeof single);
    } else if (w->spec->datatype == DATATYPE_FP64) {
        put(w, &value, sizeof value);
    } else {
        refuse(w, STATUS_INVALID, "a real number");
    }
}

static void
put_integer(struct row *w, int64_t value)
{
    enum datatype datatype = w->spec->datatype;
    if (datatype == DATATYPE_FP32 || datatype == DATATYPE_FP64) {
        put_real(w, (double)value);
    } else if (ranges[datatype].max == 0) {
        refuse(w, STATUS_INVALID, "an integer");
    } else if (value < ranges[datatype].min || value > ranges[datatype].max) {
        refuse(w, STATUS_INVALID, "an integer out of range");
    } else {
        put(w, &value, datatype_size(datatype)); /* the low bytes come first */
    }
}

static void
put_bytes(struct row *w, struct span bytes)
{
    if (w->spec->datatype == DATATYPE_BYTES) {
        uint32_t size = (uint32_t)bytes.size;
        buf_append(&w->data, &size, LENGTH_BYTES);
        put(w, bytes.data, bytes.size);
        return;
    }
    size_t size = datatype_size(w->spec->datatype);
    if (w->field->scalar != ROW_BYTES || bytes.size % size != 0) {
        refuse(w, STATUS_INVALID, "a text, or bytes of another size");
        return;
    }
    put(w, bytes.data, bytes.size);
    w->elements += bytes.size / size - 1;
}

static void
put_boolean(struct row *w, bool value)
{
    uint8_t byte = value;
    if (w->spec->datatype == DATATYPE_BOOL) {
        put(w, &byte, sizeof byte);
    } else {
        put_integer(w, value);
    }
}

static float
read_float(struct avro_reader *r)
{
    float value = 0;
    if ((size_t)(r->end - r->at) < sizeof value) {
        avro_fail(r, r->at, STATUS_INVALID, "ends inside a float");
        return 0;
    }
    memcpy(&value, r->at, sizeof value);
    r->at += sizeof value;
    return value;
}

static void
read_scalar(struct row *w)
{
    struct avro_reader *r = &w->reader;
    enum avro_scalar scalar = w->field->scalar;
    int64_t integer = 0;
    double real = 0;
    switch (scalar) {
    case ROW_BOOLEAN:
        integer = avro_read_boolean(r);
        break;
    case ROW_INT:
    case ROW_LONG:
        integer = avro_read_long(r);
        break;
    case ROW_FLOAT:
        real = read_float(r);
        break;
    case ROW_DOUBLE:
        real = avro_read_double(r);
        break;
    case ROW_STRING:
    case ROW_BYTES:
        w->text = avro_read_bytes(r, DATA_MAX);
        break;
    default:
        w->null = true;
        break;
    }
    if (w->spec == NULL || r->status != STATUS_OK) {
        return;
    }
    if (scalar == ROW_BOOLEAN) {
        put_boolean(w, integer != 0);
    } else if (scalar == ROW_INT || scalar == ROW_LONG) {
        put_integer(w, integer);
    } else if (scalar == ROW_FLOAT || scalar == ROW_DOUBLE) {
        put_real(w, real);
    } else if (scalar != ROW_NULL) {
        put_bytes(w, w->text);
    }
}

static void /* NOLINTNEXTLINE(misc-no-recursion): at most ROW_STEPS_MAX deep */
read_value(struct row *w, uint32_t step)
{
    if (step == w->field->step_count) {
        read_scalar(w);
        return;
    }
    enum avro_wrap wrap = w->field->steps[step];
    if (wrap == ROW_ARRAY) {
        struct avro_items items = {.max = ELEMENTS_MAX};
        while (avro_next_item(&w->reader, &items)) {
            read_value(w, step + 1);
        }
        return;
    }
    uint32_t branch = avro_read_index(&w->reader, 2);
    if (branch == (wrap == ROW_NULL_FIRST ? 0U : 1U)) {
        w->null = true;
    } else {
        read_value(w, step + 1);
    }
}

static const struct tensor_spec *
find_input(const struct model_info *model, struct span name)
{
    for (size_t i = 0; i < model->input_count; i++) {
        if (span_equal(model->inputs[i].name, name)) {
            return &model->inputs[i];
        }
    }
    return NULL;
}

/* One row of the model's shape; the one variable dimension is what the elements make.
 */
static void
fit_shape(struct tensor *t,
          const struct tensor_spec *spec,
          bool batching,
          size_t elements)
{
    uint32_t variable = spec->rank;
    size_t known = 1;
    t->rank = spec->rank;
    for (uint32_t i = 0; i < spec->rank; i++) {
        t->shape[i] = spec->shape[i] < 0 ? 1 : spec->shape[i];
        known *= t->shape[i] > 0 ? (size_t)t->shape[i] : 1;
        if (spec->shape[i] < 0 && !(batching && i == 0)) {
            variable = i;
        }
    }
    if (variable != spec->rank) {
        t->shape[variable] = (int64_t)(elements / known);
    }
}

static void
take_input(struct row *w,
           const struct model_info *model,
           struct oip_request *out,
           struct tensor *t)
{
    uint8_t *copy = arena_alloc(w->reader.arena, w->data.size + 1);
    if (copy == NULL || w->data.status != STATUS_OK) {
        refuse(w, STATUS_NO_MEMORY, "no memory");
        return;
    }
    if (w->null) {
        refuse(w, STATUS_INVALID, "null");
        return;
    }
    if (w->data.size > 0) {
        memcpy(copy, w->data.data, w->data.size);
    }
    *t = (struct tensor){.name = w->spec->name,
                         .datatype = w->spec->datatype,
                         .data = span_of(copy, w->data.size)};
    fit_shape(t, w->spec, model->max_batch_size > 0, w->elements);
    struct fault wrong;
    if (tensor_check(t, &wrong) != STATUS_OK) {
        refuse(w, STATUS_INVALID, "another number of elements");
        return;
    }
    out->input_count++;
}

/* @return false: the row is no record of the schema */
static bool
read_field(struct row *w,
           const struct model_info *model,
           struct oip_request *out,
           struct tensor *t)
{
    w->spec = find_input(model, w->field->name);
    buf_reset(&w->data);
    w->elements = 0;
    w->null = false;
    w->text = span_of(NULL, 0);
    read_value(w, 0);
    if (w->reader.status != STATUS_OK) {
        return false;
    }
    if (w->spec != NULL) {
        take_input(w, model, out, t);
    } else if (span_is_text(w->field->name, "id") && w->field->scalar == ROW_STRING &&
               w->text.data != NULL && avro_text_valid(w->text) == w->text.size) {
        out->id = w->text;
    }
    return true;
}

enum status
avro_row_read(const struct avro_row_schema *schema,
              const struct model_info *model,
              struct span *data,
              struct arena *arena,
              struct oip_request *out,
              struct fault *fault)
{
    struct fault broken = {.status = STATUS_OK, .text = ""};
    struct row w = {.fault = fault};
    fault->status = STATUS_OK;
    *out = (struct oip_request){0};
    struct tensor *inputs = arena_array(arena, model->input_count + 1, sizeof *inputs);
    avro_reader_init(&w.reader, *data, *data, arena, &broken);
    buf_init(&w.data, DATA_MAX);
    if (inputs == NULL) {
        (void)fault_set(fault, STATUS_NO_MEMORY, "no memory for the row");
    }
    for (size_t i = 0; inputs != NULL && i < schema->field_count; i++) {
        w.field = &schema->fields[i];
        size_t at = out->input_count < model->input_count ? out->input_count
                                                          : model->input_count;
        if (!read_field(&w, model, out, &inputs[at])) {
            break;
        }
    }
    buf_fini(&w.data);
    out->inputs = inputs;
    if (inputs == NULL || w.reader.status != STATUS_OK) {
        *data = span_of(NULL, 0);
        return inputs == NULL
                   ? STATUS_NO_MEMORY
                   : fault_set(fault, STATUS_INVALID,
                               "no record of the file's schema: %.150s", broken.text);
    }
    *data = span_of(w.reader.at, (size_t)(w.reader.end - w.reader.at));
    return fault->status;
}
