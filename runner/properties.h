/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of `key=value`, as control messages and model.properties have them, read into a
 * bounded table with typed lookups. The table borrows nothing: it copies the text once
 * and cuts it in place. Reading by kind reports the key and what was expected, so that
 * a load failure names the line to be mended.
 */
#ifndef RUNNER_PROPERTIES_H
#define RUNNER_PROPERTIES_H

#include "base/span.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum { PROPERTIES_MAX = 256 };

struct property_line {
    const char *key;
    const char *value;
};

struct properties {
    struct property_line lines[PROPERTIES_MAX];
    size_t count;
    char *text; /* owned; NULL in a subset */
};

/**
 * Cuts the text into lines; empty ones are skipped.
 *
 * @param[out] out set only on STATUS_OK; released by properties_fini()
 * @return STATUS_OK; STATUS_INVALID for a line without a key or a NUL inside;
 *         STATUS_TOO_LARGE over PROPERTIES_MAX lines; STATUS_NO_MEMORY
 */
MUST_CHECK enum status
properties_parse(struct properties *out, struct span text, struct fault *fault);
void properties_fini(struct properties *p);

/**
 * The lines whose key starts with the prefix, without it.
 *
 * @owner the texts stay those of `all`, which must outlive the subset
 */
void properties_subset(const struct properties *all,
                       const char *prefix,
                       struct properties *out);

/** The value of the first such line, or NULL. */
const char *properties_text(const struct properties *p, const char *key);

/**
 * A whole number within [least, most].
 *
 * @param[in,out] out untouched where the key is absent
 * @return STATUS_OK; STATUS_INVALID
 */
MUST_CHECK enum status properties_int(const struct properties *p,
                                      const char *key,
                                      const int64_t range[static 2],
                                      int64_t *out,
                                      struct fault *fault);

/**
 * A time such as 5ms, 0.1ms, 20us, 1s or 0; at most an hour.
 *
 * @param[in,out] out_ns untouched where the key is absent
 * @return STATUS_OK; STATUS_INVALID
 */
MUST_CHECK enum status properties_duration(const struct properties *p,
                                           const char *key,
                                           int64_t *out_ns,
                                           struct fault *fault);

#endif
