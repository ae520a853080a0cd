/* SPDX-License-Identifier: Apache-2.0 */
/* leat webhooks list | redeliver ID: asks a running ingest. */
#include "base/uuid.h"
#include "cli/client.h"
#include "cli/verb.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "  leat webhooks list --state=exhausted\n"
    "  leat webhooks list --from=ID              # `next` of the page before\n"
    "  leat webhooks redeliver 01936f0e-7b1a-7cc3-98c4-dc0c0c07398f\n";

struct webhooks_options {
    const char *state;
    const char *from;
    int64_t limit;
};

#define FIELD(name) offsetof(struct webhooks_options, name)

static const struct option webhooks_options[] = {
    {.name = "state",
     .kind = OPTION_TEXT,
     .offset = FIELD(state),
     .fallback = "any",
     .choices = "any|pending|delivered|exhausted|stopped",
     .help = "List only those in this state."},
    {.name = "from",
     .kind = OPTION_TEXT,
     .offset = FIELD(from),
     .fallback = "",
     .help = "Begin the list with this id."},
    {.name = "limit",
     .kind = OPTION_INT,
     .offset = FIELD(limit),
     .least = 1,
     .most = 1000,
     .fallback = "100",
     .help = "Deliveries of a page at most."},
};

enum { OPTION_COUNT = sizeof(webhooks_options) / sizeof(webhooks_options[0]) };

static int
list(const struct client_config *client, const struct webhooks_options *options)
{
    struct uuid id;
    char path[256];
    if (options->from != NULL &&
        uuid_parse(span_of_text(options->from), &id) != STATUS_OK) {
        fprintf(stderr, "leat webhooks: '%s' is not an id\n", options->from);
        return EXIT_USAGE;
    }
    bool any = strcmp(options->state, "any") == 0;
    snprintf(path, sizeof(path), "/v1/webhooks?limit=%" PRId64 "%s%s%s%s",
             options->limit, any ? "" : "&state=", any ? "" : options->state,
             options->from == NULL ? "" : "&from=",
             options->from == NULL ? "" : options->from);
    return client_call(client, "GET", path, NULL, 0, span_of(NULL, 0));
}

static int
redeliver(const struct client_config *client, const char *id)
{
    struct uuid parsed;
    if (uuid_parse(span_of_text(id), &parsed) != STATUS_OK) {
        fprintf(stderr, "leat webhooks: '%s' is not a job id\n", id);
        return EXIT_USAGE;
    }
    char path[96];
    snprintf(path, sizeof(path), "/v1/webhooks/%s/redeliver", id);
    return client_call(client, "POST", path, NULL, 0, span_of(NULL, 0));
}

static int
run(const struct option_set *set,
    const struct client_config *client,
    const struct webhooks_options *options)
{
    const char *verb = set->operand_count > 0 ? set->operands[0] : "";
    if (set->operand_count == 1 && strcmp(verb, "list") == 0) {
        return list(client, options);
    }
    if (set->operand_count == 2 && strcmp(verb, "redeliver") == 0) {
        return redeliver(client, set->operands[1]);
    }
    fprintf(stderr, "leat webhooks: usage:\n%s", usage);
    return EXIT_USAGE;
}

int
verb_webhooks(int argc, const char *const *argv)
{
    struct client_config client;
    struct webhooks_options options;
    const struct option_table tables[] = {
        {"client", client_options, client_option_count, &client},
        {"webhooks", webhooks_options, OPTION_COUNT, &options},
    };
    struct option_set set = {.program = "leat webhooks",
                             .summary = "list webhook deliveries, or begin one anew",
                             .usage = usage,
                             .tables = tables,
                             .table_count = 2};
    enum option_action action = option_load(&set, argc, argv);
    int result = action == OPTION_EXIT_OK ? EXIT_DONE : EXIT_USAGE;
    if (action == OPTION_RUN) {
        result = run(&set, &client, &options);
    }
    option_fini(&set);
    return result;
}
