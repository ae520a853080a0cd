/* SPDX-License-Identifier: Apache-2.0 */
/* Reads `input=NAME DATATYPE d0,d1,...` lines; computes what a batch may take. */
#include "batcher/model_spec.h"

#include "batcher/tensor_line.h"

#include <string.h>

/** Takes the next line off the text. */
static struct span
line_next(struct span *text)
{
    const uint8_t *end = memchr(text->data, '\n', text->size);
    size_t size = end == NULL ? text->size : (size_t)(end - text->data);
    struct span line = span_of(text->data, size);
    size_t taken = end == NULL ? size : size + 1;
    text->data += taken;
    text->size -= taken;
    return line;
}

/** If the line is `key=...` the value, otherwise NULL data. */
static struct span
line_value(struct span line, const char *key)
{
    size_t length = strlen(key);
    if (line.size <= length || memcmp(line.data, key, length) != 0 ||
        line.data[length] != '=') {
        return span_of(NULL, 0);
    }
    return span_of(line.data + length + 1, line.size - length - 1);
}

struct span
control_value(struct span message, const char *key)
{
    while (message.size > 0) {
        struct span value = line_value(line_next(&message), key);
        if (value.data != NULL) {
            return value;
        }
    }
    return span_of(NULL, 0);
}

static enum status
read_tensor(struct span text, struct arena *arena, struct tensor_spec *t)
{
    enum status status = tensor_line_read(text, t, NULL);
    const char *copy = status == STATUS_OK ? arena_text(arena, t->name) : "";
    if (copy == NULL) {
        return STATUS_NO_MEMORY;
    }
    t->name = span_of_text(copy);
    return status;
}

enum status
model_spec_read(struct model_spec *spec,
                struct span message,
                struct arena *arena,
                struct fault *fault)
{
    spec->input_count = 0;
    spec->output_count = 0;
    while (message.size > 0) {
        struct span line = line_next(&message);
        struct span input = line_value(line, "input");
        struct span output = line_value(line, "output");
        if (input.data == NULL && output.data == NULL) {
            continue;
        }
        bool is_input = input.data != NULL;
        uint32_t *count = is_input ? &spec->input_count : &spec->output_count;
        struct tensor_spec *tensors = is_input ? spec->inputs : spec->outputs;
        if (*count == SLOT_TENSORS_MAX) {
            return fault_set(fault, STATUS_TOO_LARGE, "more than %d tensors",
                             (int)SLOT_TENSORS_MAX);
        }
        enum status status =
            read_tensor(is_input ? input : output, arena, &tensors[*count]);
        if (status != STATUS_OK) {
            return fault_set(fault, status,
                             "the runner's tensor line is not understood: %.*s",
                             (int)line.size, (const char *)line.data);
        }
        (*count)++;
    }
    if (spec->input_count == 0 || spec->output_count == 0) {
        return fault_set(fault, STATUS_INVALID,
                         "the runner named no inputs or no outputs");
    }
    return STATUS_OK;
}

/** A number up to the separator or the end of the text; false if there is none. */
static bool
take_number(struct span *text, int64_t *out)
{
    int64_t value = 0;
    size_t i = 0;
    for (; i < text->size && text->data[i] != ' '; i++) {
        if (text->data[i] < '0' || text->data[i] > '9' || i > 17) {
            return false;
        }
        value = value * 10 + (text->data[i] - '0');
    }
    if (i == 0) {
        return false;
    }
    size_t taken = i < text->size ? i + 1 : i;
    text->data += taken;
    text->size -= taken;
    *out = value;
    return true;
}

bool
model_spec_next_cost(struct span *message, struct model_cost *out)
{
    while (message->size > 0) {
        struct span value = line_value(line_next(message), "cost");
        int64_t rows = 0;
        if (value.data != NULL && take_number(&value, &rows) && rows >= 1 &&
            rows <= SLOT_ROWS_MAX && take_number(&value, &out->prepare_ns) &&
            take_number(&value, &out->run_ns) && value.size == 0) {
            out->rows = (uint32_t)rows;
            return true;
        }
    }
    return false;
}

int64_t
model_spec_memory(struct span message)
{
    static const int64_t most = INT64_C(1) << 50; /* sums of it stay numbers */
    struct span value = control_value(message, "memory");
    int64_t bytes = 0;
    bool whole = take_number(&value, &bytes) && value.size == 0;
    return !whole ? 0 : bytes < most ? bytes : most;
}

/** Bytes of one row of a tensor whose other dimensions are all known, else 0. */
static size_t
row_bytes(const struct tensor_spec *t, bool batching)
{
    size_t bytes = datatype_size(t->datatype);
    for (uint32_t d = batching ? 1 : 0; d < t->rank; d++) {
        size_t extent = t->shape[d] < 0 ? 0 : (size_t)t->shape[d];
        if (__builtin_mul_overflow(bytes, extent, &bytes)) {
            return 0;
        }
    }
    return bytes;
}

size_t
model_spec_output_bytes(const struct model_spec *spec)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < spec->output_count; i++) {
        bytes += row_bytes(&spec->outputs[i], spec->max_batch_size > 0);
    }
    return bytes;
}

size_t
model_spec_batch_bytes(const struct model_spec *spec, uint64_t slot_bytes)
{
    size_t fixed = SLOT_DATA_OFFSET +
                   (size_t)(spec->input_count + spec->output_count) * SLOT_ALIGN;
    return slot_bytes > fixed ? (size_t)slot_bytes - fixed : 0;
}

uint32_t
model_spec_rows_max(const struct model_spec *spec)
{
    if (spec->max_batch_size == 0) {
        return 1;
    }
    return spec->max_batch_size < SLOT_ROWS_MAX ? spec->max_batch_size : SLOT_ROWS_MAX;
}

static bool
tensors_equal(const struct tensor_spec *a, const struct tensor_spec *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!span_equal(a[i].name, b[i].name) || a[i].datatype != b[i].datatype ||
            a[i].rank != b[i].rank ||
            memcmp(a[i].shape, b[i].shape, a[i].rank * sizeof a[i].shape[0]) != 0) {
            return false;
        }
    }
    return true;
}

bool
model_spec_covers(const struct model_spec *to, const struct model_spec *from)
{
    return to->input_count == from->input_count &&
           to->output_count == from->output_count &&
           (to->max_batch_size > 0) == (from->max_batch_size > 0) &&
           to->max_batch_size >= from->max_batch_size &&
           tensors_equal(to->inputs, from->inputs, to->input_count) &&
           tensors_equal(to->outputs, from->outputs, to->output_count);
}

struct model_info
model_spec_info(const struct model_spec *spec)
{
    return (struct model_info){.model = spec->model,
                               .version = spec->version,
                               .platform = spec->platform,
                               .inputs = spec->inputs,
                               .input_count = spec->input_count,
                               .outputs = spec->outputs,
                               .output_count = spec->output_count,
                               .max_batch_size = (int32_t)spec->max_batch_size};
}
