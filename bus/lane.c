/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sliding-window counter: the records of the current window plus the part of the former
 * one that still overlaps the last WINDOW_NS. Two integers a producer, no history.
 */
#include "bus/lane.h"

#include "base/clock.h"

/* Long enough that Poisson noise at 1,250/s (80 +- 9 a window) stays between the
   thresholds (64 and 96), short enough to follow a burst. */
#define WINDOW_NS (64 * NS_PER_MS)

static void
lane_advance(struct lane_meter *m, int64_t now_ns)
{
    int64_t passed = now_ns - m->window_ns;
    if (passed < WINDOW_NS) {
        return;
    }
    m->previous = passed < 2 * WINDOW_NS ? m->current : 0;
    m->current = 0;
    m->window_ns = now_ns - passed % WINDOW_NS;
}

static int64_t
lane_rate(const struct lane_meter *m, int64_t now_ns)
{
    int64_t overlap_ns = WINDOW_NS - (now_ns - m->window_ns);
    int64_t records = m->current + m->previous * overlap_ns / WINDOW_NS;
    return records * NS_PER_S / WINDOW_NS;
}

enum lane
lane_choose(struct lane_meter *m, int64_t now_ns)
{
    lane_advance(m, now_ns);
    m->current++;
    int64_t rate = lane_rate(m, now_ns);
    if (rate > LANE_BUSY_ABOVE) {
        m->lane = LANE_BUSY;
    } else if (rate < LANE_QUIET_BELOW) {
        m->lane = LANE_QUIET;
    }
    return m->lane;
}

bool
lane_is_busy(const struct lane_meter *m, int64_t now_ns)
{
    return m->lane == LANE_BUSY && now_ns - m->window_ns < 2 * WINDOW_NS;
}
