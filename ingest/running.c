/* SPDX-License-Identifier: Apache-2.0 */
/* All who follow are looked through when something has changed, but not more than twice
 * a second, whatever the number of batchers that tell. */
#include "ingest/running.h"

#include "base/clock.h"
#include "ingest/running_jobs.h"
#include "ingest/service.h"

#define LOOK_LEAST_NS (500 * NS_PER_MS) /* between two looks */
#define EXPIRE_NS     NS_PER_S

bool
job_is_running(const struct ingest *ingest, const struct uuid *id)
{
    return running_jobs_has(models_topic_running(ingest->models), id, clock_wall_us());
}

const char *
job_unended_status(const struct ingest *ingest, const struct uuid *id)
{
    return job_is_running(ingest, id) ? STATUS_TEXT_RUNNING
                                      : reply_status_name(REPLY_QUEUED);
}

int64_t
running_turn(struct ingest *ingest, int64_t now_ns)
{
    struct running_watch *watch = &ingest->running;
    struct running_jobs *jobs = models_topic_running(ingest->models);
    if (now_ns >= watch->expire_ns) {
        bool any = running_jobs_expire(jobs, clock_wall_us());
        watch->expire_ns = now_ns + EXPIRE_NS;
        watch->any = any;
    }
    int64_t due_ns = watch->any ? watch->expire_ns : TIME_NEVER;
    if (running_jobs_changes(jobs) == watch->changes) {
        return due_ns;
    }
    watch->any = true;
    if (now_ns >= watch->look_ns) {
        watch->changes = running_jobs_changes(jobs);
        watch->look_ns = now_ns + LOOK_LEAST_NS;
        events_tell_running(ingest);
        job_tell_running(ingest);
    }
    return watch->look_ns;
}
