/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gathering copies per input tensor, item after item: the rows of one tensor lie side
 * by side. A BYTES tensor is gathered in the same way and walked element by element
 * when it is read.
 */
#include "batcher/slab.h"

#include <assert.h>
#include <endian.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum status
slab_open(struct slab *s, uint64_t slot_bytes)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t rounded = (slot_bytes + page - 1) / page * page;
    *s = (struct slab){.fd = -1, .slot_bytes = rounded};
    s->fd = memfd_create("leat-slab", MFD_CLOEXEC);
    if (s->fd < 0) {
        return STATUS_IO;
    }
    size_t size = (size_t)rounded * SLOTS_PER_INSTANCE;
    if (ftruncate(s->fd, (off_t)size) != 0) {
        slab_close(s);
        return STATUS_IO;
    }
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
    if (memory == MAP_FAILED) {
        slab_close(s);
        return STATUS_IO;
    }
    s->memory = memory;
    return STATUS_OK;
}

void
slab_close(struct slab *s)
{
    if (s->memory != NULL) {
        munmap(s->memory, (size_t)s->slot_bytes * SLOTS_PER_INSTANCE);
    }
    if (s->fd >= 0) {
        close(s->fd);
    }
    *s = (struct slab){.fd = -1};
}

static uint64_t
align_up(uint64_t offset)
{
    return (offset + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
}

/** Copies one input of every item; false if the slot ends first. */
static bool
gather_input(struct slot_head *slot,
             uint64_t slot_bytes,
             uint32_t input,
             const struct item *items)
{
    struct slot_tensor *t = &slot->inputs[input];
    uint64_t at = t->offset;
    for (const struct item *it = items; it != NULL; it = it->next) {
        struct span data = it->request.inputs[it->input_order[input]].data;
        if (data.size > slot_bytes - at) {
            return false;
        }
        if (data.size > 0) {
            memcpy(slot_bytes_at(slot, at), data.data, data.size);
        }
        at += data.size;
    }
    t->size = at - t->offset;
    return true;
}

enum status
slab_gather(struct slot_head *slot,
            uint64_t slot_bytes,
            const struct model_spec *spec,
            const struct item *items)
{
    assert(items != NULL && "a batch holds at least one item");
    uint32_t rows = 0;
    for (const struct item *it = items; it != NULL; it = it->next) {
        rows += it->entry.rows;
    }
    uint64_t at = SLOT_DATA_OFFSET;
    for (uint32_t i = 0; i < spec->input_count; i++) {
        struct slot_tensor *t = &slot->inputs[i];
        const struct tensor *model = &items->request.inputs[items->input_order[i]];
        *t = (struct slot_tensor){
            .datatype = (uint32_t)model->datatype, .rank = model->rank, .offset = at};
        memcpy(t->name, spec->inputs[i].name.data, spec->inputs[i].name.size);
        memcpy(t->shape, model->shape, sizeof t->shape);
        if (spec->max_batch_size > 0) {
            t->shape[0] = rows;
        }
        if (at > slot_bytes || !gather_input(slot, slot_bytes, i, items)) {
            return STATUS_TOO_LARGE;
        }
        at = align_up(at + t->size);
    }
    if (at > slot_bytes) {
        return STATUS_TOO_LARGE;
    }
    slot->outcome = SLOT_SUCCEEDED;
    slot->rows = rows;
    slot->input_count = spec->input_count;
    slot->output_count = 0;
    slot->row_errors = 0;
    slot->inputs_end = at;
    slot->taken_ns = 0;
    slot->prepared_ns = 0;
    slot->started_ns = 0;
    slot->completed_ns = 0;
    slot->error[0] = '\0';
    memset(slot->row_failed, 0, rows);
    return STATUS_OK;
}

/** The spec's output of that name, or output_count. */
static uint32_t
output_index(const struct model_spec *spec, struct span name)
{
    uint32_t i = 0;
    while (i < spec->output_count && !span_equal(spec->outputs[i].name, name)) {
        i++;
    }
    return i;
}

static bool
shape_fits(const struct slot_tensor *t, const struct tensor_spec *spec)
{
    if (t->rank != spec->rank || t->datatype != (uint32_t)spec->datatype) {
        return false;
    }
    for (uint32_t d = 0; d < spec->rank; d++) {
        if (spec->shape[d] >= 0 && spec->shape[d] != t->shape[d]) {
            return false;
        }
    }
    return true;
}

/** Takes one output over into the reader, believing nothing. */
static enum status
reader_accept(struct slab_reader *r,
              struct slot_head *slot,
              uint64_t slot_bytes,
              const struct slot_tensor *t,
              const struct model_spec *spec)
{
    struct span name = span_of(t->name, strnlen(t->name, SLOT_NAME_BYTES));
    uint32_t i = output_index(spec, name);
    if (i == spec->output_count || r->outputs[i].name.data != NULL ||
        !shape_fits(t, &spec->outputs[i])) {
        return STATUS_MODEL_FAILED;
    }
    if (r->batching && (t->rank == 0 || t->shape[0] != (int64_t)r->rows)) {
        return STATUS_MODEL_FAILED;
    }
    if (t->offset < SLOT_DATA_OFFSET || t->offset > slot_bytes ||
        t->size > slot_bytes - t->offset) {
        return STATUS_MODEL_FAILED;
    }
    struct tensor *out = &r->outputs[i];
    *out = (struct tensor){.name = spec->outputs[i].name,
                           .datatype = spec->outputs[i].datatype,
                           .rank = t->rank,
                           .data = span_of(slot_bytes_at(slot, t->offset), t->size)};
    memcpy(out->shape, t->shape, sizeof out->shape);
    return tensor_check(out, NULL);
}

enum status
slab_reader_init(struct slab_reader *r,
                 struct slot_head *slot,
                 uint64_t slot_bytes,
                 const struct model_spec *spec,
                 uint32_t rows,
                 struct fault *fault)
{
    *r = (struct slab_reader){.count = spec->output_count,
                              .rows = rows,
                              .batching = spec->max_batch_size > 0};
    if (slot->output_count != spec->output_count) {
        return fault_set(fault, STATUS_MODEL_FAILED,
                         "the runner gave %u outputs instead of %u", slot->output_count,
                         spec->output_count);
    }
    for (uint32_t i = 0; i < spec->output_count; i++) {
        const struct slot_tensor t = slot->outputs[i];
        if (reader_accept(r, slot, slot_bytes, &t, spec) != STATUS_OK) {
            return fault_set(fault, STATUS_MODEL_FAILED,
                             "the runner's output %.*s is not what the model declared",
                             (int)SLOT_NAME_BYTES - 1, t.name);
        }
    }
    return STATUS_OK;
}

/** Bytes that the next `count` BYTES elements take. */
static size_t
bytes_of_elements(struct span data, size_t at, uint64_t count)
{
    size_t end = at;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t length;
        memcpy(&length, data.data + end, sizeof length);
        end += sizeof length + le32toh(length);
    }
    return end - at;
}

static uint64_t
elements_per_row(const struct tensor *t)
{
    uint64_t count = 1;
    for (uint32_t d = 1; d < t->rank; d++) {
        count *= (uint64_t)t->shape[d];
    }
    return count;
}

void
slab_reader_next(struct slab_reader *r, uint32_t rows, struct tensor *outputs)
{
    for (uint32_t i = 0; i < r->count; i++) {
        const struct tensor *whole = &r->outputs[i];
        outputs[i] = *whole;
        if (!r->batching) {
            continue;
        }
        uint64_t elements = elements_per_row(whole) * rows;
        size_t size = whole->datatype == DATATYPE_BYTES
                          ? bytes_of_elements(whole->data, r->at[i], elements)
                          : (size_t)elements * datatype_size(whole->datatype);
        outputs[i].shape[0] = rows;
        outputs[i].data = span_of(whole->data.data + r->at[i], size);
        r->at[i] += size;
    }
}
