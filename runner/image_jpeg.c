/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See image_jpeg.h. libjpeg tells errors by a function that must not return: ours
 * writes the fault and jumps to the frame that called setjmp(). What lives across the
 * jump is in struct jpeg_reader, which belongs to the frame above that one.
 * Damage that libjpeg only warns of is an error here, too.
 */
#include "runner/image_jpeg.h"

#include <setjmp.h>
#include <stdlib.h>

/* Each needs the one before it. */
/* clang-format off */
#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>
/* clang-format on */

enum {
    SCANS_MAX = 100, /* of a progressive file: each is work over the whole image */
    QUALITY = 85,
    CMYK = 4,
};

struct jpeg_reader {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    const struct image_decoder *decoder;
    struct image *out;
    struct fault *fault;
    enum status status; /* where the jump comes from an error */
    jmp_buf failed;
};

static void
fail(j_common_ptr info)
{
    struct jpeg_reader *r = info->client_data;
    char text[JMSG_LENGTH_MAX];
    info->err->format_message(info, text);
    bool no_memory = info->err->msg_code == JERR_OUT_OF_MEMORY;
    r->status = fault_set(r->fault, no_memory ? STATUS_NO_MEMORY : STATUS_INVALID,
                          "broken JPEG: %s", text);
    longjmp(r->failed, 1);
}

/* Negative levels are warnings: all but those of a peculiar header mean lost pixels. */
static void
hear(j_common_ptr info, int level)
{
    int code = info->err->msg_code;
    bool harmless = code == JWRN_ADOBE_XFORM || code == JWRN_EXTRANEOUS_DATA ||
                    code == JWRN_JFIF_MAJOR || code == JWRN_BOGUS_ICC;
    if (level < 0 && !harmless) {
        fail(info);
    }
}

static void
watch_scans(j_common_ptr info)
{
    struct jpeg_reader *r = info->client_data;
    if (r->info.input_scan_number > SCANS_MAX) {
        r->status = fault_set(r->fault, STATUS_TOO_LARGE, "the JPEG has over %d scans",
                              SCANS_MAX);
        longjmp(r->failed, 1);
    }
}

static void
give_up(struct jpeg_reader *r, enum status status)
{
    r->status = status;
    longjmp(r->failed, 1);
}

/* What libjpeg converts to: of CMYK it knows only CMYK. */
static void
choose_colors(struct jpeg_reader *r)
{
    switch (r->info.jpeg_color_space) {
    case JCS_GRAYSCALE:
    case JCS_YCbCr:
    case JCS_RGB:
        r->info.out_color_space = r->decoder->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
        return;
    case JCS_CMYK:
    case JCS_YCCK:
        r->info.out_color_space = JCS_CMYK;
        return;
    default:
        give_up(r, fault_set(r->fault, STATUS_UNSUPPORTED,
                             "the JPEG has %d components of no known colours",
                             r->info.num_components));
    }
}

/* Adobe writes the inks inverted: 255 is none. */
static void
convert_inks(const struct jpeg_reader *r, const uint8_t *inks, uint8_t *to)
{
    const uint32_t flip = r->info.saw_Adobe_marker ? 0 : 255;
    for (uint32_t x = 0; x < r->out->width; x++) {
        uint32_t rgb[3];
        for (int c = 0; c < 3; c++) {
            uint32_t light = (inks[c] ^ flip) * (inks[3] ^ flip);
            rgb[c] = (light + 127) / 255;
        }
        inks += CMYK;
        if (r->out->channels == 1) {
            *to++ = image_luma(rgb[0], rgb[1], rgb[2]);
            continue;
        }
        for (int c = 0; c < 3; c++) {
            *to++ = (uint8_t)rgb[c];
        }
    }
}

static void
read_rows(struct jpeg_reader *r)
{
    struct jpeg_decompress_struct *info = &r->info;
    bool inks = info->out_color_space == JCS_CMYK;
    JSAMPARRAY line = NULL;
    if (inks) {
        line = info->mem->alloc_sarray((j_common_ptr)info, JPOOL_IMAGE,
                                       info->output_width * CMYK, 1);
    }
    while (info->output_scanline < info->output_height) {
        uint8_t *to = image_row(r->out, info->output_scanline);
        if (inks) {
            jpeg_read_scanlines(info, line, 1);
            convert_inks(r, line[0], to);
        } else {
            jpeg_read_scanlines(info, &to, 1);
        }
    }
}

static void
read_image(struct jpeg_reader *r, struct span bytes)
{
    struct jpeg_decompress_struct *info = &r->info;
    jpeg_create_decompress(info);
    info->client_data = r; /* cleared by create */
    jpeg_mem_src(info, bytes.data, bytes.size);
    jpeg_read_header(info, TRUE);
    enum status status =
        image_decode_size(r->decoder, info->image_width, info->image_height, r->fault);
    if (status != STATUS_OK) {
        give_up(r, status);
    }
    choose_colors(r);
    if (image_reserve(r->out, info->image_width, info->image_height,
                      r->decoder->channels) != STATUS_OK) {
        give_up(r, fault_set(r->fault, STATUS_NO_MEMORY, "no memory for the image"));
    }
    r->progress.progress_monitor = watch_scans;
    info->progress = &r->progress;
    jpeg_start_decompress(info);
    read_rows(r);
}

/* Apart from the owner of the reader, so that no variable of this frame changes. */
static void
read_or_fail(struct jpeg_reader *r, struct span bytes)
{
    if (setjmp(r->failed) == 0) {
        read_image(r, bytes);
    }
}

enum status
image_jpeg_decode(const struct image_decoder *decoder,
                  struct span bytes,
                  struct image *out,
                  struct fault *fault)
{
    struct jpeg_reader r = {.decoder = decoder, .out = out, .fault = fault};
    r.info.err = jpeg_std_error(&r.errors);
    r.info.client_data = &r;
    r.errors.error_exit = fail;
    r.errors.emit_message = hear;
    read_or_fail(&r, bytes);
    jpeg_destroy_decompress(&r.info);
    return r.status;
}

/* Writing. */

struct jpeg_writer {
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    unsigned char *bytes; /* libjpeg's, by malloc */
    unsigned long size;
    bool failed;
    jmp_buf broken;
};

static void
fail_writing(j_common_ptr info)
{
    struct jpeg_writer *w = info->client_data;
    w->failed = true;
    longjmp(w->broken, 1);
}

static void
write_image(struct jpeg_writer *w, const struct image *image)
{
    struct jpeg_compress_struct *info = &w->info;
    jpeg_create_compress(info);
    info->client_data = w;
    jpeg_mem_dest(info, &w->bytes, &w->size);
    info->image_width = image->width;
    info->image_height = image->height;
    info->input_components = (int)image->channels;
    info->in_color_space = image->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(info);
    jpeg_set_quality(info, QUALITY, TRUE);
    jpeg_start_compress(info, TRUE);
    while (info->next_scanline < info->image_height) {
        uint8_t *from = image_row(image, info->next_scanline);
        jpeg_write_scanlines(info, &from, 1);
    }
    jpeg_finish_compress(info);
}

static void
write_or_fail(struct jpeg_writer *w, const struct image *image)
{
    if (setjmp(w->broken) == 0) {
        write_image(w, image);
    }
}

enum status
image_jpeg_encode(const struct image *image, struct buf *out)
{
    struct jpeg_writer w = {.bytes = NULL};
    w.info.err = jpeg_std_error(&w.errors);
    w.info.client_data = &w;
    w.errors.error_exit = fail_writing;
    write_or_fail(&w, image);
    jpeg_destroy_compress(&w.info);
    if (!w.failed) {
        buf_append(out, w.bytes, w.size);
    }
    free(w.bytes);
    return w.failed ? STATUS_NO_MEMORY : out->status;
}
