/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding and scaling against what Pillow and NumPy made of the same pictures
 * (tests/support/make_images.py), and everything that is no picture.
 */
#include "runner/base64.h"
#include "runner/image_decode.h"
#include "runner/image_jpeg.h"
#include "runner/image_scale.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

enum { FILE_BYTES = 64 * 1024, WIDTH = 19, HEIGHT = 13 };

#define PIXELS_MAX UINT64_C(1000000)

struct file {
    uint8_t bytes[FILE_BYTES];
    size_t size;
};

static void
read_file(const char *name, struct file *f)
{
    char path[512];
    snprintf(path, sizeof path, LEAT_SOURCE_DIR "/tests/unit/runner/images/%s", name);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    f->size = fread(f->bytes, 1, sizeof f->bytes, file);
    fclose(file);
}

static struct span
span_of_file(const struct file *f)
{
    return span_of(f->bytes, f->size);
}

static enum status
decode(struct span bytes, uint32_t channels, struct image *out, struct fault *fault)
{
    struct image_decoder decoder = {.channels = channels, .pixels_max = PIXELS_MAX};
    enum status status = image_decode(&decoder, bytes, out, fault);
    image_decoder_fini(&decoder);
    return status;
}

static int
worst_difference(const uint8_t *a, const uint8_t *b, size_t size)
{
    int worst = 0;
    for (size_t i = 0; i < size; i++) {
        worst = abs(a[i] - b[i]) > worst ? abs(a[i] - b[i]) : worst;
    }
    return worst;
}

/* Tolerance: bytes a value may be off, for other versions of the JPEG library. */
static void
expect_pixels(const char *name, const char *suffix, uint32_t channels, int tolerance)
{
    struct file file;
    struct file want;
    char path[64];
    struct image image = {.pixels = NULL};
    struct fault fault = {.text = ""};
    snprintf(path, sizeof path, "%s.%s", name, suffix);
    read_file(path, &file);
    snprintf(path, sizeof path, "%s.%s", name, channels == 1 ? "grey" : "rgb");
    read_file(path, &want);
    cr_assert_eq(decode(span_of_file(&file), channels, &image, &fault), STATUS_OK,
                 "%s: %s", path, fault.text);
    cr_assert(image.width == WIDTH && image.height == HEIGHT &&
              image.channels == channels);
    cr_assert_eq(want.size, (size_t)WIDTH * HEIGHT * channels);
    int worst = worst_difference(image.pixels, want.bytes, want.size);
    cr_assert_leq(worst, tolerance, "%s: off by %d", path, worst);
    image_fini(&image);
}

Test(image, reads_every_kind_of_png_as_rgb_and_grey)
{
    static const char *const names[] = {
        "rgb",     "grey",     "rgba",   "grey-alpha", "palette",
        "one-bit", "two-bits", "rgb-16", "grey-16",    "interlaced"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        expect_pixels(names[i], "png", 3, 0);
        expect_pixels(names[i], "png", 1, 0);
    }
}

Test(image, reads_every_kind_of_jpeg_as_rgb_and_grey)
{
    static const char *const names[] = {"rgb-444",  "rgb-420",   "progressive",
                                        "restarts", "grey-jpeg", "cmyk"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        expect_pixels(names[i], "jpg", 3, 1);
        expect_pixels(names[i], "jpg", 1, 1);
    }
}

static struct span
to_base64(struct span bytes, const char *head, char *out)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = strlen(head);
    memcpy(out, head, at);
    for (size_t i = 0; i < bytes.size; i += 3) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++) {
            bits = bits << 8 | (i + k < bytes.size ? bytes.data[i + k] : 0U);
        }
        for (size_t k = 0; k < 4; k++) {
            bool padding = k > bytes.size - i;
            out[at++] = padding ? '=' : digits[bits >> (18 - 6 * k) & 63];
        }
        if (i % 57 == 54) {
            out[at++] = '\n';
        }
    }
    return span_of(out, at);
}

Test(image, reads_base64_with_line_ends_and_as_a_data_url)
{
    static char text[2 * FILE_BYTES];
    static const char *const names[] = {"rgb.png", "rgb-420.jpg"};
    static const char *const heads[] = {"", "data:image/png;base64,",
                                        "data:image/jpeg;name=x;base64,"};
    struct fault fault = {.text = ""};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 3; k++) {
            struct file file;
            struct image plain = {.pixels = NULL};
            struct image image = {.pixels = NULL};
            read_file(names[i], &file);
            cr_assert_eq(decode(span_of_file(&file), 3, &plain, &fault), STATUS_OK);
            struct span coded = to_base64(span_of_file(&file), heads[k], text);
            cr_assert_eq(decode(coded, 3, &image, &fault), STATUS_OK, "%s", fault.text);
            cr_assert_eq(memcmp(plain.pixels, image.pixels, (size_t)WIDTH * HEIGHT * 3),
                         0);
            image_fini(&plain);
            image_fini(&image);
        }
    }
}

Test(base64, refuses_other_characters_and_parts_of_bytes)
{
    uint8_t out[64];
    size_t size = 0;
    cr_assert_eq(base64_decode(span_of_text("TGVhdA=="), out, &size), STATUS_OK);
    cr_assert(size == 4 && memcmp(out, "Leat", 4) == 0);
    cr_assert_eq(base64_decode(span_of_text("TGVhdA"), out, &size), STATUS_OK);
    cr_assert_eq(size, 4);
    cr_assert_eq(base64_decode(span_of_text(""), out, &size), STATUS_OK);
    cr_assert_eq(size, 0);
    cr_assert_eq(base64_decode(span_of_text("TGVhd"), out, &size), STATUS_INVALID);
    cr_assert_eq(base64_decode(span_of_text("TG-h"), out, &size), STATUS_INVALID);
    cr_assert_eq(base64_decode(span_of_text("T=Vh"), out, &size), STATUS_INVALID);
    cr_assert_eq(base64_decode(span_of_text("TGVh==="), out, &size), STATUS_INVALID);
}

static void
expect_refusal(struct span bytes, enum status want, const char *word)
{
    struct image image = {.pixels = NULL};
    struct fault fault = {.text = ""};
    cr_assert_eq(decode(bytes, 3, &image, &fault), want, "%s", fault.text);
    cr_assert_not_null(strstr(fault.text, word), "%s", fault.text);
    image_fini(&image);
}

Test(image, refuses_what_is_no_image_in_words)
{
    expect_refusal(span_of("", 0), STATUS_INVALID, "empty");
    expect_refusal(span_of_text("GIF89a"), STATUS_INVALID, "not an image");
    expect_refusal(span_of_text("\xff\xd8\xff"), STATUS_INVALID, "JPEG");
    expect_refusal(span_of_text("\x89PNG\r\n\x1a\n"), STATUS_INVALID, "PNG");
    expect_refusal(span_of_text("/9j/!"), STATUS_INVALID, "base64");
}

Test(image, refuses_each_file_that_is_cut_short)
{
    static const char *const names[] = {"rgb.png", "interlaced.png", "rgb-420.jpg",
                                        "progressive.jpg"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct file file;
        read_file(names[i], &file);
        /* What follows the pixels may be missing: PNG's IEND, JPEG's EOI. */
        size_t least = i < 2 ? 16 : 4;
        for (size_t size = 8; size < file.size - least; size += 7) {
            struct image image = {.pixels = NULL};
            struct fault fault = {.text = ""};
            cr_assert_neq(decode(span_of(file.bytes, size), 3, &image, &fault),
                          STATUS_OK, "%s of %zu bytes", names[i], size);
            cr_assert_neq(fault.text[0], '\0');
            image_fini(&image);
        }
    }
}

Test(image, refuses_damage_in_the_middle_of_a_jpeg)
{
    struct file file;
    read_file("rgb-444.jpg", &file);
    memset(file.bytes + file.size - 60, 0xff, 40);
    expect_refusal(span_of_file(&file), STATUS_INVALID, "JPEG");
}

Test(image, refuses_a_huge_image_before_taking_memory)
{
    struct file file;
    read_file("rgb.png", &file);
    struct image image = {.pixels = NULL};
    struct image_decoder decoder = {.channels = 3, .pixels_max = WIDTH * HEIGHT - 1};
    struct fault fault = {.text = ""};
    cr_assert_eq(image_decode(&decoder, span_of_file(&file), &image, &fault),
                 STATUS_TOO_LARGE);
    cr_assert_str_eq(fault.text, "the image has 19x13 pixels, at most 246 are decoded");
    cr_assert_null(image.pixels);
    read_file("progressive.jpg", &file);
    cr_assert_eq(image_decode(&decoder, span_of_file(&file), &image, &fault),
                 STATUS_TOO_LARGE);
    cr_assert_null(image.pixels);
    decoder.pixels_max++;
    cr_assert_eq(image_decode(&decoder, span_of_file(&file), &image, &fault),
                 STATUS_OK);
    image_fini(&image);
}

Test(image, is_read_back_from_a_jpeg_of_its_own)
{
    struct image image = {.pixels = NULL};
    struct image back = {.pixels = NULL};
    struct fault fault = {.text = ""};
    for (uint32_t channels = 1; channels <= 3; channels += 2) {
        struct buf jpeg;
        buf_init(&jpeg, FILE_BYTES);
        cr_assert_eq(image_reserve(&image, 40, 30, channels), STATUS_OK);
        for (size_t i = 0; i < (size_t)40 * 30 * channels; i++) {
            image.pixels[i] = (uint8_t)(i * 200 / (40 * 30 * channels));
        }
        cr_assert_eq(image_jpeg_encode(&image, &jpeg), STATUS_OK);
        cr_assert_eq(decode(buf_span(&jpeg), channels, &back, &fault), STATUS_OK);
        cr_assert_leq(
            worst_difference(image.pixels, back.pixels, (size_t)40 * 30 * channels), 8);
        buf_fini(&jpeg);
    }
    image_fini(&image);
    image_fini(&back);
}

static void
open_wave(struct image *image)
{
    struct file file;
    struct fault fault = {.text = ""};
    read_file("wave.png", &file);
    cr_assert_eq(decode(span_of_file(&file), 3, image, &fault), STATUS_OK);
}

Test(image, is_scaled_to_the_byte_as_Pillow_scales)
{
    static const uint32_t sizes[][2] = {{8, 8}, {61, 20}, {20, 47}, {90, 70},
                                        {1, 1}, {61, 47}, {33, 100}};
    struct image wave = {.pixels = NULL};
    struct image small = {.pixels = NULL};
    struct image_scaler scaler = {.across.most = 0};
    open_wave(&wave);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char name[64];
        struct file want;
        uint32_t width = sizes[i][0];
        uint32_t height = sizes[i][1];
        snprintf(name, sizeof name, "scale-%ux%u.rgb", width, height);
        read_file(name, &want);
        const struct image_frame frame = {.width = width,
                                          .height = height,
                                          .window_width = width,
                                          .window_height = height};
        cr_assert_eq(image_scale(&scaler, &wave, &frame, &small), STATUS_OK);
        cr_assert_eq(memcmp(small.pixels, want.bytes, want.size), 0, "%s", name);
    }
    image_scaler_fini(&scaler);
    image_fini(&wave);
    image_fini(&small);
}

Test(image, is_the_same_in_a_window_as_in_the_whole)
{
    struct image wave = {.pixels = NULL};
    struct image whole = {.pixels = NULL};
    struct image part = {.pixels = NULL};
    struct image_scaler scaler = {.across.most = 0};
    open_wave(&wave);
    const struct image_frame all = {30, 25, 0, 0, 30, 25};
    const struct image_frame window = {30, 25, 7, 11, 20, 5};
    cr_assert_eq(image_scale(&scaler, &wave, &all, &whole), STATUS_OK);
    cr_assert_eq(image_scale(&scaler, &wave, &window, &part), STATUS_OK);
    for (uint32_t y = 0; y < 5; y++) {
        cr_assert_eq(
            memcmp(image_row(&part, y), image_row(&whole, y + 11) + 7 * 3, 20 * 3), 0);
    }
    image_scaler_fini(&scaler);
    image_fini(&wave);
    image_fini(&whole);
    image_fini(&part);
}
