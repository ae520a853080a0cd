/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handwritten digits that were held out when models/digits was trained: 8 × 8
 * images with pixels 0..16 and their labels, as the demo sends and draws them.
 */
#ifndef CLI_DIGITS_H
#define CLI_DIGITS_H

#include "base/buf.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum { DIGIT_SIDE = 8, DIGIT_PIXELS = DIGIT_SIDE * DIGIT_SIDE, DIGIT_CLASSES = 10 };

struct digits {
    struct buf images; /* count × DIGIT_PIXELS bytes */
    struct buf labels; /* count bytes */
    size_t count;
};

/**
 * Reads images.u8 and labels.u8 of a folder.
 *
 * @return STATUS_OK; STATUS_NOT_FOUND; STATUS_INVALID if the two do not fit together
 * @owner d is the caller's to fini, on any outcome
 */
MUST_CHECK enum status digits_load(struct digits *d, const char *folder);
void digits_fini(struct digits *d);

const uint8_t *digits_image(const struct digits *d, size_t at);
unsigned digits_label(const struct digits *d, size_t at);

/**
 * Appends the members of an infer body for one image, without braces, so that the body
 * of a job can have more members around them.
 */
void digits_body(const struct digits *d, size_t at, struct buf *body);

/** Prints some images side by side with a line of text under each. */
void digits_draw(const struct digits *d,
                 const size_t *which,
                 const char *const *captions,
                 size_t count);

/** The most probable class in an answer, or -1 if there are not ten numbers in it. */
int digits_answer(struct span json);

/** The most probable of ten probabilities. */
int digits_most_probable(const float *probabilities);

#endif
