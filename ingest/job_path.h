/* SPDX-License-Identifier: Apache-2.0 */
/* Where a job is read: /v1/jobs/{id}. Pure. */
#ifndef INGEST_JOB_PATH_H
#define INGEST_JOB_PATH_H

#include "base/uuid.h"

#define JOB_PATH_PREFIX "/v1/jobs/"

enum { JOB_PATH_SIZE = sizeof(JOB_PATH_PREFIX) + UUID_TEXT };

/** Writes the path with a NUL behind it. */
static inline void
job_path_format(const struct uuid *id, char path[static JOB_PATH_SIZE])
{
    memcpy(path, JOB_PATH_PREFIX, sizeof(JOB_PATH_PREFIX) - 1);
    uuid_format(id, path + sizeof(JOB_PATH_PREFIX) - 1);
    path[JOB_PATH_SIZE - 1] = '\0';
}

#endif
