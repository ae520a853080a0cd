/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks on the device against the same on the CPU: every activation as last and as
 * hidden layer, odd and even widths, every bucket and a batch that does not fill it,
 * each precision, products by cuBLASLt and by our own kernels, two batches under way.
 * Weights and inputs keep values near 1; the tolerances are absolute.
 */
#include "check.h"
#include "twin.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    float tolerance;
} precisions[] = {
    {"fp32", 2e-5F},
    {"tf32", 1e-2F},
    {"fp16", 1e-2F},
    {"bf16", 8e-2F},
};
enum { PRECISIONS = sizeof precisions / sizeof precisions[0] };

struct network_case {
    uint32_t widths[WIDTHS_MAX];
    const char *text; /* of model.properties */
    uint32_t most;    /* max.batch.size */
};

static const struct network_case cases[] = {
    {{64, 128, 10}, "layers=l0 relu,l1 softmax\n", 70},
    {{1, 1}, "layers=l0 none\n", 3},
    {{1, 3, 1}, "layers=l0 tanh,l1 sigmoid\n", 0},
    {{37, 19, 5}, "layers=l0 gelu,l1 tanh\n", 33},
    {{784, 100, 33, 7}, "layers=l0 relu,l1 sigmoid,l2 none\n", 20},
    {{96, 64}, "layers=l0 gelu\n", 65},
    {{24, 40, 32, 16}, "layers=l0 softmax,l1 gelu,l2 relu\n", 130},
    {{20, 25, 30, 21}, "layers=l0 tanh,l1 softmax,l2 sigmoid\n", 17},
    {{100, 77}, "layers=l0 tanh\nbatch.buckets=1,5,9\n", 12},
    {{40, 600}, "layers=l0 softmax\n", 9},
    {{40, 1030}, "layers=l0 softmax\n", 9},
    {{16, 5000}, "layers=l0 softmax\n", 4},
    {{8, 17000}, "layers=l0 softmax\n", 2},
    {{50, 120}, "layers=l0 softmax\ntop.k=5\n", 19},
    {{50, 2000}, "layers=l0 softmax\ntop.k=32\n", 6},
    {{16, 5001}, "layers=l0 softmax\ntop.k=7\n", 3},
    {{48, 56, 10},
     "layers=l0 relu,l1 softmax\nnormalize=0.007843137,-1\n"
     "input.0=image UINT8 -1,4,4,3\n",
     26},
    {{27, 9}, "layers=l0 none\nnormalize=0.004,-0.5\ninput.0=image UINT8 -1,27\n", 11},
    {{30, 9}, "layers=l0 relu\nnormalize=2,-0.5\n", 6},
};

struct pair {
    struct twin cpu;
    struct twin gpu;
    uint8_t *input;
};

static void
fill_input(const struct pair *p, uint32_t rows)
{
    const struct model *m = &p->cpu.model;
    size_t count = rows * (size_t)model_row_elements(m, &m->inputs[0]);
    float *floats = (float *)(void *)p->input;
    for (size_t i = 0; i < count; i++) {
        if (m->inputs[0].datatype == DATATYPE_UINT8) {
            p->input[i] = (uint8_t)(twin_random() * 256.0F);
        } else {
            floats[i] = 2.0F * twin_random() - 1.0F;
        }
    }
}

/* The largest difference of output `index`, huge for a NaN. */
static float
difference(const struct pair *p, unsigned batch, uint32_t index, uint32_t rows)
{
    const struct model *m = &p->cpu.model;
    size_t count = rows * (size_t)model_row_elements(m, &m->outputs[index]);
    const float *a = twin_output(&p->cpu, 0, index);
    const float *b = twin_output(&p->gpu, batch, index);
    float most = 0.0F;
    for (size_t i = 0; i < count; i++) {
        float d = fabsf(a[i] - b[i]);
        most = d <= most ? most : (isnan(d) ? INFINITY : d);
    }
    return most;
}

/* A class may differ where its score is as good as that of the right one. */
static float
difference_of_top(const struct pair *p, unsigned batch, uint32_t rows, float tolerance)
{
    const struct model *m = &p->cpu.model;
    size_t count = rows * (size_t)model_row_elements(m, &m->outputs[0]);
    const int32_t *a = twin_output(&p->cpu, 0, 0);
    const int32_t *b = twin_output(&p->gpu, batch, 0);
    const float *scores = twin_output(&p->cpu, 0, 1);
    for (size_t i = 0; i < count; i++) {
        bool is_last = (i + 1) % (size_t)model_row_elements(m, &m->outputs[0]) == 0;
        bool near = is_last || scores[i] - scores[i + 1] < tolerance ||
                    (i > 0 && scores[i - 1] - scores[i] < tolerance);
        if (a[i] != b[i] && !near) {
            return INFINITY;
        }
    }
    return difference(p, batch, 1, rows);
}

/* Of the batch that the GPU has run, once the CPU has computed it too. */
static float
compare(struct pair *p, unsigned batch, uint32_t rows, float tolerance)
{
    if (twin_prepare(&p->cpu, 0, 0, rows, p->input) != SLOT_SUCCEEDED ||
        twin_run(&p->cpu, 0) != SLOT_SUCCEEDED) {
        return INFINITY;
    }
    return p->cpu.model.output_count == 2 ? difference_of_top(p, batch, rows, tolerance)
                                          : difference(p, batch, 0, rows);
}

static float
compare_rows(struct pair *p, uint32_t rows, float tolerance)
{
    fill_input(p, rows);
    if (twin_prepare(&p->gpu, 0, 0, rows, p->input) != SLOT_SUCCEEDED ||
        twin_run(&p->gpu, 0) != SLOT_SUCCEEDED) {
        tell("    %u rows: %s", rows, p->gpu.batches[0].slot->error);
        return INFINITY;
    }
    return compare(p, 0, rows, tolerance);
}

/* A long row of batches of alternating sizes, two under way: nobody's answer is
 * another's. The inputs are kept to compute each again on the CPU. */
static float
compare_in_pairs(struct pair *p, uint32_t most, float tolerance)
{
    enum { BATCHES = 7 };
    uint8_t *kept[BATCHES];
    const struct model *m = &p->cpu.model;
    size_t row = (size_t)model_row_elements(m, &m->inputs[0]) * sizeof(float);
    uint8_t *input = p->input;
    float worst = 0.0F;
    for (unsigned i = 0; i <= BATCHES; i++) {
        uint32_t rows = i % 2 == 0 ? most : (most + 1) / 2;
        if (i < BATCHES) {
            kept[i] = malloc(row * most);
            p->input = kept[i];
            fill_input(p, rows);
            worst = twin_prepare(&p->gpu, i % 2, i % SLOTS_PER_INSTANCE, rows,
                                 kept[i]) == SLOT_SUCCEEDED
                        ? worst
                        : INFINITY;
        }
        if (i > 0) {
            uint32_t before = i % 2 == 0 ? (most + 1) / 2 : most;
            p->input = kept[i - 1];
            float d = twin_run(&p->gpu, (i - 1) % 2) == SLOT_SUCCEEDED
                          ? compare(p, (i - 1) % 2, before, tolerance)
                          : INFINITY;
            worst = d > worst ? d : worst;
            free(kept[i - 1]);
        }
    }
    p->input = input;
    return worst;
}

static const uint32_t sizes[] = {1,  2,  3,  4,  5,  7,  8,  11, 12, 16,
                                 17, 24, 31, 32, 48, 63, 64, 65, 96, 130};

static void
check_pair(struct pair *p, const struct network_case *c, const char *name, float limit)
{
    uint32_t most = c->most > 0 ? c->most : 1;
    float worst = compare_in_pairs(p, most, limit);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && sizes[i] <= most; i++) {
        float d = compare_rows(p, sizes[i], limit);
        worst = d > worst ? d : worst;
    }
    float d = compare_rows(p, most, limit);
    worst = d > worst ? d : worst;
    char text[96];
    snprintf(text, sizeof text, "%s", c->text);
    text[strcspn(text, "\n")] = '\0';
    check(worst <= limit, "%s %u->.. %s%s: off by %.1e, at most %.0e", name,
          c->widths[0], text, strstr(c->text, "top.k") != NULL ? " top.k" : "",
          (double)worst, (double)limit);
}

static void
check_case(const struct network_case *c, size_t precision)
{
    char folder[FOLDER_BYTES];
    char text[512];
    struct pair p;
    struct fault fault = {.text = ""};
    twin_write(c->widths, folder);
    snprintf(text, sizeof text, "%sprecision=%s\n", c->text,
             precisions[precision].name);
    bool ok = twin_load(&p.cpu, folder, text, "cpu", c->most, &fault) == STATUS_OK;
    ok = twin_load(&p.gpu, folder, text, "cuda", c->most, &fault) == STATUS_OK && ok;
    if (check(ok, "%s %u->.. loads %s", precisions[precision].name, c->widths[0],
              ok ? "" : fault.text)) {
        p.input = malloc((size_t)(c->most + 1) * c->widths[0] * sizeof(float));
        check_pair(&p, c, precisions[precision].name, precisions[precision].tolerance);
        free(p.input);
    }
    twin_unload(&p.cpu);
    twin_unload(&p.gpu);
    twin_remove(folder);
}

void
check_networks(void)
{
    for (size_t i = 0; i < PRECISIONS; i++) {
        for (size_t j = 0; j < sizeof cases / sizeof cases[0]; j++) {
            check_case(&cases[j], i);
        }
    }
}
