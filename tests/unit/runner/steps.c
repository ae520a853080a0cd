/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps around models in the real leat-runner: images in, labels out; what a model is
 * given, compared value by value with what NumPy read; rows that are no images; models
 * and steps that do not fit each other.
 */
#include "parent.h"
#include "runner/half.h"
#include "runner/image_jpeg.h"

#include <criterion/criterion.h>

#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 19,
    HEIGHT = 13,
    PIXELS = WIDTH * HEIGHT,
    VALUES = PIXELS * 3,
    EXAMPLES = 56,
    DIGIT_PIXELS = 64,
    IMAGE_BYTES = 64 * 1024,
};

#define SLOT   ((uint64_t)1024 * 1024)
#define IMAGES LEAT_SOURCE_DIR "/tests/unit/runner/images/"
#define DIGITS                                                                         \
    "platform=dense\nmax_batch_size=64\nproperty.layers=fc1 relu,fc2 softmax\n"        \
    "property.input.0=pixels FP32 -1,64\n"                                             \
    "property.output.0=probabilities FP32 -1,10\n"                                     \
    "dir=" LEAT_SOURCE_DIR "/examples/models/digits-image/1\n"
#define ECHO "platform=echo\nmax_batch_size=4\n"

/* A BYTES tensor in the making. */
struct texts {
    uint8_t bytes[512 * 1024];
    size_t size;
    uint32_t count;
};

static void
texts_add(struct texts *t, const void *data, size_t size)
{
    uint32_t length = (uint32_t)size;
    cr_assert_leq(t->size + size + 4, sizeof t->bytes);
    memcpy(t->bytes + t->size, &length, 4);
    memcpy(t->bytes + t->size + 4, data, size);
    t->size += size + 4;
    t->count++;
}

static size_t
read_file(const char *path, void *to, size_t most)
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    size_t size = fread(to, 1, most, file);
    fclose(file);
    return size;
}

static void
texts_add_file(struct texts *t, const char *name)
{
    static uint8_t bytes[IMAGE_BYTES];
    char path[512];
    snprintf(path, sizeof path, IMAGES "%s", name);
    texts_add(t, bytes, read_file(path, bytes, sizeof bytes));
}

static void
start(struct parent *p, struct loaded *l, const char *lines)
{
    parent_start(p);
    parent_load(p, l, 0, SLOT, lines);
    cr_assert(parent_expect(p, "loaded"), "%s", p->message);
}

static void
stop(struct parent *p, struct loaded *l)
{
    loaded_close(l);
    parent_stop(p);
}

static void
run_images(struct loaded *l, struct slot_head *slot, const struct texts *images)
{
    int64_t shape[] = {images->count, 1};
    slot_begin(slot, images->count);
    slot_add(slot, "image", DATATYPE_BYTES, shape, 2, images->bytes, images->size);
    cr_assert(loaded_run(l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
}

static const void *
output(struct slot_head *slot, uint32_t index, const char *name)
{
    cr_assert_lt(index, slot->output_count);
    cr_assert_str_eq(slot->outputs[index].name, name);
    return slot_bytes_at(slot, slot->outputs[index].offset);
}

/* Digits. */

struct digits {
    uint8_t pixels[EXAMPLES][DIGIT_PIXELS]; /* 0 to 16 */
    float want[EXAMPLES][10];               /* what the bare model says */
};

static void
ask_bare_model(struct digits *d)
{
    struct parent p;
    struct loaded l;
    static float values[EXAMPLES][DIGIT_PIXELS];
    int64_t shape[] = {EXAMPLES, DIGIT_PIXELS};
    read_file(LEAT_SOURCE_DIR "/models/digits/examples/images.u8", d->pixels,
              sizeof d->pixels);
    for (size_t i = 0; i < EXAMPLES; i++) {
        for (size_t k = 0; k < DIGIT_PIXELS; k++) {
            values[i][k] = d->pixels[i][k];
        }
    }
    start(&p, &l, DIGITS);
    struct slot_head *slot = loaded_slot(&l, 0);
    slot_begin(slot, EXAMPLES);
    slot_add(slot, "pixels", DATATYPE_FP32, shape, 2, values, sizeof values);
    cr_assert(loaded_run(&l, slot));
    memcpy(d->want, output(slot, 0, "probabilities"), sizeof d->want);
    stop(&p, &l);
}

static void
add_png(struct texts *images, const uint8_t *pixels)
{
    uint8_t values[DIGIT_PIXELS];
    uint8_t bytes[4096];
    png_alloc_size_t size = sizeof bytes;
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = 8,
                       .height = 8,
                       .format = PNG_FORMAT_GRAY};
    for (size_t i = 0; i < DIGIT_PIXELS; i++) {
        values[i] = (uint8_t)(pixels[i] * 15); /* without rounding */
    }
    cr_assert(png_image_write_to_memory(&image, bytes, &size, 0, values, 0, NULL));
    texts_add(images, bytes, size);
}

static void
add_jpeg(struct texts *images, const uint8_t *pixels)
{
    struct image image = {.pixels = NULL};
    struct buf jpeg;
    buf_init(&jpeg, IMAGE_BYTES);
    cr_assert_eq(image_reserve(&image, 8, 8, 3), STATUS_OK);
    for (size_t i = 0; i < DIGIT_PIXELS; i++) {
        memset(image.pixels + 3 * i, pixels[i] * 15, 3);
    }
    cr_assert_eq(image_jpeg_encode(&image, &jpeg), STATUS_OK);
    texts_add(images, jpeg.data, jpeg.size);
    buf_fini(&jpeg);
    image_fini(&image);
}

static int32_t
best_of(const float *row)
{
    int32_t best = 0;
    for (int32_t i = 1; i < 10; i++) {
        best = row[i] > row[best] ? i : best;
    }
    return best;
}

static void
expect_digits(struct slot_head *slot, const struct digits *d, float tolerance)
{
    static const char *const names[] = {"zero", "one", "two",   "three", "four",
                                        "five", "six", "seven", "eight", "nine"};
    const uint8_t *label = output(slot, 0, "label");
    const float *score = output(slot, 1, "score");
    const int32_t *index = output(slot, 2, "index");
    for (size_t i = 0; i < EXAMPLES; i++) {
        cr_assert_eq(slot->row_failed[i], 0);
        cr_assert_eq(index[3 * i], best_of(d->want[i]), "example %zu", i);
        for (size_t k = 3 * i; k < 3 * i + 3; k++) {
            uint32_t length = 0;
            memcpy(&length, label, 4);
            cr_assert_eq(length, strlen(names[index[k]]));
            cr_assert_eq(memcmp(label + 4, names[index[k]], length), 0);
            label += 4 + length;
            float off = fabsf(score[k] - d->want[i][index[k]]);
            cr_assert_leq(off, tolerance, "example %zu: off by %g", i, (double)off);
            cr_assert(k == 3 * i || score[k] <= score[k - 1]);
        }
    }
}

Test(steps, name_every_digit_that_is_posted_as_an_image)
{
    static struct digits d;
    static struct texts images;
    struct parent p;
    struct loaded l;
    ask_bare_model(&d);
    start(&p, &l,
          DIGITS "property.steps=decode:grey resize:8x8 normalize:scale=1/15 model "
                 "topk:3\nproperty.labels=labels.txt\n");
    cr_assert(parent_said(&p, "platform=dense"));
    cr_assert(parent_said(&p, "input=image BYTES -1,1"));
    cr_assert(parent_said(&p, "output=label BYTES -1,3"));
    cr_assert(parent_said(&p, "output=score FP32 -1,3"));
    cr_assert(parent_said(&p, "output=index INT32 -1,3"));
    struct slot_head *slot = loaded_slot(&l, 0);
    for (size_t i = 0; i < EXAMPLES; i++) {
        add_png(&images, d.pixels[i]);
    }
    run_images(&l, slot, &images);
    cr_assert(slot->prepared_ns > slot->taken_ns);
    expect_digits(slot, &d, 1e-6F);
    images.size = 0;
    images.count = 0;
    for (size_t i = 0; i < EXAMPLES; i++) {
        add_jpeg(&images, d.pixels[i]);
    }
    run_images(&l, slot, &images);
    expect_digits(slot, &d, 0.2F);
    stop(&p, &l);
}

Test(steps, keep_batches_apart_that_are_prepared_while_others_run)
{
    static struct digits d;
    static struct texts images;
    struct parent p;
    struct loaded l;
    ask_bare_model(&d);
    start(&p, &l,
          DIGITS "property.steps=decode:grey resize:8x8 normalize:scale=1/15 model "
                 "topk:1\n");
    for (size_t round = 0; round < 9; round++) {
        for (unsigned i = 0; i < SLOTS_PER_INSTANCE; i++) {
            struct slot_head *slot = loaded_slot(&l, i);
            int64_t shape[] = {1, 1};
            images.size = 0;
            images.count = 0;
            add_png(&images, d.pixels[round * SLOTS_PER_INSTANCE + i]);
            slot_begin(slot, 1);
            slot_add(slot, "image", DATATYPE_BYTES, shape, 2, images.bytes,
                     images.size);
            loaded_submit(&l, slot);
        }
        cr_assert(loaded_wait(&l, SLOTS_PER_INSTANCE));
        for (unsigned i = 0; i < SLOTS_PER_INSTANCE; i++) {
            struct slot_head *slot = loaded_slot(&l, i);
            const int32_t *index = output(slot, 1, "index");
            cr_assert_eq(*index, best_of(d.want[round * SLOTS_PER_INSTANCE + i]));
        }
    }
    stop(&p, &l);
}

Test(steps, refuse_a_broken_image_in_words_and_answer_the_others)
{
    static struct digits d;
    static struct texts images;
    struct parent p;
    struct loaded l;
    ask_bare_model(&d);
    start(&p, &l,
          DIGITS "property.steps=decode:grey;megapixels=1 resize:8x8 "
                 "normalize:scale=1/15 model topk:1\n");
    add_png(&images, d.pixels[0]);
    texts_add(&images, "", 0);
    texts_add(&images, "GIF89a", 6);
    add_png(&images, d.pixels[1]);
    size_t cut = images.size;
    add_png(&images, d.pixels[2]);
    uint32_t shorter = (uint32_t)(images.size - cut - 4) - 30;
    memcpy(images.bytes + cut, &shorter, 4);
    images.size -= 30;
    texts_add(&images,
              "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x8\0\0\0\0", 29);
    add_png(&images, d.pixels[3]);
    struct slot_head *slot = loaded_slot(&l, 0);
    run_images(&l, slot, &images);
    const int32_t *index = output(slot, 1, "index");
    static const uint8_t failed[] = {0, 2, 2, 0, 2, 2, 0};
    cr_assert_eq(memcmp(slot->row_failed, failed, sizeof failed), 0);
    cr_assert_str_eq(row_error(slot, 0), "");
    cr_assert_str_eq(row_error(slot, 1), "the image is empty");
    cr_assert_not_null(strstr(row_error(slot, 2), "not an image: 6 bytes"));
    cr_assert_not_null(strstr(row_error(slot, 4), "broken PNG"), "%s",
                       row_error(slot, 4));
    cr_assert_neq(row_error(slot, 5)[0], '\0');
    cr_assert_eq(index[0], best_of(d.want[0]));
    cr_assert_eq(index[3], best_of(d.want[1]));
    cr_assert_eq(index[6], best_of(d.want[3]));
    stop(&p, &l);
}

Test(steps, fail_a_batch_whose_texts_do_not_fit_its_rows)
{
    struct parent p;
    struct loaded l;
    int64_t shape[] = {2, 1};
    start(&p, &l, DIGITS "property.steps=decode:grey resize:8x8 model\n");
    struct slot_head *slot = loaded_slot(&l, 0);
    slot_begin(slot, 2);
    slot_add(slot, "image", DATATYPE_BYTES, shape, 2, "\1\0\0\0x\377\0\0\0", 9);
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_FAILED);
    cr_assert_not_null(strstr(slot->error, "fewer elements than rows"));
    stop(&p, &l);
}

/* What the model is given: echo gives it back. */

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
    start(&p, &l, g->lines);
    struct slot_head *slot = loaded_slot(&l, 0);
    images.size = 0;
    images.count = 0;
    snprintf(name, sizeof name, "%s.png", g->name);
    texts_add_file(&images, "rgba.png");
    texts_add_file(&images, name);
    run_images(&l, slot, &images);
    snprintf(name, sizeof name, IMAGES "%s.%s", g->name,
             g->channels == 1 ? "grey" : "rgb");
    cr_assert_eq(read_file(name, pixels, sizeof pixels), PIXELS * g->channels);
    const void *data = output(slot, 0, "x");
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
    stop(&p, &l);
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
        {ECHO STEPS_NORMAL "property.input.0=x FP32 -1,3,13,19\n", "rgb", 3, true,
         DATATYPE_FP32, NORMAL},
        {ECHO STEPS_NORMAL "property.input.0=x FP32 -1,13,19,3\n", "palette", 3, false,
         DATATYPE_FP32, NORMAL},
        {ECHO STEPS_NORMAL "property.input.0=x FP16 -1,3,-1,-1\n", "rgb-16", 3, true,
         DATATYPE_FP16, NORMAL},
        {ECHO STEPS_PLAIN "property.input.0=x UINT8 -1,-1,-1,3\n", "interlaced", 3,
         false, DATATYPE_UINT8, PLAIN},
        {ECHO STEPS_PLAIN "property.input.0=x UINT8 -1,741\n", "rgb", 3, false,
         DATATYPE_UINT8, PLAIN},
        {ECHO "property.steps=decode resize:19x13 layout:nchw model\n"
              "property.input.0=x UINT8 -1,-1\n",
         "rgb", 3, true, DATATYPE_UINT8, PLAIN},
        {ECHO "property.steps=decode:grey resize:19x13 model\n"
              "property.input.0=x FP32 -1,13,19\n",
         "rgb", 1, false, DATATYPE_FP32, PLAIN},
        {ECHO "property.steps=decode:grey resize:19x13 model\n"
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
    start(&p, &l,
          ECHO "property.steps=decode resize:20x47 crop:10x40 model\n"
               "property.input.0=x UINT8 -1,40,10,3\n");
    struct slot_head *slot = loaded_slot(&l, 0);
    texts_add_file(&images, "wave.png");
    run_images(&l, slot, &images);
    read_file(IMAGES "scale-20x47.rgb", want, sizeof want);
    const uint8_t *got = output(slot, 0, "x");
    for (size_t y = 0; y < 40; y++) { /* the corner is at 5, 3.5 or rather 4 */
        cr_assert_eq(memcmp(got + y * 30, want + ((y + 4) * 20 + 5) * 3, 30), 0);
    }
    stop(&p, &l);
}

Test(steps, take_one_image_where_the_model_does_not_batch)
{
    static struct texts images;
    uint8_t want[VALUES];
    int64_t shape[] = {1};
    struct parent p;
    struct loaded l;
    start(&p, &l,
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
    read_file(IMAGES "rgb.rgb", want, sizeof want);
    cr_assert_eq(memcmp(output(slot, 0, "x"), want, sizeof want), 0);
    stop(&p, &l);
}

/* Behind the model. */

static void
run_values(struct loaded *l,
           struct slot_head *slot,
           const float *values,
           uint32_t rows,
           uint32_t width)
{
    int64_t shape[] = {rows, width};
    slot_begin(slot, rows);
    slot_add(slot, "x", DATATYPE_FP32, shape, 2, values,
             (size_t)rows * width * sizeof *values);
    cr_assert(loaded_run(l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
}

Test(steps, compute_softmax_without_overflow)
{
    static const float values[] = {1, 2, 3, -1000, 1000, 999, 0, 0, 0};
    struct parent p;
    struct loaded l;
    start(&p, &l, ECHO "property.steps=model softmax\nproperty.input.0=x FP32 -1,3\n");
    cr_assert(parent_said(&p, "input=x FP32 -1,3"));
    cr_assert(parent_said(&p, "output=x FP32 -1,3"));
    struct slot_head *slot = loaded_slot(&l, 0);
    run_values(&l, slot, values, 3, 3);
    const float *y = output(slot, 0, "x");
    for (size_t row = 0; row < 3; row++) {
        const float *x = values + 3 * row;
        double most = fmax((double)x[0], fmax((double)x[1], (double)x[2]));
        double sum = 0.0;
        for (size_t i = 0; i < 3; i++) {
            sum += exp((double)x[i] - most);
        }
        for (size_t i = 0; i < 3; i++) {
            double want = exp((double)x[i] - most) / sum;
            cr_assert_float_eq((double)y[3 * row + i], want, 1e-6);
        }
    }
    stop(&p, &l);
}

Test(steps, rank_values_the_first_of_equals_before_the_others_and_NaN_first)
{
    static const float values[] = {5, 7, 7,      1,   9, /**/ 0, 0, 0,
                                   0, 0, /**/ 3, NAN, 8, 2,      1};
    static const int32_t want[] = {4, 1, 2, 0, 1, 2, 1, 2, 0};
    struct parent p;
    struct loaded l;
    start(&p, &l, ECHO "property.steps=model topk:3\nproperty.input.0=x FP32 -1,5\n");
    cr_assert(!parent_said(&p, "output=label BYTES -1,3"));
    struct slot_head *slot = loaded_slot(&l, 0);
    run_values(&l, slot, values, 3, 5);
    const float *score = output(slot, 0, "score");
    const int32_t *index = output(slot, 1, "index");
    for (size_t i = 0; i < 9; i++) {
        cr_assert_eq(index[i], want[i]);
        float value = values[i / 3 * 5 + (size_t)index[i]];
        cr_assert(score[i] == value || (isnan(value) && isnan(score[i])));
    }
    stop(&p, &l);
}

Test(steps, pass_on_what_the_model_says_of_rows_batches_and_stages)
{
    struct parent p;
    struct loaded l;
    start(&p, &l,
          "platform=sim\nmax_batch_size=8\nproperty.input.0=x UINT8 -1,4\n"
          "property.steps=model\nproperty.sim.reject.on=01\nproperty.sim.fail.on=02\n"
          "property.sim.decode=2ms\nproperty.sim.memory.rows=7\n");
    struct slot_head *slot = loaded_slot(&l, 0);
    fill_bytes(slot, 3, "a\1b");
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    cr_assert_geq(slot->prepared_ns - slot->taken_ns, 2000000);
    cr_assert(slot->row_failed[0] == 0 && slot->row_failed[1] == SLOT_ROW_FAILED);
    cr_assert_str_eq(row_error(slot, 1), "sim.reject.on met in row 1");
    fill_bytes(slot, 2, "\2b");
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_FAILED);
    cr_assert_not_null(strstr(slot->error, "sim.fail.on"));
    stop(&p, &l);
}

/* What does not fit. */

static void
expect_refused_load(const char *lines, const char *words)
{
    struct parent p;
    struct loaded l;
    parent_start(&p);
    parent_load(&p, &l, 0, SLOT, lines);
    cr_assert(parent_expect(&p, "failed"), "%s: %s", lines, p.message);
    cr_assert_not_null(strstr(p.message, words), "%s: %s", lines, p.message);
    loaded_close(&l);
    parent_stop(&p);
}

Test(steps, that_do_not_fit_the_model_fail_its_load_in_words)
{
    expect_refused_load(DIGITS "property.steps=decode resize:8 model\n",
                        "reason=steps: 'resize:8': expected resize:WIDTHxHEIGHT");
    expect_refused_load(DIGITS "property.steps=decode resize:8x8 model\n",
                        "images of 8x8 with 3 channels, which does not fit the "
                        "model's input pixels FP32 -1,64");
    expect_refused_load(DIGITS "property.steps=model topk:11\n",
                        "topk:11 of an output of 10 values");
    expect_refused_load(DIGITS "property.steps=model topk:2\n"
                               "property.labels=../../../../bench/run\n",
                        "lines, the model's output 10 values a row");
    expect_refused_load(DIGITS
                        "property.steps=model topk:2\nproperty.labels=none.txt\n",
                        "none.txt: No such file");
    expect_refused_load(ECHO "property.steps=decode resize:8x8 normalize:mean=1 model\n"
                             "property.input.0=x UINT8 -1,8,8,3\n",
                        "without normalize, UINT8");
    expect_refused_load(ECHO "property.steps=decode resize:8x8 model\n"
                             "property.input.0=x INT32 -1,8,8,3\n",
                        "is INT32");
    expect_refused_load(ECHO "property.steps=decode resize:8x8 layout:nchw model\n"
                             "property.input.0=x UINT8 -1,8,8,3\n",
                        "does not fit");
    expect_refused_load(ECHO
                        "property.steps=decode resize:8x8 model\n"
                        "property.input.0=x FP32 -1,8\nproperty.input.1=y FP32 -1\n",
                        "models of one input, this one has 2");
    expect_refused_load(ECHO
                        "property.steps=model softmax\n"
                        "property.input.0=x FP32 -1,8\nproperty.input.1=y FP32 -1\n",
                        "models of one output, this one has 2");
    expect_refused_load(ECHO "property.steps=model softmax\n"
                             "property.input.0=x FP32 -1,-1\n",
                        "of a known size");
    expect_refused_load("platform=none\nmax_batch_size=4\nproperty.steps=model\n",
                        "platform=none");
}
