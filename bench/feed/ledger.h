/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of every request: one entry each, by number; answered once, duplicates
 * are counted apart. The report is made from it at the end, so no bucket hides a tail.
 */
#ifndef BENCH_FEED_LEDGER_H
#define BENCH_FEED_LEDGER_H

#include "bench/feed/pattern.h"

#include <stddef.h>

enum answer {
    ANSWER_MISSING,
    ANSWER_RIGHT,
    ANSWER_WRONG,
    ANSWER_EXPIRED,
    ANSWER_FAILED,
    ANSWER_COUNT
};

struct entry {
    struct due due;
    uint64_t wanted; /* hash in the right answer */
    enum answer answer;
    int64_t answered_ns;
    int64_t received_ns; /* by the batcher, as its wall clock told */
    int64_t started_us;  /* of its batch, wall; 0 = did not run */
    int64_t completed_us;
    int32_t batch_rows;
};

struct ledger {
    struct entry *entries;
    size_t count;
    size_t capacity;
    size_t answered;
    uint64_t duplicates;
};

void ledger_fini(struct ledger *l);

/** @return the number of the new entry's request, or SIZE_MAX without memory */
size_t ledger_add(struct ledger *l, const struct due *due, uint64_t wanted);

/** One line of JSON about everything that counted. @return false without memory */
bool ledger_print(const struct ledger *l, const struct pattern *p);

#endif
