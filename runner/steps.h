/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `steps=` of model.properties says: what happens to an image before the model and
 * to its output after it, always in this order, each at most once:
 *
 *   decode[:grey|rgb[;megapixels=N]] resize:WxH|short=N [crop:WxH]
 *   [normalize:[scale=A[/B];][mean=M,...;][std=S,...]] [layout:nchw|nhwc]
 *   model [softmax] [topk:K]
 *
 * Pure: text in, numbers out.
 */
#ifndef RUNNER_STEPS_H
#define RUNNER_STEPS_H

#include "base/status.h"
#include "runner/image.h"
#include "runner/image_scale.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    STEPS_SIDE_MAX = 8192, /* of what a model is given */
    STEPS_TOP_MAX = 10000,
};

enum steps_layout {
    STEPS_LAYOUT_OF_MODEL, /* as the model's input has it; else nhwc */
    STEPS_LAYOUT_NHWC,     /* channels beside each other */
    STEPS_LAYOUT_NCHW,     /* a plane per channel */
};

struct steps {
    bool decodes; /* the input is an image; else all up to `layout` is not set */
    uint32_t channels;
    uint64_t pixels_max;
    uint32_t short_side;  /* the image is scaled so that its shorter side is that; 0: */
    uint32_t scale_width; /* it is scaled to this */
    uint32_t scale_height; /* and this */
    uint32_t width;        /* of what the model is given: the middle of it */
    uint32_t height;
    bool normalizes;
    float scale; /* (value × scale - mean) / std */
    float mean[IMAGE_CHANNELS_MAX];
    float std[IMAGE_CHANNELS_MAX];
    enum steps_layout layout;
    bool softmax;
    uint32_t top; /* the best so many; 0 = all, as the model has them */
};

/**
 * @param[in]  text  the value of the key
 * @param[out] out   set only on STATUS_OK
 * @param[out] fault names the key, the step and what was expected
 * @return STATUS_OK; STATUS_INVALID
 */
MUST_CHECK enum status
steps_parse(const char *text, struct steps *out, struct fault *fault);

/** How an image of that size (both over 0) is scaled, and which part is wanted. */
struct image_frame
steps_frame(const struct steps *steps, uint32_t width, uint32_t height);

#endif
