/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JPEG by libjpeg-turbo, whose only home is image_jpeg.c: its jumps out of errors end
 * there. What is cut short or damaged is refused, not filled with grey.
 */
#ifndef RUNNER_IMAGE_JPEG_H
#define RUNNER_IMAGE_JPEG_H

#include "base/buf.h"
#include "runner/image_decode.h"

/** As image_decode(), of bytes that begin as a JPEG does. */
MUST_CHECK enum status image_jpeg_decode(const struct image_decoder *decoder,
                                         struct span bytes,
                                         struct image *out,
                                         struct fault *fault);

/**
 * Appends the image as a JPEG of middling quality.
 *
 * @return STATUS_OK; STATUS_NO_MEMORY; STATUS_TOO_LARGE over the buffer's limit
 */
MUST_CHECK enum status image_jpeg_encode(const struct image *image, struct buf *out);

#endif
