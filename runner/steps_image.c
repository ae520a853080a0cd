/* SPDX-License-Identifier: Apache-2.0 */
/* See steps_image.h. */
#include "runner/steps_image.h"

#include "runner/image_jpeg.h"

enum {
    SAMPLE_FACTOR = 2, /* a sample is so much larger than what the model is given */
    SAMPLE_SIDE_MAX = 1024,
    SAMPLE_BYTES_MAX = 16 * 1024 * 1024,
};

static uint32_t
sample_side(uint32_t side)
{
    uint32_t larger = side * SAMPLE_FACTOR;
    return larger < SAMPLE_SIDE_MAX ? larger : SAMPLE_SIDE_MAX;
}

/* Noise costs a decoder more than a picture does; a coarse grain is about as dear. */
static enum status
make_sample(struct steps_image *s)
{
    uint32_t width = sample_side(s->steps->width);
    uint32_t height = sample_side(s->steps->height);
    uint32_t random = 1;
    buf_init(&s->sample, SAMPLE_BYTES_MAX);
    if (image_reserve(&s->decoded, width, height, s->steps->channels) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    size_t size = (size_t)width * height * s->steps->channels;
    for (size_t i = 0; i < size; i++) {
        random = random * 1664525 + 1013904223;
        s->decoded.pixels[i] = (uint8_t)(96 + (i / 24 * 40) % 64 + (random >> 28));
    }
    return image_jpeg_encode(&s->decoded, &s->sample);
}

enum status
steps_image_init(struct steps_image *s,
                 const struct steps *steps,
                 const struct model *model,
                 struct fault *fault)
{
    *s = (struct steps_image){
        .steps = steps,
        .decoder = {.channels = steps->channels, .pixels_max = steps->pixels_max}};
    enum status status = steps_tensor_fit(&s->tensor, steps, model, fault);
    if (status == STATUS_OK && make_sample(s) != STATUS_OK) {
        return fault_set(fault, STATUS_NO_MEMORY, "steps: no memory for an image");
    }
    return status;
}

void
steps_image_fini(struct steps_image *s)
{
    image_decoder_fini(&s->decoder);
    image_scaler_fini(&s->scaler);
    image_fini(&s->decoded);
    image_fini(&s->scaled);
    buf_fini(&s->sample);
}

enum status
steps_image_read(struct steps_image *s,
                 struct span bytes,
                 void *row,
                 struct fault *fault)
{
    enum status status = image_decode(&s->decoder, bytes, &s->decoded, fault);
    if (status != STATUS_OK) {
        return status;
    }
    const struct image_frame frame =
        steps_frame(s->steps, s->decoded.width, s->decoded.height);
    if (image_scale(&s->scaler, &s->decoded, &frame, &s->scaled) != STATUS_OK) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory to scale the image");
    }
    steps_tensor_write(&s->tensor, &s->scaled, row);
    return STATUS_OK;
}
