/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an image, grey and RGB: refused in words or decoded within the bounds,
 * and scaled whatever its size. */
#include "runner/image_decode.h"
#include "runner/image_scale.h"
#include "runner/steps.h"
#include "tests/fuzz/fuzz.h"

#define PIXELS_MAX UINT64_C(250000)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct steps steps = {.short_side = 9, .width = 8, .height = 7};
    struct image image = {.pixels = NULL};
    struct image small = {.pixels = NULL};
    struct image_scaler scaler = {.across.most = 0};
    for (uint32_t channels = 1; channels <= 3; channels += 2) {
        struct image_decoder decoder = {.channels = channels, .pixels_max = PIXELS_MAX};
        struct fault fault = {.text = ""};
        enum status status =
            image_decode(&decoder, span_of(data, size), &image, &fault);
        image_decoder_fini(&decoder);
        if (status != STATUS_OK) {
            require(fault.text[0] != '\0');
            continue;
        }
        require(image.channels == channels && image.width > 0 && image.height > 0);
        require((uint64_t)image.width * image.height <= PIXELS_MAX);
        const struct image_frame frame = steps_frame(&steps, image.width, image.height);
        require(image_scale(&scaler, &image, &frame, &small) == STATUS_OK);
        require(small.width == 8 && small.height == 7 && small.channels == channels);
    }
    image_scaler_fini(&scaler);
    image_fini(&image);
    image_fini(&small);
    return 0;
}
