/* SPDX-License-Identifier: Apache-2.0 */
/* See buckets.h. */
#include "runner/cuda/buckets.h"

/* 1, 2, 4, 8, 12, 16, 24, 32, 48, ...: powers of two, and from 8 on their middles. */
static uint32_t
next_of(uint32_t rows)
{
    bool is_power = (rows & (rows - 1)) == 0;
    if (!is_power) {
        return rows / 3 * 4;
    }
    return rows < 8 ? rows * 2 : rows / 2 * 3;
}

void
buckets_init(struct buckets *b, const struct model *model)
{
    uint32_t most = model->max_batch_size > 0 ? model->max_batch_size : 1;
    b->count = 0;
    for (uint32_t i = 0; i < model->bucket_count && model->buckets[i] < most; i++) {
        b->rows[b->count++] = model->buckets[i];
    }
    for (uint32_t rows = 1; model->bucket_count == 0 && rows < most;
         rows = next_of(rows)) {
        b->rows[b->count++] = rows;
    }
    b->rows[b->count++] = most;
}

uint32_t
buckets_find(const struct buckets *b, uint32_t rows)
{
    uint32_t i = 0;
    while (b->rows[i] < rows) {
        i++;
    }
    return i;
}
