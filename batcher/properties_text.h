/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a model.properties cut into numbered lines `key=value`; `#` and `!` begin
 * a comment. What keys mean is not its business. Pure.
 */
#ifndef BATCHER_PROPERTIES_TEXT_H
#define BATCHER_PROPERTIES_TEXT_H

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"
#include "batcher/mistakes.h"

#include <stddef.h>

/* All of it travels to the runner in one control message of 64 KiB. */
enum { PROPERTY_LINES_MAX = 256, PROPERTIES_TEXT_MAX = 48 * 1024 };

struct property_line {
    const char *key;
    const char *value;
    unsigned number; /* from 1 */
};

struct properties_text {
    struct property_line *lines; /* each key once, in their order */
    size_t count;
};

/**
 * Cuts a text; lines that are none, and keys that stand there twice, are mistakes and
 * left out.
 *
 * @param[in] file path, for the mistakes
 * @return STATUS_OK, also with mistakes; STATUS_NO_MEMORY
 */
MUST_CHECK enum status properties_text_read(struct properties_text *out,
                                            struct span text,
                                            const char *file,
                                            struct arena *arena,
                                            struct mistakes *mistakes);

/** The line with that key, or NULL. */
const struct property_line *
properties_text_find(const struct properties_text *p, const char *key);

#endif
