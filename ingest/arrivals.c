/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last point follows the newest moment until it is a grain away from the one before
 * it. So a burst ends in a point of its own, and what came long after it is not spread
 * over the pause.
 */
#include "ingest/arrivals.h"

#include <string.h>

enum { GRAIN_US = 5000 };

void
arrivals_init(struct arrivals *a)
{
    a->count = 0;
    a->grain_us = GRAIN_US;
}

/* Every second one goes, never the last. */
static void
arrivals_thin(struct arrivals *a)
{
    size_t kept = 0;
    for (size_t i = 0; i + 1 < a->count; i += 2) {
        a->points[kept++] = a->points[i];
    }
    a->points[kept++] = a->points[a->count - 1];
    a->count = kept;
    a->grain_us *= 2;
}

void
arrivals_note(struct arrivals *a, int64_t wall_us, int64_t total)
{
    struct arrival now = {.wall_us = wall_us, .total = total};
    if (a->count > 0 && wall_us < a->points[a->count - 1].wall_us) {
        now.wall_us = a->points[a->count - 1].wall_us;
    }
    for (size_t i = a->count; i > 0 && a->points[i - 1].total > total; i--) {
        a->points[i - 1].total = total;
    }
    if (a->count >= 2 && now.wall_us - a->points[a->count - 2].wall_us < a->grain_us) {
        a->points[a->count - 1] = now;
        return;
    }
    if (a->count == ARRIVALS_MAX) {
        arrivals_thin(a);
    }
    a->points[a->count++] = now;
}

void
arrivals_shift(struct arrivals *a, int64_t by)
{
    for (size_t i = 0; i < a->count; i++) {
        a->points[i].total += by;
    }
}

void
arrivals_trim(struct arrivals *a, int64_t answered)
{
    size_t gone = 0;
    while (gone + 1 < a->count && a->points[gone + 1].total <= answered) {
        gone++;
    }
    a->count -= gone;
    memmove(a->points, a->points + gone, a->count * sizeof(a->points[0]));
    if (a->count < ARRIVALS_MAX / 8) {
        a->grain_us = GRAIN_US;
    }
}

int64_t
arrivals_at(const struct arrivals *a, int64_t wall_us)
{
    if (a->count == 0) {
        return 0;
    }
    size_t low = 0; /* the last point not after the moment lies in [low, high) */
    size_t high = a->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (a->points[middle].wall_us <= wall_us) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const struct arrival *before = &a->points[low];
    if (wall_us <= before->wall_us || high == a->count) {
        return before->total;
    }
    const struct arrival *after = &a->points[high];
    double part = (double)(wall_us - before->wall_us) /
                  (double)(after->wall_us - before->wall_us);
    return before->total + (int64_t)(part * (double)(after->total - before->total));
}
