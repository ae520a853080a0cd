/* SPDX-License-Identifier: Apache-2.0 */
/* See image_decode.h: which of the kinds it is. */
#include "runner/image_decode.h"

#include "runner/base64.h"
#include "runner/image_jpeg.h"
#include "runner/image_png.h"

#include <inttypes.h>
#include <stdlib.h>

static const char JPEG_MAGIC[] = "\xff\xd8\xff";
static const char PNG_MAGIC[] = "\x89PNG\r\n\x1a\n";
/* The same in base64, as far as whole characters go. */
static const char JPEG_TEXT[] = "/9j/";
static const char PNG_TEXT[] = "iVBORw0KGg";

static bool
begins(struct span bytes, const char *with)
{
    size_t size = strlen(with);
    return bytes.size >= size && memcmp(bytes.data, with, size) == 0;
}

/* Behind the head of a data: URL, if it is one (RFC 2397). */
static struct span
skip_data_url(struct span bytes)
{
    static const char mark[] = ";base64,";
    if (!begins(bytes, "data:image/")) {
        return bytes;
    }
    size_t most = bytes.size < 64 ? bytes.size : 64;
    const uint8_t *at = memmem(bytes.data, most, mark, sizeof mark - 1);
    if (at == NULL) {
        return bytes;
    }
    size_t skipped = (size_t)(at - bytes.data) + sizeof mark - 1;
    return span_of(bytes.data + skipped, bytes.size - skipped);
}

/* The bytes that the text stands for, or those given where it is none. */
static enum status
read_base64(struct image_decoder *decoder, struct span *bytes, struct fault *fault)
{
    struct span text = skip_data_url(*bytes);
    if (!begins(text, JPEG_TEXT) && !begins(text, PNG_TEXT)) {
        return STATUS_OK;
    }
    size_t most = text.size / 4 * 3 + 3;
    if (most > decoder->raw_capacity) {
        image_decoder_fini(decoder);
        decoder->raw = malloc(most);
        if (decoder->raw == NULL) {
            return fault_set(fault, STATUS_NO_MEMORY, "no memory for the image");
        }
        decoder->raw_capacity = most;
    }
    size_t size = 0;
    enum status status = base64_decode(text, decoder->raw, &size);
    if (status != STATUS_OK) {
        return fault_set(fault, status, "the image begins as base64 and is not");
    }
    *bytes = span_of(decoder->raw, size);
    return STATUS_OK;
}

enum status
image_decode(struct image_decoder *decoder,
             struct span bytes,
             struct image *out,
             struct fault *fault)
{
    enum status status = read_base64(decoder, &bytes, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (begins(bytes, JPEG_MAGIC)) {
        return image_jpeg_decode(decoder, bytes, out, fault);
    }
    if (begins(bytes, PNG_MAGIC)) {
        return image_png_decode(decoder, bytes, out, fault);
    }
    return fault_set(fault, STATUS_INVALID,
                     bytes.size == 0 ? "the image is empty"
                                     : "not an image: %zu bytes that begin neither as "
                                       "JPEG nor as PNG, nor as either in base64",
                     bytes.size);
}

enum status
image_decode_size(const struct image_decoder *decoder,
                  uint32_t width,
                  uint32_t height,
                  struct fault *fault)
{
    if (width == 0 || height == 0) {
        return fault_set(fault, STATUS_INVALID, "the image has no pixels");
    }
    if (width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX ||
        (uint64_t)width * height > decoder->pixels_max) {
        return fault_set(fault, STATUS_TOO_LARGE,
                         "the image has %" PRIu32 "x%" PRIu32
                         " pixels, at most %" PRIu64 " are decoded",
                         width, height, decoder->pixels_max);
    }
    return STATUS_OK;
}

void
image_decoder_fini(struct image_decoder *decoder)
{
    free(decoder->raw);
    decoder->raw = NULL;
    decoder->raw_capacity = 0;
}
