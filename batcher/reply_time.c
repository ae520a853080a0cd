/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of a batch travel together and take the same time: one by one they would
 * drown how much batches differ. So the slowest within a window is one observation. A
 * Kafka that is slow for long must not expire everything: hence the two caps.
 */
#include "batcher/reply_time.h"

#include "base/clock.h"

#include <math.h>

#define ALLOWANCE_MOST_NS (20 * NS_PER_MS)
#define WINDOW_NS         (5 * NS_PER_MS)

/* RFC 6298 section 2.3. */
static const double GAIN_MEAN = 1.0 / 8;
static const double GAIN_DEVIATION = 1.0 / 4;
static const double DEVIATIONS = 4;

static void
reply_time_learn(struct reply_time *t, double took)
{
    if (!t->known) {
        t->known = true;
        t->mean_ns = took;
        t->deviation_ns = took / 2;
        return;
    }
    t->deviation_ns += GAIN_DEVIATION * (fabs(took - t->mean_ns) - t->deviation_ns);
    t->mean_ns += GAIN_MEAN * (took - t->mean_ns);
}

void
reply_time_observe(struct reply_time *t, int64_t took_ns, int64_t now_ns)
{
    if (now_ns >= t->window_end_ns) {
        if (t->slowest_ns > 0 || !t->known) {
            reply_time_learn(t, (double)(t->known ? t->slowest_ns : took_ns));
        }
        t->window_end_ns = now_ns + WINDOW_NS;
        t->slowest_ns = 0;
    }
    t->slowest_ns = took_ns > t->slowest_ns ? took_ns : t->slowest_ns;
}

int64_t
reply_time_allowance(const struct reply_time *t)
{
    double bound = t->mean_ns + DEVIATIONS * t->deviation_ns;
    return bound < (double)ALLOWANCE_MOST_NS ? (int64_t)bound : ALLOWANCE_MOST_NS;
}

int64_t
reply_time_charge(int64_t allowance_ns, int64_t left_ns)
{
    int64_t quarter_ns = left_ns > 0 ? left_ns / 4 : 0;
    return allowance_ns < quarter_ns ? allowance_ns : quarter_ns;
}
