/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backend that stands for a device: it takes sim.alpha + sim.beta × rows and
 * answers with a hash of each row (sim_hash.h), so that schedulers can be measured and
 * every answer be told from every other. On demand a row that begins with chosen bytes
 * fails alone, fails its batch, kills the process or never ends: the poison of the
 * tests.
 */
#include "base/clock.h"
#include "runner/backend.h"
#include "runner/sim_hash.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { POISON_BYTES_MAX = 16 };

/* A row is poisoned if it begins with these bytes; size 0: no row is. */
struct poison {
    uint8_t bytes[POISON_BYTES_MAX];
    size_t size;
};

enum poison_kind {
    POISON_REJECT,
    POISON_FAIL,
    POISON_LOSE,
    POISON_CRASH,
    POISON_HANG,
    POISON_KINDS
};

static const char *const poison_keys[POISON_KINDS] = {
    [POISON_REJECT] = "sim.reject.on", [POISON_FAIL] = "sim.fail.on",
    [POISON_LOSE] = "sim.lose.on",     [POISON_CRASH] = "sim.crash.on",
    [POISON_HANG] = "sim.hang.on",
};

struct sim {
    int64_t alpha_ns;    /* per batch */
    int64_t beta_ns;     /* per row */
    int64_t memory_rows; /* most rows that find device memory */
    struct poison poison[POISON_KINDS];
};

static int
hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

static enum status
read_poison(const struct properties *p,
            const char *key,
            struct poison *out,
            struct fault *fault)
{
    const char *text = properties_text(p, key);
    if (text == NULL) {
        return STATUS_OK;
    }
    size_t size = strlen(text) / 2;
    bool ok = size > 0 && size <= POISON_BYTES_MAX && strlen(text) == size * 2;
    for (size_t i = 0; ok && i < size; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        ok = high >= 0 && low >= 0;
        out->bytes[i] = (uint8_t)(ok ? high * 16 + low : 0);
    }
    if (!ok) {
        return fault_set(fault, STATUS_INVALID,
                         "%s=%.60s: expected 1 to %d bytes in lower-case hex", key,
                         text, POISON_BYTES_MAX);
    }
    out->size = size;
    return STATUS_OK;
}

static enum status
sim_load(void *state,
         const struct model_source *source,
         struct model *model,
         struct fault *fault)
{
    struct sim *sim = state;
    const struct properties *p = source->properties;
    if (model->input_count == 0) {
        return fault_set(fault, STATUS_INVALID, "sim: no input.0 in the properties");
    }
    if (properties_duration(p, "sim.alpha", &sim->alpha_ns, fault) != STATUS_OK ||
        properties_duration(p, "sim.beta", &sim->beta_ns, fault) != STATUS_OK) {
        return STATUS_INVALID;
    }
    static const int64_t rows[] = {1, SLOT_ROWS_MAX};
    sim->memory_rows = SLOT_ROWS_MAX;
    if (properties_int(p, "sim.memory.rows", rows, &sim->memory_rows, fault) !=
        STATUS_OK) {
        return STATUS_INVALID;
    }
    for (size_t kind = 0; kind < POISON_KINDS; kind++) {
        if (read_poison(p, poison_keys[kind], &sim->poison[kind], fault) != STATUS_OK) {
            return STATUS_INVALID;
        }
    }
    struct model_tensor batched = {"hash", DATATYPE_UINT64, 2, {-1, 1}};
    struct model_tensor single = {"hash", DATATYPE_UINT64, 1, {1}};
    model->outputs[0] = model->max_batch_size > 0 ? batched : single;
    model->output_count = 1;
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

static bool
poisoned(const struct sim *sim, enum poison_kind kind, struct span row)
{
    const struct poison *p = &sim->poison[kind];
    return p->size > 0 && row.size >= p->size &&
           memcmp(row.data, p->bytes, p->size) == 0;
}

/* What a poisoned row does; SLOT_SUCCEEDED for a good one. */
static enum slot_outcome
suffer(const struct sim *sim, struct batch *b, uint32_t row_index, struct span row)
{
    if (b->warm_up) {
        return SLOT_SUCCEEDED;
    }
    if (poisoned(sim, POISON_CRASH, row)) {
        abort();
    }
    while (poisoned(sim, POISON_HANG, row)) {
        pause();
    }
    if (poisoned(sim, POISON_LOSE, row)) {
        batch_fail(b, "sim.lose.on met in row %" PRIu32, row_index);
        return SLOT_DEVICE_LOST;
    }
    if (poisoned(sim, POISON_FAIL, row)) {
        return batch_fail(b, "sim.fail.on met in a row of %zu bytes", row.size);
    }
    if (poisoned(sim, POISON_REJECT, row)) {
        b->slot->row_failed[row_index] = 1;
        batch_fail(b, "sim.reject.on met in row %" PRIu32, row_index);
    }
    return SLOT_SUCCEEDED;
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

static enum slot_outcome
sim_run(void *state, struct batch *b)
{
    const struct sim *sim = state;
    int64_t end_ns = clock_mono_ns() + sim->alpha_ns + sim->beta_ns * b->rows;
    if (b->rows > sim->memory_rows && !b->warm_up) {
        batch_fail(b, "%" PRIu32 " rows are over sim.memory.rows", b->rows);
        return SLOT_OUT_OF_MEMORY;
    }
    int64_t shape[] = {b->rows, 1};
    uint64_t *hashes = batch_output(b, 0, shape, b->rows * sizeof *hashes);
    if (hashes == NULL) {
        return SLOT_FAILED;
    }
    struct span rest = b->inputs[0].data;
    for (uint32_t i = 0; i < b->rows; i++) {
        struct span row;
        if (take_row(b, &rest, &row) != STATUS_OK) {
            return batch_fail(b, "row %" PRIu32 ": bytes that are no elements", i);
        }
        enum slot_outcome outcome = suffer(sim, b, i, row);
        if (outcome != SLOT_SUCCEEDED) {
            return outcome;
        }
        hashes[i] = sim_hash(row);
    }
    if (sim->alpha_ns + sim->beta_ns > 0) {
        sleep_until(end_ns);
    }
    return SLOT_SUCCEEDED;
}

const struct backend_ops backend_sim = {
    .platform = "sim",
    .state_size = sizeof(struct sim),
    .load = sim_load,
    .run = sim_run,
};
