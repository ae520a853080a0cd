/* SPDX-License-Identifier: Apache-2.0 */
/* PNG by libpng, whose only home is image_png.c: its jumps out of errors end there. */
#ifndef RUNNER_IMAGE_PNG_H
#define RUNNER_IMAGE_PNG_H

#include "runner/image_decode.h"

/** As image_decode(), of bytes that begin as a PNG does. */
MUST_CHECK enum status image_png_decode(const struct image_decoder *decoder,
                                        struct span bytes,
                                        struct image *out,
                                        struct fault *fault);

#endif
