/* SPDX-License-Identifier: Apache-2.0 */
/* All from when a batch could start and the time that such batches hardly exceed. */
#include "batcher/former_fit.h"

#include "base/clock.h"

/** When a batch closed now could begin to run. */
static int64_t
start_ns(const struct former_ask *ask, uint32_t rows)
{
    int64_t staged_ns = ask->now_ns + cost_bound(ask->stage, rows);
    return staged_ns > ask->free_ns ? staged_ns : ask->free_ns;
}

bool
former_fit_rows(const struct former_ask *ask, uint32_t rows, int64_t deadline_ns)
{
    if (deadline_ns == TIME_NEVER) {
        return true;
    }
    int64_t run_ns = cost_bound(ask->run, rows);
    int64_t latest_ns =
        deadline_ns - ask->reply_ns - run_ns - run_ns / FORMER_MARGIN_PART;
    return start_ns(ask, rows) <= latest_ns;
}

uint32_t
former_fit_most(const struct former_ask *ask, uint32_t most, int64_t deadline_ns)
{
    uint32_t low = 0;
    while (low < most) {
        uint32_t middle = most - (most - low) / 2;
        if (former_fit_rows(ask, middle, deadline_ns)) {
            low = middle;
        } else {
            most = middle - 1;
        }
    }
    return low;
}

bool
former_fit_alone(const struct former_ask *ask, const struct former_entry *e)
{
    if (e->deadline_ns == TIME_NEVER) {
        return true;
    }
    return start_ns(ask, e->rows) <=
           e->deadline_ns - ask->reply_ns - cost_bound(ask->run, e->rows);
}
