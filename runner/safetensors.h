/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reader of the safetensors format: 8 bytes little-endian length of a JSON header, the
 * header, the data of the tensors. The file comes from outside, so every number in it
 * is checked: sizes against shapes, places against the file, and that the tensors
 * cover the data without gap or overlap, as the format demands.
 */
#ifndef RUNNER_SAFETENSORS_H
#define RUNNER_SAFETENSORS_H

#include "base/datatype.h"
#include "base/span.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum {
    SAFETENSORS_COUNT_MAX = 4096,
    SAFETENSORS_RANK_MAX = 8,
    SAFETENSORS_HEADER_MAX = 16 << 20, /* bytes */
};

struct safetensor {
    struct span name;
    enum datatype datatype;
    uint32_t rank;
    int64_t shape[SAFETENSORS_RANK_MAX];
    struct span data; /* little-endian, row-major; not aligned */
};

struct safetensors {
    struct safetensor *tensors; /* in the order of their data */
    size_t count;
    void *mapping; /* of safetensors_open(), or NULL */
    size_t mapping_size;
};

/**
 * Reads the header and places the tensors.
 *
 * @param[in]  file whole file; borrowed while `out` lives
 * @param[out] out set only on STATUS_OK
 * @return STATUS_OK; STATUS_INVALID; STATUS_UNSUPPORTED for a datatype or a name with
 *         escapes that we do not read; STATUS_TOO_LARGE; STATUS_NO_MEMORY
 * @source the format's README, "Format", github.com/huggingface/safetensors
 */
MUST_CHECK enum status
safetensors_parse(struct safetensors *out, struct span file, struct fault *fault);

/** Maps the file and parses it; also STATUS_NOT_FOUND, STATUS_IO. */
MUST_CHECK enum status
safetensors_open(struct safetensors *out, const char *path, struct fault *fault);

void safetensors_close(struct safetensors *s);

/** The tensor of that name, or NULL. */
const struct safetensor *
safetensors_find(const struct safetensors *s, const char *name);

#endif
