/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which jobs run, as batchers tell on the models topic: a set of ids for each model and
 * batcher, replaced by its next record and dropped by a tombstone or when nothing was
 * heard of it for 15 s. What such a record leaves out counts for 3 s more: that it has
 * ended is read from another topic, and a job does not go back to queued meanwhile. Of
 * an id that two batchers name the newest word counts. Who knows how a job ended does
 * not ask here. Pure: records and times come in as arguments.
 */
#ifndef INGEST_RUNNING_JOBS_H
#define INGEST_RUNNING_JOBS_H

#include "base/span.h"
#include "base/status.h"
#include "base/uuid.h"

#include <stdbool.h>
#include <stdint.h>

enum { RUNNING_SETS_MAX = 4096, RUNNING_JOBS_MAX = 256 * 1024 };

struct running_jobs;

/** @param[in] seed of the map of ids, which come from outside */
MUST_CHECK enum status running_jobs_create(struct running_jobs **out, uint64_t seed);
void running_jobs_destroy(struct running_jobs **jobs);

/** Whether a record of the models topic is of what runs. */
bool running_jobs_is_key(struct span key);

/**
 * Takes such a record; bytes are copied.
 *
 * @param[in] value    a Running record; empty: none run any more
 * @param[in] heard_us wall time it counts as heard; 0 = when it was published
 * @return STATUS_OK; STATUS_FULL: not all of it is known; STATUS_NO_MEMORY; otherwise
 *         what the codec said, and what was known stands
 */
MUST_CHECK enum status running_jobs_apply(struct running_jobs *jobs,
                                          struct span key,
                                          struct span value,
                                          int64_t heard_us,
                                          struct fault *fault);

bool running_jobs_has(const struct running_jobs *jobs,
                      const struct uuid *id,
                      int64_t now_us);

/** Drops what is not heard of any more. @return false: nothing is left */
bool running_jobs_expire(struct running_jobs *jobs, int64_t now_us);

/** Grows when anything may be different from before. */
uint64_t running_jobs_changes(const struct running_jobs *jobs);

#endif
