/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a loaded model wants and gives: the tensors that the `loaded` message tells and
 * that every slot is checked against. B below is max_batch_size; a model with B = 0
 * does not batch: its tensors have no batch dimension and a slot holds one item.
 */
#ifndef RUNNER_MODEL_H
#define RUNNER_MODEL_H

#include "base/buf.h"
#include "base/datatype.h"
#include "base/status.h"
#include "runner/properties.h"
#include "runner/protocol.h"

#include <stdbool.h>
#include <stdint.h>

enum { MODEL_BUCKETS_MAX = 32 };

struct model_tensor {
    char name[SLOT_NAME_BYTES];
    enum datatype datatype;
    uint32_t rank;
    int64_t shape[SLOT_RANK_MAX]; /* -1 = variable; the first is -1 where B > 0 */
};

struct model {
    uint32_t max_batch_size; /* B; 0 = does not batch */
    bool staged;             /* the backend's prepare() is called before its run() */
    uint32_t bucket_count;   /* 0: batches are not padded */
    uint32_t buckets[MODEL_BUCKETS_MAX]; /* ascending rows, the last at most B */
    uint64_t device_bytes; /* memory of a device that it holds; 0: none, or unknown,
                              and then measured if the backend called
                              device_memory_begin() */
    uint32_t input_count;
    uint32_t output_count;
    struct model_tensor inputs[SLOT_TENSORS_MAX];
    struct model_tensor outputs[SLOT_TENSORS_MAX];
};

/**
 * Reads `NAME DATATYPE d0,d1,...` (no dimensions: a scalar).
 *
 * @param[out] out set only on STATUS_OK
 * @return STATUS_OK; STATUS_INVALID
 */
MUST_CHECK enum status
model_tensor_parse(const char *text, struct model_tensor *out, struct fault *fault);

/** Writes what model_tensor_parse() reads. */
void model_tensor_format(const struct model_tensor *t, struct buf *out);

/**
 * Reads `input.0`, `input.1`, ... and `output.0`, ... into the model, up to the first
 * number that is absent; where the model batches each must begin with -1.
 *
 * @return STATUS_OK; STATUS_INVALID; STATUS_TOO_LARGE over SLOT_TENSORS_MAX
 */
MUST_CHECK enum status model_read_tensors(struct model *model,
                                          const struct properties *properties,
                                          struct fault *fault);

/**
 * Reads `batch.buckets=1,2,4`: the sizes that batches may be padded up to.
 *
 * @param[in,out] model max_batch_size is set
 * @return STATUS_OK, also where the key is absent; STATUS_INVALID
 */
MUST_CHECK enum status model_read_buckets(struct model *model,
                                          const struct properties *properties,
                                          struct fault *fault);

/** The rows that a padded batch of so many has: its bucket, B above the last one;
 * `rows` where there are no buckets. */
uint32_t model_padded_rows(const struct model *model, uint32_t rows);

/**
 * Elements of one row: the product of the dimensions behind the batch dimension (of all
 * where B = 0), a variable one counted as 1.
 */
int64_t model_row_elements(const struct model *model, const struct model_tensor *t);

#endif
