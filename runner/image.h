/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image in memory: rows from the top, pixels from the left, channels side by side,
 * a byte each. The pixels are a buffer that is used again for the next image, so that
 * decoding a batch allocates only for the largest one.
 */
#ifndef RUNNER_IMAGE_H
#define RUNNER_IMAGE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum {
    IMAGE_SIDE_MAX = 65535,
    IMAGE_CHANNELS_MAX = 3,
};

struct image {
    uint32_t width;
    uint32_t height;
    uint32_t channels; /* 1 grey or 3 RGB */
    uint8_t *pixels;   /* [height][width][channels] */
    size_t capacity;   /* bytes */
};

/**
 * Makes room for an image of that size; what was in it is lost.
 *
 * @return STATUS_OK; STATUS_NO_MEMORY
 */
MUST_CHECK enum status
image_reserve(struct image *image, uint32_t width, uint32_t height, uint32_t channels);

/** Accepts a zeroed one. */
void image_fini(struct image *image);

static inline uint8_t *
image_row(const struct image *image, uint32_t y)
{
    return image->pixels + (size_t)y * image->width * image->channels;
}

/** Luma of ITU-R BT.601, in 16 bits of fraction, rounded. */
static inline uint8_t
image_luma(uint32_t red, uint32_t green, uint32_t blue)
{
    return (uint8_t)((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}

#endif
