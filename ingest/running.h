/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `running`, the one state of a job that no record of it says: batchers tell it of what
 * takes long (running_jobs.h), every instance hears it, and those who follow such a job
 * are told within half a second. Where the end of a job is known, that counts.
 */
#ifndef INGEST_RUNNING_H
#define INGEST_RUNNING_H

#include "base/uuid.h"

#include <stdbool.h>
#include <stdint.h>

/* How a job stands that runs; and the id of its event. */
#define STATUS_TEXT_RUNNING "running"

struct ingest;

/** Whether a job that has not ended is with its model. */
bool job_is_running(const struct ingest *ingest, const struct uuid *id);

/** As it stands in the document of a job that has not ended. */
const char *job_unended_status(const struct ingest *ingest, const struct uuid *id);

/** Tells followers what has changed. @return when it wants to be called next */
int64_t running_turn(struct ingest *ingest, int64_t now_ns);

#endif
