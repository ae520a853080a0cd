/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose store a directory is, and whether its content can be believed. The store is
 * written without fsync: killing the process harms nothing, a crash of the machine may.
 * So a file remembers the boot it was opened in; another boot without a clean close in
 * between means the content is not to be trusted (it can be rebuilt from Kafka).
 */
#ifndef RESULTS_MARK_H
#define RESULTS_MARK_H

#include "base/status.h"

#include <stdbool.h>

struct mark {
    int directory_fd;
    int lock_fd; /* holds the lock of the directory */
    bool broken; /* by mark_distrust() */
};

/**
 * Creates the directory if need be, locks it, notes that it is open.
 *
 * @param[out] trusted whether what lies there was left in good order
 * @return STATUS_OK; STATUS_CONFLICT: another process has it open; STATUS_IO
 */
MUST_CHECK enum status
mark_open(struct mark *m, const char *directory, bool *trusted, struct fault *fault);

/** The content is broken: whatever mark_close() is told, the next one must not trust
 * it. */
void mark_distrust(struct mark *m);

/** @param[in] clean all is on the disk: the next one may trust it after any crash */
void mark_close(struct mark *m, bool clean);

#endif
