/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory that batcher and runner share (runner/protocol.h): rows of a batch are
 * gathered into a slot in one pass, and outputs are read out of it as views, item by
 * item, without a copy. What a runner wrote is checked before it is believed.
 */
#ifndef BATCHER_SLAB_H
#define BATCHER_SLAB_H

#include "base/status.h"
#include "batcher/item.h"
#include "batcher/model_spec.h"
#include "runner/protocol.h"
#include "schemas/tensor.h"

#include <stddef.h>
#include <stdint.h>

struct slab {
    int fd; /* memfd; -1 = none */
    void *memory;
    uint64_t slot_bytes;
};

/** @return STATUS_OK; STATUS_IO; on error nothing is left to close */
MUST_CHECK enum status slab_open(struct slab *s, uint64_t slot_bytes);
void slab_close(struct slab *s);

static inline struct slot_head *
slab_slot(const struct slab *s, unsigned index)
{
    return slot_at(s->memory, s->slot_bytes, index);
}

/**
 * Writes the inputs of the items, in their order, into a free slot.
 *
 * @param[in] items list; each was checked against the spec, all of one signature
 * @shape input i: [sum of rows][...] where the model batches
 * @return STATUS_OK; STATUS_TOO_LARGE if they do not fit, which leaves the slot free
 */
MUST_CHECK enum status slab_gather(struct slot_head *slot,
                                   uint64_t slot_bytes,
                                   const struct model_spec *spec,
                                   const struct item *items);

/** Walks the outputs of a finished slot, item by item in the order of gathering. */
struct slab_reader {
    struct tensor outputs[SLOT_TENSORS_MAX]; /* whole batch, in the order of the spec */
    size_t at[SLOT_TENSORS_MAX];             /* bytes given out */
    uint32_t count;
    uint32_t rows;
    bool batching;
};

/**
 * Checks the outputs: number, names, datatypes, shapes, sizes, places.
 *
 * @return STATUS_OK; STATUS_MODEL_FAILED with the reason
 */
MUST_CHECK enum status slab_reader_init(struct slab_reader *r,
                                        struct slot_head *slot,
                                        uint64_t slot_bytes,
                                        const struct model_spec *spec,
                                        uint32_t rows,
                                        struct fault *fault);

/**
 * The outputs of the next item.
 *
 * @param[out] outputs r->count views, valid until the slot is free again
 */
void slab_reader_next(struct slab_reader *r, uint32_t rows, struct tensor *outputs);

#endif
