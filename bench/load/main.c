/* SPDX-License-Identifier: Apache-2.0 */
/* bench-load: options to a plan, one line of JSON out. */
#include "base/clock.h"
#include "bench/load/load.h"
#include "bench/program.h"

#include <stdio.h>

struct load_config {
    struct plan plan;
    const char *model;
    int64_t bytes;
    bool json;
};

#define PLAN(name)  offsetof(struct load_config, plan.name)
#define FIELD(name) offsetof(struct load_config, name)

static const struct option options[] = {
    {"address", OPTION_TEXT, PLAN(address), 0, 0, "127.0.0.1:8080", "An ingest.", NULL},
    {"connections", OPTION_INT, PLAN(connections), 1, 20000, "64", "Connections.",
     NULL},
    {"rate", OPTION_REAL, PLAN(rate), 0, 0, "0",
     "Requests per second; 0 = each connection sends when it is answered.", NULL},
    {"poisson", OPTION_BOOL, PLAN(poisson), 0, 0, "false",
     "Exponential instead of equal gaps.", NULL},
    {"duration", OPTION_DURATION, PLAN(duration_ns), 0, 0, "10s", "Counted time.",
     NULL},
    {"warm-up", OPTION_DURATION, PLAN(warm_up_ns), 0, 0, "1s", "Time before it.", NULL},
    {"requests", OPTION_INT, PLAN(requests), 0, 0, "0",
     "End after so many instead of by time.", NULL},
    {"burst", OPTION_INT, PLAN(burst), 0, 0, "0", "So many at once and no more.", NULL},
    {"model", OPTION_TEXT, FIELD(model), 0, 0, "sim", "A model on the sim backend.",
     NULL},
    {"bytes", OPTION_BYTES, FIELD(bytes), 8, PAYLOAD_BYTES_MAX, "1KiB",
     "Size of the UINT8 tensor.", NULL},
    {"json", OPTION_BOOL, FIELD(json), 0, 0, "false", "JSON numbers, not binary.",
     NULL},
};

static int
load(const void *arg)
{
    const struct load_config *config = arg;
    struct payload payload;
    struct tally tally;
    double seconds = 0;
    bool good =
        payload_init(&payload, config->model, (size_t)config->bytes, config->json);
    good = tally_init(&tally, (size_t)8 << 20) && good;
    good = good && fleet_run(&config->plan, &payload, &tally, &seconds);
    if (good) {
        tally_print(&tally, seconds);
    } else {
        fprintf(stderr, "bench-load: cannot connect to %s\n", config->plan.address);
    }
    payload_fini(&payload);
    tally_fini(&tally);
    return good ? 0 : 1;
}

int
main(int argc, char **argv)
{
    struct load_config config;
    const struct program program = {.name = "load",
                                    .summary = "open-loop load on an ingest",
                                    .options = options,
                                    .option_count =
                                        sizeof(options) / sizeof(options[0]),
                                    .config = &config,
                                    .run = load};
    return program_main(&program, argc, argv);
}
