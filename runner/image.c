/* SPDX-License-Identifier: Apache-2.0 */
/* See image.h. Sides and channels are bounded by the callers, so sizes cannot overflow.
 */
#include "runner/image.h"

#include <stdlib.h>

enum status
image_reserve(struct image *image, uint32_t width, uint32_t height, uint32_t channels)
{
    size_t size = (size_t)width * height * channels;
    if (size > image->capacity) {
        image_fini(image);
        image->pixels = malloc(size);
        if (image->pixels == NULL) {
            return STATUS_NO_MEMORY;
        }
        image->capacity = size;
    }
    image->width = width;
    image->height = height;
    image->channels = channels;
    return STATUS_OK;
}

void
image_fini(struct image *image)
{
    free(image->pixels);
    *image = (struct image){.pixels = NULL};
}
