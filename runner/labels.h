/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of a model's classes: a file with a line each, in the order of its output.
 */
#ifndef RUNNER_LABELS_H
#define RUNNER_LABELS_H

#include "base/span.h"
#include "base/status.h"

struct labels {
    char *text; /* the file; owned */
    struct span *lines;
    size_t count;
};

/**
 * Reads the file; a line may be empty, the last may end without a line end.
 *
 * @param[out] out set only on STATUS_OK; released by labels_fini()
 * @return STATUS_OK; STATUS_NOT_FOUND; STATUS_TOO_LARGE over 16 MiB; STATUS_IO;
 *         STATUS_NO_MEMORY; the fault names the file
 */
MUST_CHECK enum status
labels_read(struct labels *out, const char *path, struct fault *fault);

/** Accepts a zeroed one. */
void labels_fini(struct labels *labels);

#endif
