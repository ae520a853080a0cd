/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A direct producer with its reply reader: load on Kafka without HTTP. Requests are due
 * on a schedule that does not wait for answers, latency counts from the due instant,
 * and each answer is compared with what its own request must get.
 */
#ifndef BENCH_FEED_FEED_H
#define BENCH_FEED_FEED_H

#include "bench/feed/ledger.h"

struct feed_config {
    struct pattern_config pattern;
    const char *brokers;
    const char *prefix; /* of the topics */
    const char *model;
    const char *input;       /* name of its tensor */
    const char *reply_topic; /* NULL: the replies topic, not named in the request */
    const char *partitioning;
    int64_t partitions; /* of the request topic and of the replies */
    int64_t quantum;    /* records for one partition before the next */
    int64_t row_bytes;
    bool hashed; /* answers are sim's hash */
    int64_t priority;
    bool announce;   /* on stderr when the first request is due */
    int64_t late_ns; /* answers are waited for so long after the last request */
};

/**
 * Feeds to the end of the pattern and waits for what is not answered.
 *
 * @param[out] ledger to be given to ledger_fini() in any case
 * @return false if the brokers or topics cannot be used, after a message
 */
bool feed_run(const struct feed_config *config,
              struct ledger *ledger,
              struct pattern *pattern);

#endif
