/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dense model with random weights, written to a folder, and loaded on some device
 * through the backend's table as an instance does it, with slots of its own.
 */
#ifndef TESTS_GPU_TWIN_H
#define TESTS_GPU_TWIN_H

#include "runner/backend.h"

#include <stddef.h>
#include <stdint.h>

enum { FOLDER_BYTES = 64, WIDTHS_MAX = 8 };

/** [0, 1), the same in every run. */
float twin_random(void);

/**
 * Writes model.safetensors with the layers l0, l1, ...
 *
 * @param[in]  widths of the input and of each layer; 0 ends them
 * @param[out] folder a new one; removed by twin_remove()
 */
void twin_write(const uint32_t *widths, char folder[FOLDER_BYTES]);
void twin_remove(const char *folder);

struct twin {
    struct properties properties;
    struct model model;
    void *slab;
    uint64_t slot_bytes;
    void *state;
    struct batch batches[2];
};

/**
 * @param[in]  folder of the last twin_write()
 * @param[in]  text lines of model.properties
 * @param[out] t released by twin_unload(), also on error
 */
enum status twin_load(struct twin *t,
                      const char *folder,
                      const char *text,
                      const char *device,
                      uint32_t max_batch_size,
                      struct fault *fault);
void twin_unload(struct twin *t);

/** Fills the slot. @return whether the rows fit it */
bool twin_fill(struct twin *t, unsigned slot, uint32_t rows, const void *input);

/** Opens what is in the slot as that batch, also once more. */
bool twin_open(struct twin *t, unsigned batch, unsigned slot);

/** Fills the slot, opens it, and brings the batch into its first stage. */
enum slot_outcome twin_prepare(
    struct twin *t, unsigned batch, unsigned slot, uint32_t rows, const void *input);

/** Ends the batch. */
enum slot_outcome twin_run(struct twin *t, unsigned batch);

/** Output number `index` of a batch that was run. */
const void *twin_output(const struct twin *t, unsigned batch, uint32_t index);

#endif
