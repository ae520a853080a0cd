/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps before the model, for one image after the other: decode, scale, crop,
 * normalize, into a row of the model's input. Its buffers grow to the largest image and
 * stay.
 */
#ifndef RUNNER_STEPS_IMAGE_H
#define RUNNER_STEPS_IMAGE_H

#include "base/buf.h"
#include "runner/image_decode.h"
#include "runner/image_scale.h"
#include "runner/steps_tensor.h"

struct steps_image {
    const struct steps *steps;
    struct steps_tensor tensor;
    struct image_decoder decoder;
    struct image_scaler scaler;
    struct image decoded;
    struct image scaled;
    struct buf sample; /* a JPEG that stands for what will come, to warm up with */
};

/**
 * @param[in] steps decodes; borrowed until fini
 * @param[in] model as loaded by its platform
 * @return STATUS_OK; STATUS_INVALID: they do not fit each other; STATUS_NO_MEMORY;
 *         steps_image_fini() is called in any case
 */
MUST_CHECK enum status steps_image_init(struct steps_image *s,
                                        const struct steps *steps,
                                        const struct model *model,
                                        struct fault *fault);

/** Accepts a zeroed one. */
void steps_image_fini(struct steps_image *s);

/**
 * @param[in]  bytes from outside
 * @param[out] row   tensor.row_bytes, aligned; undefined on error
 * @return STATUS_OK; STATUS_NO_MEMORY; what image_decode() returns; with words
 * @thread one at a time
 */
MUST_CHECK enum status steps_image_read(struct steps_image *s,
                                        struct span bytes,
                                        void *row,
                                        struct fault *fault);

#endif
