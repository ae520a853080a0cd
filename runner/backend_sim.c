/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backend that stands for a device: it takes sim.alpha + sim.beta × rows, after
 * sim.decode in a stage of its own, and answers with a hash of each row (sim_hash.h),
 * so that schedulers can be measured and every answer be told from every other. It
 * sleeps until absolute instants, so its own work is part of the time, not on top of
 * it. Rows may be poisoned (sim_poison.h), but for the warm-up's.
 */
#include "base/clock.h"
#include "runner/backend.h"
#include "runner/sim_hash.h"
#include "runner/sim_poison.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUT_HASH, OUTPUT_VALUE };

struct sim {
    int64_t alpha_ns;    /* per batch */
    int64_t beta_ns;     /* per row, the padding's too */
    int64_t decode_ns;   /* per batch, before the run */
    int64_t memory_rows; /* most rows that find device memory */
    bool values;         /* there is an OUTPUT_VALUE */
    void *weight;        /* memory that it only holds; NULL = none */
    size_t weight_bytes;
    int device_fd; /* of sim.device.file, locked while it is loaded; 0 = none */
    struct sim_poison poison;
};

static enum status
read_times(struct sim *sim, const struct properties *p, struct fault *fault)
{
    const struct {
        const char *key;
        int64_t *out_ns;
    } times[] = {{"sim.alpha", &sim->alpha_ns},
                 {"sim.beta", &sim->beta_ns},
                 {"sim.decode", &sim->decode_ns}};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof times / sizeof times[0] && status == STATUS_OK; i++) {
        status = properties_duration(p, times[i].key, times[i].out_ns, fault);
    }
    return status;
}

static enum status
read_output(struct sim *sim, const struct properties *p, struct fault *fault)
{
    const char *output = properties_text(p, "sim.output");
    sim->values = output != NULL;
    if (output != NULL && strcmp(output, "fp32") != 0) {
        return fault_set(fault, STATUS_INVALID, "sim.output=%.60s: expected fp32",
                         output);
    }
    if (sim->poison.kinds[POISON_NAN].size > 0 && !sim->values) {
        return fault_set(
            fault, STATUS_INVALID,
            "sim.nan.on: there is no float output without sim.output=fp32");
    }
    return STATUS_OK;
}

/* Touches every page, so that the memory is there. */
static enum status
take_weight(struct sim *sim, const struct properties *p, struct fault *fault)
{
    static const int64_t range[] = {0, 1 << 20};
    int64_t mib = 0;
    enum status status = properties_int(p, "sim.memory.mib", range, &mib, fault);
    if (status != STATUS_OK || mib == 0) {
        return status;
    }
    sim->weight_bytes = (size_t)mib << 20;
    sim->weight = mmap(NULL, sim->weight_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (sim->weight == MAP_FAILED) {
        sim->weight = NULL;
        return fault_set(fault, STATUS_NO_MEMORY, "sim.memory.mib: no such memory");
    }
    return STATUS_OK;
}

/* What it says to have taken of a device. */
static enum status
take_device_memory(const struct properties *p, struct model *model, struct fault *fault)
{
    static const int64_t range[] = {0, 1 << 20};
    int64_t mib = 0;
    enum status status = properties_int(p, "sim.device.memory.mib", range, &mib, fault);
    model->device_bytes = (uint64_t)mib << 20;
    return status;
}

/* A device that holds one model at a time: who has the lock of the file is there, and
 * the kernel takes it from a runner that dies. */
static enum status
take_device_alone(struct sim *sim, const struct properties *p, struct fault *fault)
{
    const char *path = properties_text(p, "sim.device.file");
    if (path == NULL) {
        return STATUS_OK;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fault_set(fault, STATUS_INVALID, "sim.device.file=%.100s: %s", path,
                         strerrordesc_np(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return fault_set(fault, STATUS_NO_MEMORY,
                         "the device is out of memory: another model holds "
                         "sim.device.file=%.100s",
                         path);
    }
    sim->device_fd = fd;
    return STATUS_OK;
}

static void
sim_unload(void *state)
{
    const struct sim *sim = state;
    if (sim->device_fd > 0) {
        close(sim->device_fd);
    }
    if (sim->weight != NULL) {
        munmap(sim->weight, sim->weight_bytes);
    }
}

static void
add_output(struct model *model, const char *name, enum datatype datatype)
{
    struct model_tensor *t = &model->outputs[model->output_count++];
    bool batches = model->max_batch_size > 0;
    *t = (struct model_tensor){
        .datatype = datatype, .rank = batches ? 2 : 1, .shape = {batches ? -1 : 1, 1}};
    memcpy(t->name, name, strlen(name) + 1);
}

static enum status
sim_load(void *state,
         const struct model_source *source,
         struct model *model,
         struct fault *fault)
{
    static const int64_t rows[] = {1, SLOT_ROWS_MAX};
    struct sim *sim = state;
    const struct properties *p = source->properties;
    if (model->input_count == 0) {
        return fault_set(fault, STATUS_INVALID, "sim: no input.0 in the properties");
    }
    sim->memory_rows = SLOT_ROWS_MAX;
    if (read_times(sim, p, fault) != STATUS_OK ||
        properties_int(p, "sim.memory.rows", rows, &sim->memory_rows, fault) !=
            STATUS_OK ||
        sim_poison_read(&sim->poison, p, fault) != STATUS_OK ||
        read_output(sim, p, fault) != STATUS_OK ||
        take_weight(sim, p, fault) != STATUS_OK ||
        take_device_memory(p, model, fault) != STATUS_OK ||
        take_device_alone(sim, p, fault) != STATUS_OK) {
        return fault->status;
    }
    model->staged = properties_text(p, "sim.decode") != NULL;
    model->output_count = 0;
    add_output(model, "hash", DATATYPE_UINT64);
    if (sim->values) {
        add_output(model, "value", DATATYPE_FP32);
    }
    return STATUS_OK;
}

/* Bytes of the BYTES elements that `rest` begins with; STATUS_INVALID past its end. */
static enum status
elements_size(struct span rest, int64_t elements, size_t *size)
{
    size_t at = 0;
    for (int64_t i = 0; i < elements; i++) {
        uint32_t length = 0;
        if (rest.size - at < sizeof length) {
            return STATUS_INVALID;
        }
        memcpy(&length, rest.data + at, sizeof length);
        at += sizeof length;
        if (rest.size - at < length) {
            return STATUS_INVALID;
        }
        at += length;
    }
    *size = at;
    return STATUS_OK;
}

/* Takes the next row of input 0 off `rest`. */
static enum status
take_row(const struct batch *b, struct span *rest, struct span *row)
{
    const struct batch_input *in = &b->inputs[0];
    size_t size = in->data.size / b->rows;
    if (b->model->inputs[0].datatype == DATATYPE_BYTES) {
        int64_t elements = 1;
        for (uint32_t i = b->model->max_batch_size > 0 ? 1 : 0; i < in->rank; i++) {
            if (__builtin_mul_overflow(elements, in->shape[i], &elements)) {
                return STATUS_INVALID;
            }
        }
        if (elements_size(*rest, elements, &size) != STATUS_OK) {
            return STATUS_INVALID;
        }
    }
    *row = span_of(rest->data, size);
    *rest = span_of(rest->data + size, rest->size - size);
    return STATUS_OK;
}

static void
sleep_until(int64_t mono_ns)
{
    struct timespec at = {.tv_sec = mono_ns / NS_PER_S, .tv_nsec = mono_ns % NS_PER_S};
    int interrupted = 0;
    do {
        interrupted = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    } while (interrupted != 0);
}

/* Rows are decoded beside each other, so their number does not matter. */
static enum slot_outcome
sim_prepare(void *state, struct batch *b)
{
    const struct sim *sim = state;
    sleep_until(b->slot->taken_ns + sim->decode_ns);
    return SLOT_SUCCEEDED;
}

/* Lets every row do its harm. @param[out] answered rows that the answer will have */
static enum slot_outcome
suffer_rows(const struct sim *sim, struct batch *b, uint32_t *answered)
{
    struct span rest = b->inputs[0].data;
    *answered = b->rows;
    for (uint32_t i = 0; i < b->rows; i++) {
        struct span row;
        if (take_row(b, &rest, &row) != STATUS_OK) {
            return batch_fail(b, "row %" PRIu32 ": bytes that are no elements", i);
        }
        if (b->warm_up) {
            continue;
        }
        enum slot_outcome outcome = sim_poison_suffer(&sim->poison, b, i, row);
        if (outcome != SLOT_SUCCEEDED) {
            return outcome;
        }
        if (sim_poison_meets(&sim->poison, POISON_SHORT, row)) {
            *answered = b->rows - 1;
        }
    }
    return SLOT_SUCCEEDED;
}

/* The rows are known to be whole. */
static enum slot_outcome
answer_rows(const struct sim *sim, struct batch *b, uint32_t rows)
{
    int64_t shape[] = {rows, 1};
    uint64_t *hashes = batch_output(b, OUTPUT_HASH, shape, rows * sizeof *hashes);
    float *values = NULL;
    if (hashes != NULL && sim->values) {
        values = batch_output(b, OUTPUT_VALUE, shape, rows * sizeof *values);
    }
    if (hashes == NULL || (sim->values && values == NULL)) {
        return SLOT_FAILED;
    }
    struct span rest = b->inputs[0].data;
    for (uint32_t i = 0; i < rows; i++) {
        struct span row;
        if (take_row(b, &rest, &row) != STATUS_OK) {
            return batch_fail(b, "row %" PRIu32 " changed while it was read", i);
        }
        hashes[i] = sim_hash(row);
        if (sim->values) {
            bool bad = !b->warm_up && sim_poison_meets(&sim->poison, POISON_NAN, row);
            values[i] = bad ? NAN : sim_value(hashes[i]);
        }
    }
    return SLOT_SUCCEEDED;
}

static enum slot_outcome
sim_run(void *state, struct batch *b)
{
    const struct sim *sim = state;
    uint32_t rows = model_padded_rows(b->model, b->rows);
    if (rows > sim->memory_rows && !b->warm_up) {
        batch_fail(b, "%" PRIu32 " rows are over sim.memory.rows", rows);
        return SLOT_OUT_OF_MEMORY;
    }
    uint32_t answered = 0;
    enum slot_outcome outcome = suffer_rows(sim, b, &answered);
    if (outcome == SLOT_SUCCEEDED) {
        outcome = answer_rows(sim, b, answered);
    }
    int64_t takes_ns = sim->alpha_ns + sim->beta_ns * rows;
    if (outcome == SLOT_SUCCEEDED && takes_ns > 0) {
        sleep_until(b->slot->started_ns + takes_ns);
    }
    return outcome;
}

const struct backend_ops backend_sim = {
    .platform = "sim",
    .state_size = sizeof(struct sim),
    .load = sim_load,
    .unload = sim_unload,
    .prepare = sim_prepare,
    .run = sim_run,
};
