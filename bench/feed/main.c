/* SPDX-License-Identifier: Apache-2.0 */
/* bench-feed: options to a feed, one line of JSON out. */
#include "bench/feed/feed.h"
#include "bench/load/load.h"
#include "bench/program.h"

#include <stdio.h>

#define PATTERN(name) offsetof(struct feed_config, pattern.name)
#define FIELD(name)   offsetof(struct feed_config, name)

static const struct option options[] = {
    {"brokers", OPTION_TEXT, FIELD(brokers), 0, 0, "127.0.0.1:9092", "Kafka.", NULL},
    {"prefix", OPTION_TEXT, FIELD(prefix), 0, 0, "leat.", "Of the topics.", NULL},
    {"model", OPTION_TEXT, FIELD(model), 0, 0, "sim", "A model on the sim backend.",
     NULL},
    {"input", OPTION_TEXT, FIELD(input), 0, 0, "data", "Its UINT8 input.", NULL},
    {"hashed", OPTION_BOOL, FIELD(hashed), 0, 0, "true",
     "The right answer is the hash that sim and no other backend gives.", NULL},
    {"row-bytes", OPTION_BYTES, FIELD(row_bytes), 8, PAYLOAD_BYTES_MAX, "1KiB",
     "Size of a request's row.", NULL},
    {"reply-topic", OPTION_TEXT, FIELD(reply_topic), 0, 0, "",
     "Topic named in reply_to and read; otherwise the replies topic.", NULL},
    {"partitions", OPTION_INT, FIELD(partitions), 1, 10000, "16",
     "Of the request topic and of the one with the replies.", NULL},
    {"partitioning", OPTION_TEXT, FIELD(partitioning), 0, 0, "sticky",
     "Sticky: by quanta, ids minted for one reply partition at a time.", "sticky|key"},
    {"quantum", OPTION_INT, FIELD(quantum), 1, 100000, "64",
     "Records for one partition before the next, at most 10 ms.", NULL},
    {"rate", OPTION_REAL, PATTERN(rate), 0, 0, "0",
     "Requests per second; 0 = all at once.", NULL},
    {"poisson", OPTION_BOOL, PATTERN(poisson), 0, 0, "false",
     "Exponential instead of equal gaps.", NULL},
    {"bursty", OPTION_BOOL, PATTERN(bursty), 0, 0, "false",
     "Poisson; three times the rate and a third of it in turn.", NULL},
    {"requests", OPTION_INT, PATTERN(requests), 0, 100000000, "0",
     "End after so many instead of by time.", NULL},
    {"duration", OPTION_DURATION, PATTERN(duration_ns), 0, 0, "10s", "Counted time.",
     NULL},
    {"warm-up", OPTION_DURATION, PATTERN(warm_up_ns), 0, 0, "0", "Time before it.",
     NULL},
    {"late", OPTION_DURATION, FIELD(late_ns), 0, 0, "20s",
     "Wait for answers after the last request.", NULL},
    {"slo", OPTION_DURATION, PATTERN(slo_ns), 0, 0, "0",
     "Deadline of a request after it is due; 0 = none.", NULL},
    {"slo2", OPTION_DURATION, PATTERN(slo2_ns), 0, 0, "0",
     "Deadline of a second class; 0 = there is none.", NULL},
    {"slo2-share", OPTION_REAL, PATTERN(slo2_share), 0, 0, "0.5", "Its share.", NULL},
    {"tenants", OPTION_INT, PATTERN(tenants), 1, 10000, "1",
     "Tenants t0, t1, ... with equal shares of the rate.", NULL},
    {"flood-tenant", OPTION_REAL, PATTERN(flood), 0, 0, "1",
     "Tenant t0 sends so many times its share, on top of the others.", NULL},
    {"priority", OPTION_INT, FIELD(priority), 0, 1000000, "0", "Of every request.",
     NULL},
    {"announce", OPTION_BOOL, FIELD(announce), 0, 0, "false",
     "Say `feed begins` on stderr when the first request is due.", NULL},
    {"seed", OPTION_INT, PATTERN(seed), 1, 1000000000, "1", "Of the schedule.", NULL},
};

static int
feed(const void *arg)
{
    const struct feed_config *config = arg;
    if (config->pattern.rate <= 0 && config->pattern.requests == 0) {
        fprintf(stderr, "bench-feed: give --rate or --requests\n");
        return 2;
    }
    struct ledger ledger = {0};
    struct pattern pattern;
    bool good = feed_run(config, &ledger, &pattern) && ledger_print(&ledger, &pattern);
    ledger_fini(&ledger);
    return good ? 0 : 1;
}

int
main(int argc, char **argv)
{
    struct feed_config config;
    const struct program program = {.name = "feed",
                                    .summary = "load straight into Kafka",
                                    .options = options,
                                    .option_count =
                                        sizeof(options) / sizeof(options[0]),
                                    .config = &config,
                                    .run = feed};
    return program_main(&program, argc, argv);
}
