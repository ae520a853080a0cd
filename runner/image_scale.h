/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scaling with antialiasing: each pixel is the mean of those under a triangle as wide
 * as two of the new pixels (two of the old ones where the image grows), first along x
 * rounded to a byte, then along y. Weights have 22 bits of fraction. That is what
 * Pillow's resize(..., BILINEAR) computes, so that a model sees what it was trained on;
 * the tests compare byte for byte. Of the scaled image only the window is computed.
 */
#ifndef RUNNER_IMAGE_SCALE_H
#define RUNNER_IMAGE_SCALE_H

#include "base/status.h"
#include "runner/image.h"

/* The scaled image, and the part of it that is wanted. */
struct image_frame {
    uint32_t width; /* of the whole */
    uint32_t height;
    uint32_t x; /* of the window's corner */
    uint32_t y;
    uint32_t window_width; /* x + window_width ≤ width */
    uint32_t window_height;
};

/* The weights along one side. */
struct image_weights {
    uint32_t *first;  /* per pixel of the window: the first old pixel under it */
    uint32_t *count;  /* and how many: at most `most` */
    int32_t *weights; /* [window][most] */
    uint32_t most;
};

/* Buffers, kept for the next image. */
struct image_scaler {
    struct image narrow; /* scaled along x */
    struct image_weights across;
    struct image_weights down;
};

/**
 * @param[in]  in  any but `out`
 * @param[out] out window_width × window_height, its buffer is used again
 * @return STATUS_OK; STATUS_NO_MEMORY
 */
MUST_CHECK enum status image_scale(struct image_scaler *scaler,
                                   const struct image *in,
                                   const struct image_frame *frame,
                                   struct image *out);

/** Accepts a zeroed one. */
void image_scaler_fini(struct image_scaler *scaler);

#endif
