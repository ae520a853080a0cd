/* SPDX-License-Identifier: Apache-2.0 */
/* leat cancel ID: asks that a job be not run. */
#include "base/uuid.h"
#include "cli/client.h"
#include "cli/verb.h"

#include <stdio.h>

static const char usage[] = "  leat cancel 01936f0e-7b1a-7cc3-98c4-dc0c0c07398f\n";

static int
cancel(const struct client_config *client, const char *id)
{
    struct uuid parsed;
    if (uuid_parse(span_of_text(id), &parsed) != STATUS_OK) {
        fprintf(stderr, "leat cancel: '%s' is not a job id (a UUID of 36 characters)\n",
                id);
        return EXIT_USAGE;
    }
    char path[64];
    snprintf(path, sizeof(path), "/v1/jobs/%s", id);
    return client_call(client, "DELETE", path, NULL, 0, span_of(NULL, 0));
}

int
verb_cancel(int argc, const char *const *argv)
{
    struct client_config client;
    const struct option_table table = {"client", client_options, client_option_count,
                                       &client};
    struct option_set set = {.program = "leat cancel",
                             .summary = "ask that a job be not run",
                             .usage = usage,
                             .tables = &table,
                             .table_count = 1};
    enum option_action action = option_load(&set, argc, argv);
    int result = action == OPTION_EXIT_OK ? EXIT_DONE : EXIT_USAGE;
    if (action == OPTION_RUN && set.operand_count != 1) {
        fprintf(stderr, "leat cancel: usage: leat cancel ID\n");
    } else if (action == OPTION_RUN) {
        result = cancel(&client, set.operands[0]);
    }
    option_fini(&set);
    return result;
}
