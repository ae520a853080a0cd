/* SPDX-License-Identifier: Apache-2.0 */
/* See twin.h. */
#include "twin.h"

#include "base/buf.h"
#include "runner/warm_up_input.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Of the model written last. */
static uint32_t widest;

static void
die(const char *what)
{
    perror(what);
    exit(2);
}

float
twin_random(void)
{
    static uint64_t state = 42;
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (float)(state >> 40) / (float)(1 << 24);
}

/* Values that keep what comes out of a layer about as large as what goes in. */
static void
write_values(FILE *file, size_t count, float most)
{
    float values[1024];
    size_t held = 0;
    for (size_t i = 0; i < count; i++) {
        values[held++] = (2.0F * twin_random() - 1.0F) * most;
        if (held == sizeof values / sizeof values[0] || i + 1 == count) {
            fwrite(values, sizeof values[0], held, file);
            held = 0;
        }
    }
}

static void
write_header(FILE *file, const uint32_t *widths)
{
    struct buf header;
    buf_init(&header, 65536);
    buf_append_text(&header, "{");
    size_t at = 0;
    for (unsigned i = 0; widths[i + 1] != 0; i++) {
        size_t weight = (size_t)widths[i] * widths[i + 1] * sizeof(float);
        size_t bias = widths[i + 1] * sizeof(float);
        buf_append_format(&header,
                          "%s\"l%u.weight\":{\"dtype\":\"F32\",\"shape\":[%u,%u],"
                          "\"data_offsets\":[%zu,%zu]},\"l%u.bias\":{\"dtype\":\"F32\","
                          "\"shape\":[%u],\"data_offsets\":[%zu,%zu]}",
                          i == 0 ? "" : ",", i, widths[i + 1], widths[i], at,
                          at + weight, i, widths[i + 1], at + weight,
                          at + weight + bias);
        at += weight + bias;
    }
    buf_append_text(&header, "}");
    uint64_t size = header.size;
    fwrite(&size, sizeof size, 1, file);
    fwrite(header.data, 1, header.size, file);
    buf_fini(&header);
}

void
twin_write(const uint32_t *widths, char folder[FOLDER_BYTES])
{
    char path[FOLDER_BYTES + 32];
    snprintf(folder, FOLDER_BYTES, "/tmp/leat-gpu-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        die("mkdtemp");
    }
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        die(path);
    }
    write_header(file, widths);
    widest = widths[0];
    for (unsigned i = 0; widths[i + 1] != 0; i++) {
        widest = widths[i + 1] > widest ? widths[i + 1] : widest;
        write_values(file, (size_t)widths[i] * widths[i + 1],
                     sqrtf(3.0F / (float)widths[i]));
        write_values(file, widths[i + 1], 0.5F);
    }
    if (fclose(file) != 0) {
        die(path);
    }
}

void
twin_remove(const char *folder)
{
    char path[FOLDER_BYTES + 32];
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    unlink(path);
    rmdir(folder);
}

/* A slot with room for the most rows. */
static void
make_slab(struct twin *t)
{
    size_t rows = t->model.max_batch_size > 0 ? t->model.max_batch_size : 1;
    size_t bytes = SLOT_DATA_OFFSET + rows * 3 * (size_t)widest * 4 + 65536;
    t->slot_bytes = (bytes + 4095) / 4096 * 4096;
    int fd = memfd_create("gpu", MFD_CLOEXEC);
    size_t size = t->slot_bytes * SLOTS_PER_INSTANCE;
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0) {
        die("memfd");
    }
    t->slab = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (t->slab == MAP_FAILED) {
        die("mmap");
    }
}

enum status
twin_load(struct twin *t,
          const char *folder,
          const char *text,
          const char *device,
          uint32_t max_batch_size,
          struct fault *fault)
{
    *t = (struct twin){.model = {.max_batch_size = max_batch_size}};
    t->state = calloc(1, backend_dense.state_size);
    enum status status = properties_parse(&t->properties, span_of_text(text), fault);
    if (status == STATUS_OK) {
        status = model_read_tensors(&t->model, &t->properties, fault);
    }
    if (status == STATUS_OK) {
        status = model_read_buckets(&t->model, &t->properties, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    make_slab(t);
    struct model_source source = {
        .directory = folder,
        .properties = &t->properties,
        .device = device,
        .control_fd = -1,
        .slab = t->slab,
        .slab_bytes = t->slot_bytes * SLOTS_PER_INSTANCE,
    };
    return backend_dense.load(t->state, &source, &t->model, fault);
}

void
twin_unload(struct twin *t)
{
    backend_dense.unload(t->state);
    free(t->state);
    if (t->slab != NULL) {
        munmap(t->slab, t->slot_bytes * SLOTS_PER_INSTANCE);
    }
    properties_fini(&t->properties);
}

bool
twin_fill(struct twin *t, unsigned slot, uint32_t rows, const void *input)
{
    struct slot_head *head = slot_at(t->slab, t->slot_bytes, slot);
    struct fault fault;
    const struct properties none = {.count = 0};
    struct warm_up_inputs zeros;
    enum status status = warm_up_inputs_read(&zeros, &t->model, &none, "", &fault);
    if (status == STATUS_OK) {
        status =
            warm_up_inputs_fill(&zeros, &t->model, head, t->slot_bytes, rows, &fault);
    }
    warm_up_inputs_fini(&zeros);
    if (status != STATUS_OK) {
        snprintf(head->error, sizeof head->error, "%s", fault.text);
        return false;
    }
    memcpy(slot_bytes_at(head, head->inputs[0].offset), input, head->inputs[0].size);
    return true;
}

bool
twin_open(struct twin *t, unsigned batch, unsigned slot)
{
    struct slot_head *head = slot_at(t->slab, t->slot_bytes, slot);
    return batch_open(&t->batches[batch], head, t->slot_bytes, &t->model) == STATUS_OK;
}

enum slot_outcome
twin_prepare(
    struct twin *t, unsigned batch, unsigned slot, uint32_t rows, const void *input)
{
    if (!twin_fill(t, slot, rows, input) || !twin_open(t, batch, slot)) {
        return SLOT_FAILED;
    }
    return t->model.staged ? backend_dense.prepare(t->state, &t->batches[batch])
                           : SLOT_SUCCEEDED;
}

enum slot_outcome
twin_run(struct twin *t, unsigned batch)
{
    return backend_dense.run(t->state, &t->batches[batch]);
}

const void *
twin_output(const struct twin *t, unsigned batch, uint32_t index)
{
    struct slot_head *head = t->batches[batch].slot;
    return slot_bytes_at(head, head->outputs[index].offset);
}
