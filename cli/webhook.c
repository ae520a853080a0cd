/* SPDX-License-Identifier: Apache-2.0 */
/* leat webhook listen | verify: the receiver's side, without writing any code. */
#include "cli/webhook.h"

#include "base/clock.h"
#include "cli/client.h"
#include "cli/verb.h"
#include "results/results.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "  leat webhook listen --secret-file=secrets --listen=127.0.0.1:9000\n"
    "  leat webhook verify --secret-file=secrets --id=msg_... --timestamp=1700000000 "
    "\\\n"
    "      --signature='v1,...' < body\n";

#define FIELD(name) offsetof(struct webhook_options, name)

static const struct option webhook_options[] = {
    {.name = "secret-file",
     .kind = OPTION_TEXT,
     .offset = FIELD(secret_file),
     .fallback = "",
     .help = "File of whsec_ secrets, one a line, as webhook.secret.file."},
    {.name = "listen",
     .kind = OPTION_TEXT,
     .offset = FIELD(listen),
     .fallback = "127.0.0.1:9000",
     .help = "Address to receive on."},
    {.name = "count",
     .kind = OPTION_INT,
     .offset = FIELD(count),
     .least = 0,
     .most = INT64_MAX,
     .fallback = "0",
     .help = "End after so many; 0: only when stopped."},
    {.name = "id",
     .kind = OPTION_TEXT,
     .offset = FIELD(id),
     .fallback = "",
     .help = "Header webhook-id of the message to verify."},
    {.name = "timestamp",
     .kind = OPTION_TEXT,
     .offset = FIELD(timestamp),
     .fallback = "",
     .help = "Header webhook-timestamp."},
    {.name = "signature",
     .kind = OPTION_TEXT,
     .offset = FIELD(signature),
     .fallback = "",
     .help = "Header webhook-signature."},
};

enum { OPTION_COUNT = sizeof(webhook_options) / sizeof(webhook_options[0]) };

static struct span
text_of(const char *text)
{
    return text == NULL ? span_of(NULL, 0) : span_of_text(text);
}

static int
verify(const struct webhook_options *options)
{
    struct buf body;
    struct fault fault = {.text = ""};
    if (client_read_file("-", &body) != STATUS_OK) {
        fprintf(stderr, "leat webhook: cannot read the body from standard input\n");
        buf_fini(&body);
        return EXIT_FAILED;
    }
    const struct webhook_message message = {.id = text_of(options->id),
                                            .timestamp = text_of(options->timestamp),
                                            .signature = text_of(options->signature),
                                            .body = buf_span(&body)};
    enum status status = webhook_verify(options->secret_file, &message,
                                        clock_wall_us() / 1000000, &fault);
    buf_fini(&body);
    if (status != STATUS_OK) {
        fprintf(stderr, "leat webhook: %s\n", fault.text);
        return EXIT_FAILED;
    }
    printf("verified\n");
    return EXIT_DONE;
}

static int
run(const struct option_set *set, const struct webhook_options *options)
{
    const char *verb = set->operand_count == 1 ? set->operands[0] : "";
    if (options->secret_file == NULL) {
        fprintf(stderr, "leat webhook: --secret-file is needed\n");
        return EXIT_USAGE;
    }
    if (strcmp(verb, "listen") == 0) {
        return webhook_listen(options);
    }
    if (strcmp(verb, "verify") == 0) {
        return verify(options);
    }
    fprintf(stderr, "leat webhook: usage:\n%s", usage);
    return EXIT_USAGE;
}

int
verb_webhook(int argc, const char *const *argv)
{
    struct webhook_options options;
    const struct option_table table = {"webhook", webhook_options, OPTION_COUNT,
                                       &options};
    struct option_set set = {.program = "leat webhook",
                             .summary =
                                 "receive webhooks and print them, or verify one",
                             .usage = usage,
                             .tables = &table,
                             .table_count = 1};
    enum option_action action = option_load(&set, argc, argv);
    int result = action == OPTION_EXIT_OK ? EXIT_DONE : EXIT_USAGE;
    if (action == OPTION_RUN) {
        result = run(&set, &options);
    }
    option_fini(&set);
    return result;
}
