/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plug-in for the tests with the answers of the sim backend (FNV-1a of each row and a
 * number made of it) and every bad day a plug-in can have: a row that begins with DE AD
 * and one byte more does the harm of that byte. `wicked.alpha.us` is how long a batch
 * takes.
 */
#include <leat/plugin.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum harm {
    REJECT = 1, /* the row fails alone */
    FAIL,       /* it fails its batch */
    LOSE,       /* it loses the device */
    ABORT,      /* it kills the process */
    HANG,       /* it never ends */
    SEGFAULT,
    GIVE_NAN,   /* its value is NaN */
    SHORT,      /* outputs of a row too few */
    BAD_SIZE,   /* an output of another size than its shape's */
    BAD_ORDER,  /* the outputs in another order */
    NOTHING,    /* no output is taken */
    NO_OUTCOME, /* run() returns 42 */
    NO_MEMORY,  /* of the device */
    EXIT,       /* exit(0) */
    LEAK,       /* LEAK_BYTES are taken and never given back */
    BAD_ROW,    /* a row is failed that is not in the batch */
    QUIET,      /* run() fails without a word */
    REFUSE,     /* the row fails alone, by its caller's fault */
};

enum { ROW_BYTES_LEAST = 3, LEAK_BYTES = 16 << 20, PAGE_BYTES = 4096 };

struct wicked {
    const struct leat_log *log;
    unsigned alpha_us;
};

static int
wicked_load(struct leat_load *load, void **state)
{
    const struct leat_tensor tensors[] = {
        {"data", LEAT_UINT8, 2, {-1, -1}},
        {"hash", LEAT_UINT64, 2, {-1, 1}},
        {"value", LEAT_FP32, 2, {-1, 1}},
    };
    const char *alpha = load->property(load, "wicked.alpha.us");
    struct wicked *w = calloc(1, sizeof *w);
    if (w == NULL || load->add_input(load, &tensors[0]) != LEAT_OK ||
        load->add_output(load, &tensors[1]) != LEAT_OK ||
        load->add_output(load, &tensors[2]) != LEAT_OK) {
        free(w);
        return LEAT_FAILED;
    }
    w->log = load->log;
    w->alpha_us = alpha == NULL ? 0 : (unsigned)strtoul(alpha, NULL, 10);
    char text[128];
    if (LEAT_HAS(load, memory)) {
        load->memory(load, 12345);
    }
    snprintf(text, sizeof text, "wicked on %s in %.60s", load->device,
             strrchr(load->directory, '/') + 1);
    load->log->write(load->log, LEAT_INFO, text);
    *state = w;
    return LEAT_OK;
}

static enum harm
harm_of(const struct leat_batch *b, const uint8_t *row, size_t size)
{
    bool is_bad =
        !b->warm_up && size >= ROW_BYTES_LEAST && row[0] == 0xde && row[1] == 0xad;
    return is_bad ? (enum harm)row[2] : 0;
}

/* Harm to the process. */
static void
end_process(enum harm harm)
{
    if (harm == ABORT) {
        abort();
    }
    if (harm == SEGFAULT) {
        volatile int *volatile nowhere = NULL;
        *nowhere = 1;
    }
    if (harm == EXIT) {
        exit(0);
    }
    while (harm == HANG) {
        pause();
    }
}

static void
leak(void)
{
    volatile char *lost = malloc(LEAK_BYTES);
    for (size_t i = 0; lost != NULL && i < LEAK_BYTES; i += PAGE_BYTES) {
        lost[i] = 1;
    }
}

/* Harm to the batch. @return what run() returns, -1 to go on */
static int
spoil_batch(struct leat_batch *b, enum harm harm, uint32_t row)
{
    switch (harm) {
    case REJECT:
        b->fail_row(b, row, "wicked: this row is rejected");
        return -1;
    case REFUSE:
        b->refuse_row(b, row, "wicked: nobody should ask this");
        return -1;
    case FAIL:
        return b->fail(b, "wicked: the batch fails");
    case LOSE:
        (void)b->fail(b, "wicked: the device is lost");
        return LEAT_DEVICE_LOST;
    case NO_MEMORY:
        return LEAT_OUT_OF_MEMORY;
    case NOTHING:
        return LEAT_OK;
    case NO_OUTCOME:
        return 42;
    case BAD_ROW:
        b->fail_row(b, b->rows, "wicked: there is no such row");
        return -1;
    case QUIET:
        return LEAT_FAILED;
    default:
        return -1;
    }
}

static uint64_t
fnv(const uint8_t *data, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ data[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

struct outputs {
    uint64_t *hash;
    float *value;
};

/* Takes the outputs, as the worst of the rows wants it. */
static struct outputs
take_outputs(struct leat_batch *b, enum harm worst)
{
    int64_t shape[] = {worst == SHORT ? (int64_t)b->rows - 1 : (int64_t)b->rows, 1};
    size_t rows = (size_t)shape[0];
    struct outputs out = {.hash = NULL};
    if (worst == BAD_ORDER) {
        out.value = b->output(b, 1, shape, rows * sizeof *out.value);
        return out;
    }
    out.hash = b->output(b, 0, shape, rows * sizeof *out.hash);
    out.value =
        b->output(b, 1, shape, rows * sizeof *out.value + (worst == BAD_SIZE ? 4 : 0));
    return out;
}

static int
wicked_run(void *state, struct leat_batch *b)
{
    const struct wicked *w = state;
    const struct leat_input *in = &b->inputs[0];
    size_t size = in->size / b->rows;
    enum harm worst = 0;
    if (w->alpha_us > 0) {
        usleep(w->alpha_us);
    }
    for (uint32_t i = 0; i < b->rows; i++) {
        enum harm harm = harm_of(b, (const uint8_t *)in->data + i * size, size);
        end_process(harm);
        if (harm == LEAK) {
            leak();
        }
        int end = spoil_batch(b, harm, i);
        if (end >= 0) {
            return end;
        }
        worst = harm > worst && harm < LEAK && harm != GIVE_NAN ? harm : worst;
    }
    struct outputs out = take_outputs(b, worst);
    if (out.hash == NULL || out.value == NULL) {
        return LEAT_OK; /* wrongly: whoever called knows better */
    }
    for (uint32_t i = 0; i < b->rows; i++) {
        const uint8_t *row = (const uint8_t *)in->data + i * size;
        out.hash[i] = fnv(row, size);
        out.value[i] = harm_of(b, row, size) == GIVE_NAN
                           ? NAN
                           : (float)(out.hash[i] >> 40) * 0x1p-24F;
    }
    return LEAT_OK;
}

static void
wicked_unload(void *state)
{
    struct wicked *w = state;
    w->log->write(w->log, LEAT_WARN, "wicked is unloaded");
    free(w);
}

static const struct leat_plugin wicked = {
    LEAT_PLUGIN_HEAD,
    .load = wicked_load,
    .run = wicked_run,
    .unload = wicked_unload,
};

const struct leat_plugin *
leat_plugin_get(void)
{
    return &wicked;
}
