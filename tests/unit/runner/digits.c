/* SPDX-License-Identifier: Apache-2.0 */
/* The digits model of the repository through the program: right, and alike in batches.
 */
#include "parent.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SLOT ((uint64_t)256 * 1024)
#define DENSE                                                                          \
    "platform=dense\nmax_batch_size=64\ndir=" LEAT_SOURCE_DIR "/models/digits/1\n"     \
    "property.layers=fc1 relu,fc2 softmax\n"
#define DIGITS                                                                         \
    DENSE "property.input.0=pixels FP32 -1,64\n"                                       \
          "property.output.0=probabilities FP32 -1,10\n"

static void
read_example(const char *name, void *out, size_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/models/digits/examples/%s", LEAT_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    cr_assert_eq(fread(out, 1, size, file), size);
    fclose(file);
}

/* Runs images [first, first + rows) and copies the probabilities [rows][10]. */
static void
run_digits(struct loaded *l, uint8_t (*images)[64], uint32_t rows, float *out)
{
    static float pixels[64][64];
    for (uint32_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < 64; j++) {
            pixels[i][j] = (float)images[i][j];
        }
    }
    struct slot_head *slot = loaded_slot(l, 0);
    int64_t shape[] = {rows, 64};
    slot_begin(slot, rows);
    slot_add(slot, "pixels", DATATYPE_FP32, shape, 2, pixels, rows * sizeof pixels[0]);
    cr_assert(loaded_run(l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    memcpy(out, slot_bytes_at(slot, slot->outputs[0].offset), rows * 40);
}

Test(digits, reads_97_percent_of_the_held_out_digits_alike_in_any_batch)
{
    static uint8_t images[360][64];
    static uint8_t labels[360];
    static float batched[360][10];
    read_example("images.u8", images, sizeof images);
    read_example("labels.u8", labels, sizeof labels);
    struct parent p;
    struct loaded l;
    parent_start(&p);
    parent_load(&p, &l, 0, SLOT, DIGITS);
    cr_assert(parent_expect(&p, "loaded"), "%s", p.message);
    for (uint32_t at = 0; at < 360; at += 60) {
        run_digits(&l, &images[at], 60, batched[at]);
    }
    int right = 0;
    float difference = 0.0F;
    for (uint32_t i = 0; i < 360; i++) {
        float alone[10];
        int best = 0;
        run_digits(&l, &images[i], 1, alone);
        for (int d = 0; d < 10; d++) {
            difference = fmaxf(difference, fabsf(alone[d] - batched[i][d]));
            best = alone[d] > alone[best] ? d : best;
        }
        right += best == labels[i];
    }
    cr_log_info("digits: %d of 360 right; batched differs by %.1e", right,
                (double)difference);
    cr_assert_geq(right, 350); /* 97 % */
    cr_assert_lt(difference, 1e-5F);
    loaded_close(&l);
    parent_stop(&p);
}

Test(digits, takes_pixels_as_bytes_and_normalizes_them)
{
    static uint8_t images[4][64];
    static float shifted[4][64];
    float expected[4][10];
    read_example("images.u8", images, sizeof images);
    for (size_t i = 0; i < 4 * 64; i++) {
        shifted[i / 64][i % 64] = (float)images[i / 64][i % 64] * 2.0F + 6.0F;
    }
    struct parent p;
    struct loaded plain;
    struct loaded bytes;
    struct loaded scaled;
    parent_start(&p);
    parent_load(&p, &plain, 0, SLOT, DIGITS);
    cr_assert(parent_expect(&p, "loaded"));
    parent_load(&p, &bytes, 1, SLOT, DENSE "property.input.0=pixels UINT8 -1,8,8\n");
    cr_assert(parent_expect(&p, "loaded"), "%s", p.message);
    cr_assert(parent_said(&p, "output=output FP32 -1,10"));
    parent_load(&p, &scaled, 2, SLOT, DENSE "property.normalize=0.5,-3\n");
    cr_assert(parent_expect(&p, "loaded"), "%s", p.message);

    run_digits(&plain, images, 4, expected[0]);
    int64_t square[] = {4, 8, 8};
    int64_t flat[] = {4, 64};
    struct slot_head *slot = loaded_slot(&bytes, 0);
    slot_begin(slot, 4);
    slot_add(slot, "pixels", DATATYPE_UINT8, square, 3, images, sizeof images);
    cr_assert(loaded_run(&bytes, slot));
    cr_assert_eq(
        memcmp(slot_bytes_at(slot, slot->outputs[0].offset), expected, sizeof expected),
        0);
    slot = loaded_slot(&scaled, 0);
    slot_begin(slot, 4);
    slot_add(slot, "input", DATATYPE_FP32, flat, 2, shifted, sizeof shifted);
    cr_assert(loaded_run(&scaled, slot));
    cr_assert_eq(
        memcmp(slot_bytes_at(slot, slot->outputs[0].offset), expected, sizeof expected),
        0);
    loaded_close(&plain);
    loaded_close(&bytes);
    loaded_close(&scaled);
    parent_stop(&p);
}
