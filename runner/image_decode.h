/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes from outside, JPEG or PNG as their first bytes tell, or either of them in
 * base64 (JSON has no bytes), to grey or RGB pixels. The size is read first and refused
 * before memory is taken for it: a small file may claim a huge image. Alpha is dropped,
 * 16 bits become 8, an orientation in the metadata is not obeyed: as Pillow's
 * convert("RGB") does, with which models are trained.
 */
#ifndef RUNNER_IMAGE_DECODE_H
#define RUNNER_IMAGE_DECODE_H

#include "base/span.h"
#include "base/status.h"
#include "runner/image.h"

struct image_decoder {
    uint32_t channels;   /* wanted: 1 or 3 */
    uint64_t pixels_max; /* of an image, width × height */
    uint8_t *raw;        /* what base64 stood for; kept for the next one */
    size_t raw_capacity;
};

/**
 * @param[in]  bytes from outside, of any size
 * @param[out] out   the image; its buffer is used again. Undefined on error
 * @return STATUS_OK; STATUS_INVALID: neither kind, or broken; STATUS_TOO_LARGE: over
 *         pixels_max; STATUS_UNSUPPORTED; STATUS_NO_MEMORY; with words in all cases
 * @thread one at a time per decoder
 */
MUST_CHECK enum status image_decode(struct image_decoder *decoder,
                                    struct span bytes,
                                    struct image *out,
                                    struct fault *fault);

/** Accepts a zeroed one. */
void image_decoder_fini(struct image_decoder *decoder);

/** Whether an image of that size is over the decoder's bounds; then the fault says so.
 */
MUST_CHECK enum status image_decode_size(const struct image_decoder *decoder,
                                         uint32_t width,
                                         uint32_t height,
                                         struct fault *fault);

#endif
