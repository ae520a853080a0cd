/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digits posted as images to the real leat-runner and named: alone, in batches prepared
 * while others run, and beside rows that are no images.
 */
#include "runner/image_jpeg.h"
#include "steps_side.h"

#include <criterion/criterion.h>

#include <math.h>
#include <png.h>
#include <stdio.h>
#include <string.h>

enum { EXAMPLES = 56, DIGIT_PIXELS = 64, IMAGE_BYTES = 64 * 1024 };

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
    steps_read_file(LEAT_SOURCE_DIR "/models/digits/examples/images.u8", d->pixels,
                    sizeof d->pixels);
    for (size_t i = 0; i < EXAMPLES; i++) {
        for (size_t k = 0; k < DIGIT_PIXELS; k++) {
            values[i][k] = d->pixels[i][k];
        }
    }
    steps_start(&p, &l, STEPS_DIGITS);
    struct slot_head *slot = loaded_slot(&l, 0);
    slot_begin(slot, EXAMPLES);
    slot_add(slot, "pixels", DATATYPE_FP32, shape, 2, values, sizeof values);
    cr_assert(loaded_run(&l, slot));
    memcpy(d->want, steps_output(slot, 0, "probabilities"), sizeof d->want);
    steps_stop(&p, &l);
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
    const uint8_t *label = steps_output(slot, 0, "label");
    const float *score = steps_output(slot, 1, "score");
    const int32_t *index = steps_output(slot, 2, "index");
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
    steps_start(&p, &l,
                STEPS_DIGITS
                "property.steps=decode:grey resize:8x8 normalize:scale=1/15 model "
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
    steps_run_images(&l, slot, &images);
    cr_assert(slot->prepared_ns > slot->taken_ns);
    expect_digits(slot, &d, 1e-6F);
    texts_clear(&images);
    for (size_t i = 0; i < EXAMPLES; i++) {
        add_jpeg(&images, d.pixels[i]);
    }
    steps_run_images(&l, slot, &images);
    expect_digits(slot, &d, 0.2F);
    steps_stop(&p, &l);
}

Test(steps, keep_batches_apart_that_are_prepared_while_others_run)
{
    static struct digits d;
    static struct texts images;
    struct parent p;
    struct loaded l;
    ask_bare_model(&d);
    steps_start(&p, &l,
                STEPS_DIGITS
                "property.steps=decode:grey resize:8x8 normalize:scale=1/15 model "
                "topk:1\n");
    for (size_t round = 0; round < 9; round++) {
        for (unsigned i = 0; i < SLOTS_PER_INSTANCE; i++) {
            struct slot_head *slot = loaded_slot(&l, i);
            int64_t shape[] = {1, 1};
            texts_clear(&images);
            add_png(&images, d.pixels[round * SLOTS_PER_INSTANCE + i]);
            slot_begin(slot, 1);
            slot_add(slot, "image", DATATYPE_BYTES, shape, 2, images.bytes,
                     images.size);
            loaded_submit(&l, slot);
        }
        cr_assert(loaded_wait(&l, SLOTS_PER_INSTANCE));
        for (unsigned i = 0; i < SLOTS_PER_INSTANCE; i++) {
            struct slot_head *slot = loaded_slot(&l, i);
            const int32_t *index = steps_output(slot, 1, "index");
            cr_assert_eq(*index, best_of(d.want[round * SLOTS_PER_INSTANCE + i]));
        }
    }
    steps_stop(&p, &l);
}

Test(steps, refuse_a_broken_image_in_words_and_answer_the_others)
{
    static struct digits d;
    static struct texts images;
    struct parent p;
    struct loaded l;
    ask_bare_model(&d);
    steps_start(&p, &l,
                STEPS_DIGITS "property.steps=decode:grey;megapixels=1 resize:8x8 "
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
    steps_run_images(&l, slot, &images);
    const int32_t *index = steps_output(slot, 1, "index");
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
    steps_stop(&p, &l);
}

Test(steps, fail_a_batch_whose_texts_do_not_fit_its_rows)
{
    struct parent p;
    struct loaded l;
    int64_t shape[] = {2, 1};
    steps_start(&p, &l, STEPS_DIGITS "property.steps=decode:grey resize:8x8 model\n");
    struct slot_head *slot = loaded_slot(&l, 0);
    slot_begin(slot, 2);
    slot_add(slot, "image", DATATYPE_BYTES, shape, 2, "\1\0\0\0x\377\0\0\0", 9);
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_FAILED);
    cr_assert_not_null(strstr(slot->error, "fewer elements than rows"));
    steps_stop(&p, &l);
}
