/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of a BYTES tensor as a slot holds them: each a 32-bit length and its bytes,
 * behind one another. Pure.
 */
#ifndef RUNNER_ORT_TEXTS_H
#define RUNNER_ORT_TEXTS_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORT_TEXT_LENGTH = 4 }; /* bytes in front of each text */

struct ort_texts {
    struct span data;
    size_t count;
    size_t per_row;
};

/** Whether the data is exactly `count` texts. */
bool ort_texts_fit(struct span data, size_t count);

/**
 * The text at *at, which is moved behind it.
 *
 * @param[in,out] at within data that fits, not at its end
 */
struct span ort_texts_next(const uint8_t **at);

/**
 * Writes texts in that form.
 *
 * @param[out] to      offsets[count] - offsets[0] + count × ORT_TEXT_LENGTH bytes
 * @param[in]  offsets where each begins in the content, and behind the last
 */
void
ort_texts_write(uint8_t *to, const char *content, const size_t *offsets, size_t count);

#endif
