/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dense model as read from its folder, the same for every device: the layers in FP32,
 * what is done to the input before and to the last softmax after. Also where its
 * outputs stand in a slot.
 */
#ifndef RUNNER_DENSE_NETWORK_H
#define RUNNER_DENSE_NETWORK_H

#include "runner/batch.h"
#include "runner/dense_layer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DENSE_LAYERS_MAX = 64, DENSE_TOP_MAX = 32 };

struct dense_network {
    struct dense_layer layers[DENSE_LAYERS_MAX];
    uint32_t layer_count;
    bool from_bytes; /* the input is UINT8, else FP32 */
    bool converts;   /* the input is not FP32 as it stands in the slot */
    float scale;     /* of normalize=scale,offset: x × scale + offset */
    float offset;
    uint32_t top; /* of top.k: so many of the last softmax; 0 = all of it */
};

static inline uint32_t
dense_network_in(const struct dense_network *n)
{
    return n->layers[0].in;
}

static inline uint32_t
dense_network_out(const struct dense_network *n)
{
    return n->layers[n->layer_count - 1].out;
}

/* Where a batch's answer goes. */
struct dense_output {
    float *values;    /* [rows][out]; with top.k the scores, [rows][k] */
    int32_t *classes; /* [rows][k]; NULL without top.k */
    size_t size;      /* bytes from the first of both to the end of the last */
};

/**
 * Bytes from the classes to the scores where both were computed for so many rows.
 */
size_t dense_output_gap(const struct dense_network *n, uint32_t rows);

/**
 * Appends the outputs of the batch: one, or with top.k classes and scores.
 *
 * @param[in] padded_rows ≥ b->rows: classes and scores stand dense_output_gap() of
 * these apart, so that one copy fetches both
 * @return whether the slot has room; else batch_fail() has told so
 */
bool dense_output_place(const struct dense_network *n,
                        struct batch *b,
                        uint32_t padded_rows,
                        struct dense_output *out);

#endif
