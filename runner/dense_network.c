/* SPDX-License-Identifier: Apache-2.0 */
/* See dense_network.h. */
#include "runner/dense_network.h"

#include <string.h>

size_t
dense_output_gap(const struct dense_network *n, uint32_t rows)
{
    size_t size = (size_t)rows * n->top * sizeof(int32_t);
    return (size + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
}

static void *
append(struct batch *b, uint32_t index, size_t size)
{
    int64_t shape[SLOT_RANK_MAX];
    memcpy(shape, b->model->outputs[index].shape, sizeof shape);
    if (b->model->max_batch_size > 0) {
        shape[0] = b->rows;
    }
    return batch_output(b, index, shape, size);
}

bool
dense_output_place(const struct dense_network *n,
                   struct batch *b,
                   uint32_t padded_rows,
                   struct dense_output *out)
{
    uint32_t width = n->top > 0 ? n->top : dense_network_out(n);
    size_t size = (size_t)b->rows * width * sizeof(float);
    *out = (struct dense_output){.size = size};
    if (n->top == 0) {
        out->values = append(b, 0, size);
        return out->values != NULL;
    }
    out->classes = append(b, 0, size);
    if (out->classes == NULL) {
        return false;
    }
    size_t gap = dense_output_gap(n, padded_rows);
    b->outputs_at += gap - size;
    out->values = append(b, 1, size);
    out->size = gap + size;
    return out->values != NULL;
}
