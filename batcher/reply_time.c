/* SPDX-License-Identifier: Apache-2.0 */
/* A Kafka that is slow for long must not expire everything: hence the two caps. */
#include "batcher/reply_time.h"

#include "base/clock.h"

#include <math.h>

#define ALLOWANCE_MOST_NS (20 * NS_PER_MS)

/* RFC 6298 section 2.3. */
static const double GAIN_MEAN = 1.0 / 8;
static const double GAIN_DEVIATION = 1.0 / 4;

void
reply_time_observe(struct reply_time *t, int64_t took_ns)
{
    double took = (double)took_ns;
    if (!t->known) {
        t->known = true;
        t->mean_ns = took;
        t->deviation_ns = took / 2;
        return;
    }
    t->deviation_ns += GAIN_DEVIATION * (fabs(took - t->mean_ns) - t->deviation_ns);
    t->mean_ns += GAIN_MEAN * (took - t->mean_ns);
}

int64_t
reply_time_allowance(const struct reply_time *t)
{
    double bound = t->mean_ns + 2 * t->deviation_ns;
    return bound < (double)ALLOWANCE_MOST_NS ? (int64_t)bound : ALLOWANCE_MOST_NS;
}

int64_t
reply_time_charge(int64_t allowance_ns, int64_t left_ns)
{
    int64_t quarter_ns = left_ns > 0 ? left_ns / 4 : 0;
    return allowance_ns < quarter_ns ? allowance_ns : quarter_ns;
}
