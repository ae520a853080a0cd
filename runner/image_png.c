/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See image_png.h. libpng tells errors by a function that must not return: ours writes
 * the fault and jumps to the frame that called setjmp(). What lives across the jump is
 * in struct png_reader, which belongs to the frame above that one. Texts and profiles,
 * which may unpack to megabytes, are skipped.
 */
#include "runner/image_png.h"

#include <png.h>
#include <setjmp.h>

struct png_reader {
    png_structp png;
    png_infop info;
    const struct image_decoder *decoder;
    struct span left; /* not read yet */
    struct image *out;
    struct fault *fault;
    enum status status; /* where the jump comes from an error */
    jmp_buf failed;
};

static void
give_up(struct png_reader *r, enum status status)
{
    r->status = status;
    longjmp(r->failed, 1);
}

static void
fail(png_structp png, png_const_charp text)
{
    struct png_reader *r = png_get_error_ptr(png);
    give_up(r, fault_set(r->fault, STATUS_INVALID, "broken PNG: %s", text));
}

/* Of what can be read all the same. */
static void
hear(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void
take_bytes(png_structp png, png_bytep to, size_t size)
{
    struct png_reader *r = png_get_io_ptr(png);
    if (size > r->left.size) {
        png_error(png, "it ends too early");
    }
    memcpy(to, r->left.data, size);
    r->left = span_of(r->left.data + size, r->left.size - size);
}

static void
skip_extras(png_structp png)
{
    static const png_byte names[] = "iCCP\0zTXt\0iTXt\0tEXt\0eXIf\0sPLT";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names,
                                (int)(sizeof names / 5));
}

/* Whatever it is, to 8 bits of grey or RGB. */
static void
set_conversions(struct png_reader *r)
{
    png_structp png = r->png;
    int kind = png_get_color_type(png, r->info);
    int depth = png_get_bit_depth(png, r->info);
    if (kind == PNG_COLOR_TYPE_PALETTE) {
        png_set_palette_to_rgb(png);
    } else if (kind == PNG_COLOR_TYPE_GRAY && depth < 8) {
        png_set_expand_gray_1_2_4_to_8(png);
    }
    if (depth == 16) {
        png_set_scale_16(png);
    }
    png_set_strip_alpha(png);
    if ((kind & PNG_COLOR_MASK_COLOR) == 0 && r->decoder->channels == 3) {
        png_set_gray_to_rgb(png);
    }
}

static void
read_rows(struct png_reader *r)
{
    int passes = png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    uint32_t width = png_get_image_width(r->png, r->info);
    uint32_t height = png_get_image_height(r->png, r->info);
    uint32_t channels = png_get_channels(r->png, r->info);
    if (png_get_rowbytes(r->png, r->info) != (size_t)width * channels ||
        (channels != 1 && channels != 3)) {
        png_error(r->png, "its pixels are of an unknown kind");
    }
    if (image_reserve(r->out, width, height, channels) != STATUS_OK) {
        give_up(r, fault_set(r->fault, STATUS_NO_MEMORY, "no memory for the image"));
    }
    for (int pass = 0; pass < passes; pass++) {
        for (uint32_t y = 0; y < height; y++) {
            png_read_row(r->png, image_row(r->out, y), NULL);
        }
    }
}

/* In place: what is written lies before what is still to be read. */
static void
turn_grey(struct image *image)
{
    const uint8_t *from = image->pixels;
    size_t count = (size_t)image->width * image->height;
    for (size_t i = 0; i < count; i++, from += 3) {
        image->pixels[i] = image_luma(from[0], from[1], from[2]);
    }
    image->channels = 1;
}

static void
read_image(struct png_reader *r)
{
    png_set_read_fn(r->png, r, take_bytes);
    png_set_user_limits(r->png, IMAGE_SIDE_MAX, IMAGE_SIDE_MAX);
    skip_extras(r->png);
    png_read_info(r->png, r->info);
    enum status status =
        image_decode_size(r->decoder, png_get_image_width(r->png, r->info),
                          png_get_image_height(r->png, r->info), r->fault);
    if (status != STATUS_OK) {
        give_up(r, status);
    }
    set_conversions(r);
    read_rows(r);
    if (r->out->channels == 3 && r->decoder->channels == 1) {
        turn_grey(r->out);
    }
}

/* Apart from the owner of the reader, so that no variable of this frame changes. */
static void
read_or_fail(struct png_reader *r)
{
    if (setjmp(r->failed) == 0) {
        read_image(r);
    }
}

enum status
image_png_decode(const struct image_decoder *decoder,
                 struct span bytes,
                 struct image *out,
                 struct fault *fault)
{
    struct png_reader r = {
        .decoder = decoder, .left = bytes, .out = out, .fault = fault};
    r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, fail, hear);
    r.info = r.png == NULL ? NULL : png_create_info_struct(r.png);
    if (r.info == NULL) {
        png_destroy_read_struct(&r.png, NULL, NULL);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the image");
    }
    read_or_fail(&r);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    return r.status;
}
