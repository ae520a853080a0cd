/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store whose disk was full, or refused to write, and can be written again. What it
 * lost stands in Kafka: the replies since the offsets last written are read again, and
 * all that is known of webhooks, as at a start. Waits and connections go on meanwhile.
 *
 * A disk with little space takes a small write and refuses the next large one. So each
 * try waits twice as long as the one before, for as long as the store does not stay
 * whole: what is read again in vain stays little.
 */
#include "base/clock.h"
#include "base/log.h"
#include "results/results_state.h"

#define FIRST_NS (2 * NS_PER_S)
#define MOST_NS  (60 * NS_PER_S)

static void
plan(struct results *r, int64_t now_ns)
{
    bool again = r->mend_wait_ns > 0 && now_ns - r->tried_ns < MOST_NS;
    int64_t wait_ns = again ? 2 * r->mend_wait_ns : FIRST_NS;
    r->mend_wait_ns = wait_ns < MOST_NS ? wait_ns : MOST_NS;
    r->mend_ns = now_ns + r->mend_wait_ns;
}

int64_t
results_mend(struct results *r, int64_t now_ns)
{
    if (!store_damaged(r->store)) {
        return TIME_NEVER;
    }
    if (r->mend_ns == 0) {
        plan(r, now_ns);
    }
    if (now_ns < r->mend_ns) {
        return r->mend_ns;
    }
    r->mend_ns = 0;
    r->tried_ns = now_ns;
    if (store_mend(r->store, clock_wall_us()) != STATUS_OK) {
        return now_ns;
    }
    log_info("store_mended",
             log_text("next", "what was lost is read again from Kafka"));
    inbox_read_again(r->inbox);
    push_learn_again(r->push);
    return TIME_NEVER;
}
