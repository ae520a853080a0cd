/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the pixels of an image to a row of the model's input: every value of a byte is
 * worked out beforehand. Letters: H height, W width, C channels of what the steps make.
 */
#ifndef RUNNER_STEPS_TENSOR_H
#define RUNNER_STEPS_TENSOR_H

#include "runner/image.h"
#include "runner/model.h"
#include "runner/steps.h"

enum { STEPS_BYTE_VALUES = 256 };

struct steps_tensor {
    enum datatype datatype; /* UINT8, FP16 or FP32 */
    bool planes;            /* [C][H][W]; else [H][W][C] */
    uint32_t rank;
    int64_t shape[SLOT_RANK_MAX]; /* the first is to be the rows where B > 0 */
    size_t row_bytes;
    float values[IMAGE_CHANNELS_MAX][STEPS_BYTE_VALUES];
    uint16_t halves[IMAGE_CHANNELS_MAX][STEPS_BYTE_VALUES];
};

/**
 * Finds out how the images go into the model's only input: its datatype, and its shape
 * as [C][H][W], [H][W][C], [H][W] where C is 1, or flat; -1 fits any size.
 *
 * @return STATUS_OK; STATUS_INVALID
 */
MUST_CHECK enum status steps_tensor_fit(struct steps_tensor *t,
                                        const struct steps *steps,
                                        const struct model *model,
                                        struct fault *fault);

/**
 * @param[in]  image H × W × C
 * @param[out] row   row_bytes, aligned for its datatype
 */
void
steps_tensor_write(const struct steps_tensor *t, const struct image *image, void *row);

#endif
