/* SPDX-License-Identifier: Apache-2.0 */
/* A benchmark as a program of one table of options. */
#ifndef BENCH_PROGRAM_H
#define BENCH_PROGRAM_H

#include "base/option.h"

#include <stddef.h>

struct program {
    const char *name; /* without bench- */
    const char *summary;
    const struct option *options;
    size_t option_count;
    void *config; /* that the options fill */
    int (*run)(const void *config);
};

/** Reads the options and runs it. @return the exit status; 2 on wrong usage */
int program_main(const struct program *p, int argc, char **argv);

#endif
