/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What steps give to the model, which echo gives back, compared value by value with
 * what NumPy read of the same images.
 */
#include "runner/half.h"
#include "steps_side.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 19, HEIGHT = 13, PIXELS = WIDTH * HEIGHT, VALUES = PIXELS * 3 };

struct given {
    const char *lines;
    const char *name; /* of the files */
    uint32_t channels;
    bool planes;
    enum datatype datatype;
    float scale, mean[3], std[3];
};

static float
value_at(const void *data, enum datatype datatype, size_t at)
{
    if (datatype == DATATYPE_FP32) {
        return ((const float *)data)[at];
    }
    return datatype == DATATYPE_FP16 ? half_to_float(((const uint16_t *)data)[at])
                                     : (float)((const uint8_t *)data)[at];
}

static void
expect_given(const struct given *g)
{
    static struct texts images;
    uint8_t pixels[VALUES];
    char name[256];
    struct parent p;
    struct loaded l;
    steps_start(&p, &l, g->lines);
    struct slot_head *slot = loaded_slot(&l, 0);
    texts_clear(&images);
    snprintf(name, sizeof name, "%s.png", g->name);
    texts_add_file(&images, "rgba.png");
    texts_add_file(&images, name);
    steps_run_images(&l, slot, &images);
    snprintf(name, sizeof name, STEPS_IMAGES "%s.%s", g->name,
             g->channels == 1 ? "grey" : "rgb");
    cr_assert_eq(steps_read_file(name, pixels, sizeof pixels), PIXELS * g->channels);
    const void *data = steps_output(slot, 0, "x");
    size_t row = (size_t)PIXELS * g->channels;
    for (size_t i = 0; i < PIXELS; i++) {
        for (size_t c = 0; c < g->channels; c++) {
            float want = ((float)pixels[i * g->channels + c] * g->scale - g->mean[c]) /
                         g->std[c];
            size_t at = g->planes ? c * PIXELS + i : i * g->channels + c;
            float got = value_at(data, g->datatype, row + at);
            float tolerance =
                g->datatype == DATATYPE_FP16 ? 1e-3F * (1.0F + fabsf(want)) : 1e-6F;
            cr_assert_leq(fabsf(got - want), tolerance, "%s: %zu, %zu", g->lines, i, c);
        }
    }
    steps_stop(&p, &l);
}

#define PLAIN .scale = 1.0F, .std = {1.0F, 1.0F, 1.0F}
#define NORMAL                                                                         \
    .scale = 1.0F / 255.0F, .mean = {0.485F, 0.456F, 0.406F},                          \
    .std = {0.229F, 0.224F, 0.225F}
#define STEPS_PLAIN "property.steps=decode resize:19x13 model\n"
#define STEPS_NORMAL                                                                   \
    "property.steps=decode resize:19x13 normalize:scale=1/255;mean=0.485,0.456,0.406;" \
    "std=0.229,0.224,0.225 model\n"

Test(steps, give_the_model_pixels_in_its_layout_and_datatype)
{
    static const struct given cases[] = {
        {STEPS_ECHO STEPS_NORMAL "property.input.0=x FP32 -1,3,13,19\n", "rgb", 3, true,
         DATATYPE_FP32, NORMAL},
        {STEPS_ECHO STEPS_NORMAL "property.input.0=x FP32 -1,13,19,3\n", "palette", 3,
         false, DATATYPE_FP32, NORMAL},
        {STEPS_ECHO STEPS_NORMAL "property.input.0=x FP16 -1,3,-1,-1\n", "rgb-16", 3,
         true, DATATYPE_FP16, NORMAL},
        {STEPS_ECHO STEPS_PLAIN "property.input.0=x UINT8 -1,-1,-1,3\n", "interlaced",
         3, false, DATATYPE_UINT8, PLAIN},
        {STEPS_ECHO STEPS_PLAIN "property.input.0=x UINT8 -1,741\n", "rgb", 3, false,
         DATATYPE_UINT8, PLAIN},
        {STEPS_ECHO "property.steps=decode resize:19x13 layout:nchw model\n"
                    "property.input.0=x UINT8 -1,-1\n",
         "rgb", 3, true, DATATYPE_UINT8, PLAIN},
        {STEPS_ECHO "property.steps=decode:grey resize:19x13 model\n"
                    "property.input.0=x FP32 -1,13,19\n",
         "rgb", 1, false, DATATYPE_FP32, PLAIN},
        {STEPS_ECHO "property.steps=decode:grey resize:19x13 model\n"
                    "property.input.0=x UINT8 -1,1,13,19\n",
         "grey", 1, true, DATATYPE_UINT8, PLAIN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_given(&cases[i]);
    }
}

Test(steps, scale_and_crop_before_the_model)
{
    static struct texts images;
    uint8_t want[20 * 47 * 3];
    struct parent p;
    struct loaded l;
    steps_start(&p, &l,
                STEPS_ECHO "property.steps=decode resize:20x47 crop:10x40 model\n"
                           "property.input.0=x UINT8 -1,40,10,3\n");
    struct slot_head *slot = loaded_slot(&l, 0);
    texts_add_file(&images, "wave.png");
    steps_run_images(&l, slot, &images);
    steps_read_file(STEPS_IMAGES "scale-20x47.rgb", want, sizeof want);
    const uint8_t *got = steps_output(slot, 0, "x");
    for (size_t y = 0; y < 40; y++) { /* the corner is at 5, 3.5 or rather 4 */
        cr_assert_eq(memcmp(got + y * 30, want + ((y + 4) * 20 + 5) * 3, 30), 0);
    }
    steps_stop(&p, &l);
}

Test(steps, take_one_image_where_the_model_does_not_batch)
{
    static struct texts images;
    uint8_t want[VALUES];
    int64_t shape[] = {1};
    struct parent p;
    struct loaded l;
    steps_start(&p, &l,
                "platform=echo\nmax_batch_size=0\n" STEPS_PLAIN
                "property.input.0=x UINT8 1,13,19,3\n");
    cr_assert(parent_said(&p, "input=image BYTES 1"));
    struct slot_head *slot = loaded_slot(&l, 0);
    texts_add_file(&images, "rgb.png");
    slot_begin(slot, 1);
    slot_add(slot, "image", DATATYPE_BYTES, shape, 1, images.bytes, images.size);
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    cr_assert_eq(slot->outputs[0].rank, 4);
    steps_read_file(STEPS_IMAGES "rgb.rgb", want, sizeof want);
    cr_assert_eq(memcmp(steps_output(slot, 0, "x"), want, sizeof want), 0);
    steps_stop(&p, &l);
}
