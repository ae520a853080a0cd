/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See warm_up_input.h. A file of numbers is a row's bytes as V2 has them in a binary
 * tensor. A text that is alone in its row is the whole file, so that an image is put
 * there as it is; several have their lengths in front, as in V2.
 */
#include "runner/warm_up_input.h"

#include "runner/half.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LENGTH_BYTES = 4, PATH_BYTES = 4096 };

static const uint64_t FILE_BYTES_MAX = UINT64_C(1) << 30;

/* What is being read, for whoever has to be told of it. */
struct subject {
    const struct model *model;
    const struct model_tensor *tensor;
    const char *key;
    const char *value;
    struct fault *fault;
};

/* Shapes. */

static uint32_t
first_dimension(const struct model *model)
{
    return model->max_batch_size > 0 ? 1 : 0;
}

/* Variable dimensions of a row; the product of the others in *fixed. */
static uint32_t
count_variable(const struct subject *s, uint64_t *fixed)
{
    uint32_t count = 0;
    *fixed = (uint64_t)model_row_elements(s->model, s->tensor);
    for (uint32_t i = first_dimension(s->model); i < s->tensor->rank; i++) {
        count += s->tensor->shape[i] < 0 ? 1 : 0;
    }
    return count;
}

static void
set_shape(const struct subject *s, struct warm_up_input *in, int64_t variable)
{
    for (uint32_t i = 0; i < s->tensor->rank; i++) {
        in->shape[i] = s->tensor->shape[i] < 0 ? variable : s->tensor->shape[i];
    }
}

/* So many elements are a row. */
static bool
fit_shape(const struct subject *s, struct warm_up_input *in, uint64_t elements)
{
    uint64_t fixed = 0;
    bool open = count_variable(s, &fixed) == 1;
    bool fits = fixed > 0 && elements % fixed == 0 && elements > 0;
    set_shape(s, in, open && fits ? (int64_t)(elements / fixed) : 1);
    return open ? fits : elements == fixed;
}

/* Files. */

static enum status
complain_unread(const struct subject *s, enum status status, const char *why)
{
    return fault_set(s->fault, status, "%s=%.100s: %s", s->key, s->value, why);
}

/* The bytes of the file behind `room` bytes that are left free; owned by the caller. */
static enum status
read_file(const struct subject *s, FILE *file, size_t room, struct warm_up_input *in)
{
    struct stat info;
    if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) {
        return complain_unread(s, STATUS_INVALID, "it is no file");
    }
    if ((uint64_t)info.st_size > FILE_BYTES_MAX) {
        return complain_unread(s, STATUS_TOO_LARGE, "it is over 1 GiB");
    }
    in->row_bytes = (uint64_t)info.st_size + room;
    in->row = malloc(in->row_bytes + 1);
    if (in->row == NULL) {
        return complain_unread(s, STATUS_NO_MEMORY, "no memory");
    }
    size_t wanted = (size_t)info.st_size;
    return fread(in->row + room, 1, wanted, file) == wanted
               ? STATUS_OK
               : complain_unread(s, STATUS_IO, "it cannot be read");
}

static enum status
fit_numbers(const struct subject *s, struct warm_up_input *in)
{
    uint64_t size = datatype_size(s->tensor->datatype);
    uint64_t fixed = 0;
    if (in->row_bytes % size == 0 && fit_shape(s, in, in->row_bytes / size)) {
        return STATUS_OK;
    }
    bool open = count_variable(s, &fixed) == 1;
    return fault_set(s->fault, STATUS_INVALID,
                     "%s=%.100s: the file has %" PRIu64 " bytes, a row of input %s "
                     "(%s) takes %s%" PRIu64,
                     s->key, s->value, in->row_bytes, s->tensor->name,
                     datatype_name(s->tensor->datatype), open ? "a multiple of " : "",
                     fixed * size);
}

/* Texts with their lengths; false if one is cut short. */
static bool
count_texts(const struct warm_up_input *in, uint64_t *count)
{
    uint64_t at = 0;
    *count = 0;
    while (in->row_bytes - at >= LENGTH_BYTES) {
        uint32_t length = 0;
        memcpy(&length, in->row + at, LENGTH_BYTES);
        at += LENGTH_BYTES;
        if (le32toh(length) > in->row_bytes - at) {
            return false;
        }
        at += le32toh(length);
        ++*count;
    }
    return at == in->row_bytes;
}

static enum status
fit_texts(const struct subject *s, struct warm_up_input *in, bool alone)
{
    uint64_t count = 1;
    if (alone) {
        uint32_t length = htole32((uint32_t)(in->row_bytes - LENGTH_BYTES));
        memcpy(in->row, &length, LENGTH_BYTES);
        set_shape(s, in, 1);
        return STATUS_OK;
    }
    if (count_texts(in, &count) && fit_shape(s, in, count)) {
        return STATUS_OK;
    }
    return fault_set(s->fault, STATUS_INVALID,
                     "%s=%.100s: the file is not the %" PRId64
                     " texts of a row of input %s, each with its length in 4 bytes in "
                     "front",
                     s->key, s->value, model_row_elements(s->model, s->tensor),
                     s->tensor->name);
}

static enum status
take_file(const struct subject *s, struct warm_up_input *in, const char *directory)
{
    char path[PATH_BYTES];
    int size = snprintf(path, sizeof path, "%s/%s", directory, s->value);
    FILE *file = size < (int)sizeof path ? fopen(path, "re") : NULL;
    if (file == NULL) {
        return complain_unread(s, STATUS_NOT_FOUND, strerrordesc_np(errno));
    }
    bool texts = s->tensor->datatype == DATATYPE_BYTES;
    bool alone = texts && model_row_elements(s->model, s->tensor) == 1;
    in->kind = WARM_UP_FILE;
    enum status status = read_file(s, file, alone ? LENGTH_BYTES : 0, in);
    fclose(file);
    if (status != STATUS_OK) {
        return status;
    }
    return texts ? fit_texts(s, in, alone) : fit_numbers(s, in);
}

/* Keys. */

static enum status
read_input(const struct subject *s, struct warm_up_input *in, const char *directory)
{
    uint64_t size = datatype_size(s->tensor->datatype);
    uint64_t elements = (uint64_t)model_row_elements(s->model, s->tensor);
    set_shape(s, in, 1);
    if (__builtin_mul_overflow(elements, size > 0 ? size : LENGTH_BYTES,
                               &in->row_bytes)) {
        in->row_bytes = UINT64_MAX;
    }
    if (s->value == NULL || strcmp(s->value, "zeros") == 0) {
        return STATUS_OK;
    }
    if (strcmp(s->value, "random") != 0) {
        return take_file(s, in, directory);
    }
    if (s->tensor->datatype == DATATYPE_BYTES) {
        return fault_set(s->fault, STATUS_INVALID,
                         "%s=random: input %s is BYTES, for which a file has to say "
                         "what is likely",
                         s->key, s->tensor->name);
    }
    in->kind = WARM_UP_RANDOM;
    return STATUS_OK;
}

enum status
warm_up_inputs_read(struct warm_up_inputs *out,
                    const struct model *model,
                    const struct properties *properties,
                    const char *directory,
                    struct fault *fault)
{
    *out = (struct warm_up_inputs){.count = model->input_count, .state = 1};
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < SLOT_TENSORS_MAX && status == STATUS_OK; i++) {
        char key[32];
        snprintf(key, sizeof key, "warmup.input.%" PRIu32, i);
        const struct subject s = {.model = model,
                                  .tensor = &model->inputs[i],
                                  .key = key,
                                  .value = properties_text(properties, key),
                                  .fault = fault};
        if (i < model->input_count) {
            status = read_input(&s, &out->items[i], directory);
        } else if (s.value != NULL) {
            status = fault_set(fault, STATUS_INVALID,
                               "%s=%.100s: the model has %" PRIu32
                               " inputs, which begin with 0",
                               key, s.value, model->input_count);
        }
    }
    return status;
}

void
warm_up_inputs_fini(struct warm_up_inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++) {
        free(inputs->items[i].row);
    }
    *inputs = (struct warm_up_inputs){.count = 0};
}

/* Batches. */

/* SplitMix64, Steele, Lea and Flood, OOPSLA 2014. */
static uint64_t
next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* From 0 up to 1, or one of 0 to 127 (a BOOL: to 1): an index of most tables. */
static size_t
write_random(uint8_t *to, enum datatype datatype, uint64_t random)
{
    double part = (double)(random >> 11) / (double)(UINT64_C(1) << 53);
    float single = (float)(random >> 40) / (float)(1 << 24);
    uint64_t bits = random % (datatype == DATATYPE_BOOL ? 2 : 128);
    if (datatype == DATATYPE_FP64) {
        memcpy(&bits, &part, sizeof part);
    } else if (datatype == DATATYPE_FP16) {
        bits = half_from_float(single);
    } else if (datatype == DATATYPE_FP32 || datatype == DATATYPE_BF16) {
        uint32_t word = 0;
        memcpy(&word, &single, sizeof word);
        bits = datatype == DATATYPE_BF16 ? word >> 16 : word;
    }
    size_t size = datatype_size(datatype);
    memcpy(to, &bits, size);
    return size;
}

static void
write_rows(struct warm_up_inputs *inputs,
           const struct warm_up_input *in,
           enum datatype datatype,
           uint8_t *to,
           uint32_t rows)
{
    uint64_t size = in->row_bytes * rows;
    if (in->kind == WARM_UP_ZEROS) {
        memset(to, 0, size);
    }
    for (uint64_t at = 0; in->kind == WARM_UP_RANDOM && at < size;) {
        at += write_random(to + at, datatype, next_random(&inputs->state));
    }
    for (uint32_t i = 0; in->kind == WARM_UP_FILE && i < rows; i++) {
        memcpy(to + in->row_bytes * i, in->row, in->row_bytes);
    }
}

enum status
warm_up_inputs_fill(struct warm_up_inputs *inputs,
                    const struct model *model,
                    struct slot_head *slot,
                    uint64_t slot_bytes,
                    uint32_t rows,
                    struct fault *fault)
{
    slot->rows = rows;
    slot->input_count = model->input_count;
    uint64_t end = SLOT_DATA_OFFSET;
    for (uint32_t i = 0; i < model->input_count; i++) {
        const struct model_tensor *spec = &model->inputs[i];
        const struct warm_up_input *in = &inputs->items[i];
        struct slot_tensor *t = &slot->inputs[i];
        if (__builtin_mul_overflow(in->row_bytes, (uint64_t)rows, &t->size) ||
            t->size > slot_bytes - end) {
            return fault_set(fault, STATUS_TOO_LARGE,
                             "%" PRIu32
                             " rows of input %s do not fit a slot of %" PRIu64
                             " bytes; lower max.batch.size or raise the slot's bytes",
                             rows, spec->name, slot_bytes);
        }
        memcpy(t->name, spec->name, sizeof t->name);
        t->datatype = (uint32_t)spec->datatype;
        t->rank = spec->rank;
        memcpy(t->shape, in->shape, sizeof t->shape);
        if (model->max_batch_size > 0) {
            t->shape[0] = rows;
        }
        t->offset = end;
        write_rows(inputs, in, spec->datatype, slot_bytes_at(slot, end), rows);
        end = (end + t->size + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
        end = end < slot_bytes ? end : slot_bytes;
    }
    slot->inputs_end = end;
    return STATUS_OK;
}
