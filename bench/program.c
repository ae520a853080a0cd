/* SPDX-License-Identifier: Apache-2.0 */
/* The same line of options for every benchmark: flags, LEAT_ variables, --help. */
#include "bench/program.h"

#include <stdio.h>

int
program_main(const struct program *p, int argc, char **argv)
{
    char name[64];
    snprintf(name, sizeof name, "bench-%s", p->name);
    const struct option_table table = {p->name, p->options, p->option_count, p->config};
    struct option_set set = {
        .program = name, .summary = p->summary, .tables = &table, .table_count = 1};
    enum option_action action =
        option_load(&set, argc - 1, (const char *const *)argv + 1);
    int result = action == OPTION_EXIT_OK ? 0 : 2;
    if (action == OPTION_RUN) {
        result = p->run(p->config);
    }
    option_fini(&set);
    return result;
}
