/* SPDX-License-Identifier: Apache-2.0 */
/* leat get ID: what is known of a job, or only its result. */
#include "base/clock.h"
#include "base/uuid.h"
#include "cli/client.h"
#include "cli/verb.h"

#include <stdio.h>

static const char usage[] = "  leat get 01936f0e-7b1a-7cc3-98c4-dc0c0c07398f\n"
                            "  leat get ID --wait=10s\n"
                            "  leat get ID --result=true     # only the outputs\n";

struct get_config {
    int64_t wait_ns;
    bool result;
};

static const struct option get_options[] = {
    {.name = "wait",
     .kind = OPTION_DURATION,
     .offset = offsetof(struct get_config, wait_ns),
     .least = 0,
     .most = 60 * NS_PER_S,
     .fallback = "0s",
     .help = "Wait this long for the job to end."},
    {.name = "result",
     .kind = OPTION_BOOL,
     .offset = offsetof(struct get_config, result),
     .fallback = "false",
     .help = "Print the result as the infer call would have answered it."},
};

static int
get(const struct client_config *client, const struct get_config *config, const char *id)
{
    struct uuid parsed;
    if (uuid_parse(span_of_text(id), &parsed) != STATUS_OK) {
        fprintf(stderr, "leat get: '%s' is not a job id (a UUID of 36 characters)\n",
                id);
        return EXIT_USAGE;
    }
    char path[160];
    snprintf(path, sizeof(path), "/v1/jobs/%s%s?wait=%lld", id,
             config->result ? "/result" : "", (long long)(config->wait_ns / NS_PER_S));
    return client_call(client, "GET", path, NULL, 0, span_of(NULL, 0));
}

int
verb_get(int argc, const char *const *argv)
{
    struct client_config client;
    struct get_config config;
    const struct option_table tables[] = {
        {"client", client_options, client_option_count, &client},
        {"get", get_options, 2, &config},
    };
    struct option_set set = {.program = "leat get",
                             .summary = "print what is known of a job",
                             .usage = usage,
                             .tables = tables,
                             .table_count = 2};
    enum option_action action = option_load(&set, argc, argv);
    int result = action == OPTION_EXIT_OK ? EXIT_DONE : EXIT_USAGE;
    if (action == OPTION_RUN && set.operand_count != 1) {
        fprintf(stderr, "leat get: usage: leat get ID\n");
    } else if (action == OPTION_RUN) {
        result = get(&client, &config, set.operands[0]);
    }
    option_fini(&set);
    return result;
}
